// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

// quotaOf is a quota of namespace shop of which so much is used; hard and used are of one resource. Others change it.
func quotaOf(name string, of corev1.ResourceName, used, hard string, changes ...func(*corev1.ResourceQuota)) *corev1.ResourceQuota {
	made := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
	made.Spec.Hard = corev1.ResourceList{of: resource.MustParse(hard)}
	made.Status.Hard, made.Status.Used = made.Spec.Hard, corev1.ResourceList{of: resource.MustParse(used)}
	for _, change := range changes {
		change(made)
	}
	return made
}

// The pod requests 1Gi and has a limit range beside it, which gives it a limit of 2Gi.
func TestAdmitTellsWhichQuotaRefusesThePod(t *testing.T) {
	const advice = "; free some of it, ask for less, or raise the quota's spec.hard"
	scoped := func(scope corev1.ResourceQuotaScope) func(*corev1.ResourceQuota) {
		return func(quota *corev1.ResourceQuota) { quota.Spec.Scopes = []corev1.ResourceQuotaScope{scope} }
	}
	for _, test := range []struct {
		name     string
		quotas   []runtime.Object
		replicas int
		want     string
	}{
		{"none", nil, 1, ""},
		{"room for it, to the byte", []runtime.Object{quotaOf("compute", corev1.ResourceRequestsMemory, "7Gi", "8Gi")}, 1, ""},
		{"a byte less", []runtime.Object{quotaOf("compute", corev1.ResourceRequestsMemory, "7516192769", "8Gi")}, 1,
			"the API server refuses it: exceeded quota: compute, requested: requests.memory=1Gi, used: requests.memory=7516192769, limited: requests.memory=8Gi" + advice},
		{"what a limit range gave it counts", []runtime.Object{quotaOf("limits", corev1.ResourceLimitsMemory, "7Gi", "8Gi")}, 1,
			"the API server refuses it: exceeded quota: limits, requested: limits.memory=2Gi, used: limits.memory=7Gi, limited: limits.memory=8Gi" + advice},
		{"the number of pods", []runtime.Object{quotaOf("count", corev1.ResourcePods, "10", "10")}, 1,
			"the API server refuses it: exceeded quota: count, requested: pods=1, used: pods=10, limited: pods=10" + advice},
		{"copies, of which some are taken", []runtime.Object{quotaOf("compute", corev1.ResourceRequestsMemory, "5Gi", "8Gi")}, 5,
			"the API server takes 3 of 5 copies, and refuses the next one: " +
				"exceeded quota: compute, requested: requests.memory=1Gi, used: requests.memory=8Gi, limited: requests.memory=8Gi" + advice},
		{"room for all copies", []runtime.Object{quotaOf("compute", corev1.ResourceRequestsMemory, "3Gi", "8Gi")}, 5, ""},
		{"a manifest of no copies is judged as of one", []runtime.Object{quotaOf("count", corev1.ResourcePods, "10", "10")}, 0,
			"the API server refuses it: exceeded quota: count, requested: pods=1, used: pods=10, limited: pods=10" + advice},
		{"the one of two that has no room", []runtime.Object{
			quotaOf("compute", corev1.ResourceRequestsMemory, "1Gi", "8Gi"), quotaOf("count", corev1.ResourcePods, "10", "10"),
		}, 1, "the API server refuses it: exceeded quota: count, requested: pods=1, used: pods=10, limited: pods=10" + advice},
		{"pods of another kind", []runtime.Object{quotaOf("best-effort", corev1.ResourcePods, "10", "10", scoped(corev1.ResourceQuotaScopeBestEffort))}, 1, ""},
		{"pods of this kind", []runtime.Object{quotaOf("long", corev1.ResourcePods, "10", "10", scoped(corev1.ResourceQuotaScopeNotTerminating))}, 1,
			"the API server refuses it: exceeded quota: long, requested: pods=1, used: pods=10, limited: pods=10" + advice},
		{"another namespace's", []runtime.Object{quotaOf("count", corev1.ResourcePods, "10", "10", func(quota *corev1.ResourceQuota) { quota.Namespace = "elsewhere" })}, 1, ""},
		{"what the pod has to say", []runtime.Object{quotaOf("compute", corev1.ResourceLimitsCPU, "0", "4")}, 1,
			"the API server refuses it: failed quota: compute: must specify limits.cpu for: main"},
		{"one that nobody has counted yet", []runtime.Object{quotaOf("new", corev1.ResourcePods, "0", "10", func(quota *corev1.ResourceQuota) { quota.Status.Used = nil })}, 1,
			"the API server refuses it: status unknown for quota: new, resources: pods"},
	} {
		t.Run(test.name, func(t *testing.T) {
			limits := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "memory"}, Spec: corev1.LimitRangeSpec{
				Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Default: memoryOf("2Gi")}},
			}}
			found := &manifest.Found{Replicas: test.replicas, Pod: &corev1.Pod{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "main", Resources: corev1.ResourceRequirements{Requests: memoryOf("1Gi")},
				}}},
			}}
			if err := found.Admit(t.Context(), fake.NewClientset(append(test.quotas, limits)...), nil); err != nil {
				t.Fatal(err)
			}
			if found.OverQuota != test.want {
				t.Errorf("it says %q, want %q", found.OverQuota, test.want)
			}
		})
	}
}

func TestQuotasThatCannotBeListedAreALossOrAnError(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		lost string
		want string // of the error
	}{
		{"no permission", apierrors.NewForbidden(corev1.Resource("resourcequotas"), "", nil), "resourcequotas", ""},
		{"no answer", errors.New("connection refused"), "", "list resourcequotas: connection refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := fake.NewClientset()
			client.PrependReactor("list", "resourcequotas", func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, test.err })
			lost := ""
			found := &manifest.Found{Pod: &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}}
			err := found.Admit(t.Context(), client, func(resource string) { lost = resource })
			if refused(t, err, test.want); lost != test.lost || found.OverQuota != "" {
				t.Errorf("lost %q, want %q; of a quota it says %q", lost, test.lost, found.OverQuota)
			}
		})
	}
}
