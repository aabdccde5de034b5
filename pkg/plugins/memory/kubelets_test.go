// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

// answeringKubelets answer with what is set, and remember who was asked.
type answeringKubelets struct {
	answers map[string]kubelet.Configuration
	asked   []string
}

func (a *answeringKubelets) Configurations(_ context.Context, nodes []*corev1.Node) map[string]kubelet.Configuration {
	a.asked = nil
	got := map[string]kubelet.Configuration{}
	for _, node := range nodes {
		a.asked = append(a.asked, node.Name)
		got[node.Name] = a.answers[node.Name]
	}
	slices.Sort(a.asked)
	return got
}

func evictingAt(quantity string) kubelet.Configuration {
	return kubelet.Configuration{Config: &kubeletconfigv1beta1.KubeletConfiguration{EvictionHard: map[string]string{"memory.available": quantity}}}
}

func TestKubeletsAreAskedForTheirThresholds(t *testing.T) {
	unknown := kubelet.Configuration{Err: errors.New("connection refused")}
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{})
	clock := clocktesting.NewFakeClock(now)
	source := &answeringKubelets{answers: map[string]kubelet.Configuration{"n1": evictingAt("500Mi"), "n2": unknown, "n3": evictingAt("many")}}
	changes := 0
	kubelets := &kubelets{source: source, nodes: corelisters.NewNodeLister(store), clock: clock, changed: func() { changes++ }}
	exist := func(names ...string) {
		var nodes []any
		for _, name := range names {
			name, uid, _ := strings.Cut(name, "/")
			nodes = append(nodes, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(uid)}})
		}
		if err := store.Replace(nodes, ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name   string
		nodes  []string
		change func()
		after  time.Duration
		asked  []string
		want   map[string]int64 // thresholds, in Mi
	}{
		{"all are asked; who does not tell is unknown", []string{"n1", "n2", "n3"}, nil, 0, []string{"n1", "n2", "n3"}, map[string]int64{"n1": 500}},
		{"nobody is asked again at once", []string{"n1", "n2", "n3"}, nil, settingsLook, nil, map[string]int64{"n1": 500}},
		{"those that failed are asked again", []string{"n1", "n2", "n3"}, func() { source.answers["n2"] = evictingAt("200Mi") }, settingsRetry,
			[]string{"n2", "n3"}, map[string]int64{"n1": 500, "n2": 200}},
		{"a new node is asked, one that is gone is forgotten", []string{"n2", "n4"}, func() { source.answers["n4"] = evictingAt("1Gi") }, settingsLook,
			[]string{"n4"}, map[string]int64{"n2": 200, "n4": 1024}},
		{"in time all are asked again; what was known stays when one fails", []string{"n2", "n4"}, func() { source.answers["n2"] = unknown }, settingsKept,
			[]string{"n2", "n4"}, map[string]int64{"n2": 200, "n4": 1024}},
		{"another machine of a name is asked at once, and nothing is known of it before", []string{"n2", "n4/second"}, func() { source.answers["n4"] = unknown }, settingsRetry / 2,
			[]string{"n4"}, map[string]int64{"n2": 200}},
	} {
		exist(step.nodes...)
		if step.change != nil {
			step.change()
		}
		clock.Step(step.after)
		if kubelets.due == nil {
			kubelets.due = map[machine]time.Time{}
		}
		source.asked = nil
		kubelets.ask(t.Context())
		if diff := cmp.Diff(step.asked, source.asked); diff != "" {
			t.Errorf("%s: asked (-want +got):\n%s", step.name, diff)
		}
		got := map[string]int64{}
		for node, settings := range kubelets.settings() {
			got[node] = settings.EvictionHard.Bytes / mi
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: known (-want +got):\n%s", step.name, diff)
		}
	}
	if changes != 5 {
		t.Errorf("%d changes were told of, want 5", changes)
	}
}
