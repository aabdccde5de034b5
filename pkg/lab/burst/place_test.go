// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"context"
	"errors"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

func TestPodsOfAWorkloadAreAssignedItsNodes(t *testing.T) {
	pod := func(name, app string) corev1.Pod {
		return corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{stage.AppLabel: app}}}
	}
	plan := []Workload{{Name: "a", Before: []int{3, 3, 1}}, {Name: "b", Before: []int{2}}, {Name: "c", Burst: 4}}
	pods := []corev1.Pod{pod("a-z", "a"), pod("a-x", "a"), pod("b-x", "b"), pod("a-y", "a"), pod("b-y", "b"), pod("c-x", "c")}
	want := map[string]int{"a-x": 3, "a-y": 3, "a-z": 1, "b-x": 2} // the second of b is one too many
	if diff := gocmp.Diff(want, assign(plan, pods)); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func TestPodsAreBoundToNodesOfTheirPool(t *testing.T) {
	client, bound := fake.NewClientset(), make(chan string, 2)
	client.PrependReactor("create", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		binding := action.(clienttesting.CreateAction).GetObject().(*corev1.Binding)
		bound <- action.GetNamespace() + "/" + binding.Name + " to " + binding.Target.Name
		return true, binding, nil
	})
	if err := bind(t.Context(), client, stage.Pool{Name: "headroom"}, map[string]int{"a-x": 7}); err != nil {
		t.Fatal(err)
	}
	if got, want := <-bound, "headroom/a-x to headroom-7"; got != want {
		t.Errorf("bound %s, want %s", got, want)
	}
}

func TestTheBurstComesToEveryPool(t *testing.T) {
	client := fake.NewClientset()
	r := &run{
		stage: &stage.Stage{Client: client},
		pools: []stage.Pool{{Name: "one"}, {Name: "two"}},
		plan: []Workload{
			{Name: "base", Before: []int{1}, RequestBytes: 1, LimitBytes: 2, Profile: "steady=1"},
			{Name: "scaled", Before: []int{1, 2}, Burst: 10, RequestBytes: 1, LimitBytes: 2, Profile: "steady=1"},
			{Name: "new", Burst: 4, RequestBytes: 1, LimitBytes: 2, Profile: "steady=1"},
		},
	}
	if err := forEach(t.Context(), r.pools, r.plan[:2], func(ctx context.Context, pool stage.Pool, workload Workload) error {
		return create(ctx, client, pool, workload, len(workload.Before))
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.burst(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := client.AppsV1().Deployments("").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int32{}
	for _, deployment := range list.Items {
		got[deployment.Namespace+"/"+deployment.Name] = *deployment.Spec.Replicas
	}
	want := map[string]int32{
		"one/base": 1, "one/scaled": 12, "one/new": 4,
		"two/base": 1, "two/scaled": 12, "two/new": 4,
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("replicas (-want +got):\n%s", diff)
	}
}

func TestUntilEndsWithItsContext(t *testing.T) {
	cause := errors.New("a component died")
	ctx, cancel := context.WithCancelCause(t.Context())
	looks := 0
	if err := until(ctx, time.Millisecond, func() (bool, error) {
		if looks++; looks == 2 {
			cancel(cause)
		}
		return false, nil
	}); !errors.Is(err, cause) {
		t.Errorf("error %v, want %v", err, cause)
	}
	if err := until(ctx, time.Hour, func() (bool, error) { return true, nil }); err != nil {
		t.Errorf("error %v of what is done at once", err)
	}
}
