// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

// What kubectl headroom explain -f makes of a file is what the API server makes of it, as far as schedulers look at it; and what the one
// refuses the other refuses.
func TestAPodOfAFileIsAdmittedAsByTheAPIServer(t *testing.T) {
	clients := client(t, lab(t))
	namespace := newNamespace(t, lab(t))
	admitBy(t, clients, namespace)
	for _, test := range []struct {
		name, spec string
		refused    string // a part of what the API server says; "": it takes the pod
	}{
		{"nothing is asked for", `containers: [{name: main, image: a}]`, ""},
		{"a request", `containers: [{name: main, image: a, resources: {requests: {memory: 300Mi}}}]`, ""},
		{"a limit", `containers: [{name: main, image: a, resources: {limits: {memory: 300Mi, cpu: 2}}}]`, ""},
		{"init containers and a sidecar", `
initContainers: [{name: first, image: a}, {name: beside, image: a, restartPolicy: Always, resources: {requests: {memory: 10Mi}}}]
containers: [{name: main, image: a}, {name: other, image: a, resources: {limits: {memory: 1Gi}}}]`, ""},
		{"resources of the pod", `
resources: {requests: {memory: 600Mi}, limits: {memory: 1500Mi}}
containers: [{name: main, image: a}]`, ""},
		{"a limit of the pod below the one that its container is given", `
resources: {requests: {memory: 600Mi}, limits: {memory: 900Mi}}
containers: [{name: main, image: a}]`, "must be less than or equal to pod limits of 900Mi"},
		{"a limit of the pod alone", `
resources: {limits: {memory: 1500Mi}}
containers: [{name: main, image: a}, {name: other, image: a, resources: {requests: {memory: 20Mi, cpu: 1}}}]`, ""},
		{"a limit of the pod below what its containers ask for", `
resources: {limits: {memory: 1Gi}}
containers: [{name: main, image: a, resources: {requests: {memory: 600Mi}}}, {name: other, image: a, resources: {requests: {memory: 600Mi}}}]`,
			"must be less than or equal to memory limit"},
		{"nodes that are not ready, of one effect", `
tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoSchedule}]
containers: [{name: main, image: a}]`, ""},
		{"nodes that are not ready, for ever", `
tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute}]
containers: [{name: main, image: a}]`, ""},
		{"keys of labels beside the same keys", `
affinity:
  podAntiAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
    - {topologyKey: zone, labelSelector: {matchExpressions: [{key: tenant, operator: NotIn, values: [c]}]}, mismatchLabelKeys: [tenant]}
    - {topologyKey: rack, labelSelector: {}, matchLabelKeys: [tenant, absent]}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {app: web}}, matchLabelKeys: [tenant]}]
containers: [{name: main, image: a}]`, ""},
		{"keys of labels twice, of an affinity", `
affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone, labelSelector: {matchExpressions: [{key: tenant, operator: In, values: [c]}]}, matchLabelKeys: [tenant]}]}}
containers: [{name: main, image: a}]`, "exists in both matchLabelKeys and labelSelector"},
		{"keys of labels twice, of a spread", `
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule, labelSelector: {matchLabels: {tenant: a}}, matchLabelKeys: [tenant]}]
containers: [{name: main, image: a}]`, "exists in both matchLabelKeys and labelSelector"},
		{"a limit above the most", `containers: [{name: main, image: a, resources: {limits: {memory: 3Gi}}}]`, "maximum memory usage per Container is 2Gi"},
		{"a request above the limit that it is given", `containers: [{name: main, image: a, resources: {requests: {memory: 1100Mi}}}]`, "must be less than or equal to memory limit of 1Gi"},
		{"a runtime class", `{runtimeClassName: headroom-sandbox, containers: [{name: main, image: a}]}`, ""},
		{"a runtime class, with a selector and tolerations beside", `
runtimeClassName: headroom-sandbox
nodeSelector: {disk: ssd}
tolerations: [{key: other, operator: Exists}, {key: virtual, operator: Exists, effect: NoSchedule}]
containers: [{name: main, image: a}]`, ""},
		{"a runtime class of other nodes", `
runtimeClassName: headroom-sandbox
nodeSelector: {virtual: "no"}
containers: [{name: main, image: a}]`, "conflict: runtimeClass.scheduling.nodeSelector[virtual]"},
		{"a runtime class of another overhead", `
runtimeClassName: headroom-sandbox
overhead: {memory: 1Mi}
containers: [{name: main, image: a}]`, "Overhead"},
		{"an overhead without a class", `{overhead: {memory: 1Mi}, containers: [{name: main, image: a}]}`, "Overhead"},
		{"a priority class", `{priorityClassName: headroom-high, containers: [{name: main, image: a}]}`, ""},
		{"another priority than that of the class", `{priorityClassName: headroom-high, priority: 7, containers: [{name: main, image: a}]}`, "the integer value of priority (7)"},
		{"another policy than that of the class", `{priorityClassName: headroom-high, preemptionPolicy: Never, containers: [{name: main, image: a}]}`, "PreemptionPolicy (Never)"},
		{"a priority without a class", `{priority: 7, containers: [{name: main, image: a}]}`, "the integer value of priority (7)"},
		{"what the class gives, written down", `{priorityClassName: headroom-high, priority: 1000, preemptionPolicy: PreemptLowerPriority, containers: [{name: main, image: a}]}`, ""},
		{"a priority class that there is not", `{priorityClassName: headroom-hihg, containers: [{name: main, image: a}]}`, "no PriorityClass"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want, refusal := admittedByServer(t, clients, namespace, test.spec)
			got, err := admittedOfFile(t, clients, namespace, test.spec)
			if test.refused != "" {
				if refusal == nil || !strings.Contains(refusal.Error(), test.refused) || err == nil {
					t.Errorf("the API server says %v, want one with %q; explain -f says %v, want an error", refusal, test.refused, err)
				}
				return
			}
			if err := errors.Join(refusal, err); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("what schedulers look at (-API server +explain -f):\n%s", diff)
			}
		})
	}
}

// admitBy gives admission something to do, until the test ends, and waits until it does it.
func admitBy(t *testing.T, clients kubernetes.Interface, namespace string) {
	t.Helper()
	memory := func(quantity string) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(quantity)}
	}
	ranges := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "memory"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
		Type: corev1.LimitTypeContainer, DefaultRequest: memory("256Mi"), Default: memory("1Gi"), Max: memory("2Gi"),
	}}}}
	class := &nodev1.RuntimeClass{
		ObjectMeta: metav1.ObjectMeta{Name: "headroom-sandbox"}, Handler: "sandbox", Overhead: &nodev1.Overhead{PodFixed: memory("64Mi")},
		Scheduling: &nodev1.Scheduling{
			NodeSelector: map[string]string{"virtual": "yes"},
			Tolerations:  []corev1.Toleration{{Key: "virtual", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}},
		},
	}
	priority := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "headroom-high"}, Value: 1000}
	_, err := clients.CoreV1().LimitRanges(namespace).Create(t.Context(), ranges, metav1.CreateOptions{})
	_, classErr := clients.NodeV1().RuntimeClasses().Create(t.Context(), class, metav1.CreateOptions{})
	_, priorityErr := clients.SchedulingV1().PriorityClasses().Create(t.Context(), priority, metav1.CreateOptions{})
	if err := errors.Join(err, classErr, priorityErr); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
		defer cancel()
		if err := errors.Join(
			clients.NodeV1().RuntimeClasses().Delete(ctx, class.Name, metav1.DeleteOptions{}),
			clients.SchedulingV1().PriorityClasses().Delete(ctx, priority.Name, metav1.DeleteOptions{}),
		); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the limit range in force", func(context.Context) error {
		pod, err := admittedByServer(t, clients, namespace, `{priorityClassName: headroom-high, runtimeClassName: headroom-sandbox, containers: [{name: main, image: a}]}`)
		if err == nil && pod.Containers[0].Resources.Limits.Memory().IsZero() {
			err = errors.New("containers are given no limit")
		}
		return err
	})
}

// admittedByServer is what the API server would make of a pod, of what schedulers look at.
func admittedByServer(t *testing.T, clients kubernetes.Interface, namespace, spec string) (*corev1.PodSpec, error) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Labels: map[string]string{"app": "web", "tenant": "a"}}}
	if err := yaml.UnmarshalStrict([]byte(spec), &pod.Spec); err != nil {
		t.Fatal(err)
	}
	created, err := clients.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	return lookedAt(created), err
}

// admittedOfFile is what explain -f makes of it.
func admittedOfFile(t *testing.T, clients kubernetes.Interface, namespace, spec string) (*corev1.PodSpec, error) {
	t.Helper()
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web, tenant: a}}\nspec:\n  " + strings.ReplaceAll(strings.TrimSpace(spec), "\n", "\n  ") + "\n"
	found, err := manifest.Read([]byte(text), namespace)
	if err != nil {
		return nil, err
	}
	err = found.Admit(t.Context(), clients, func(resource string) { t.Errorf("%s cannot be read", resource) })
	return lookedAt(found.Pod), err
}

// lookedAt is the part of a pod by which it is placed.
func lookedAt(pod *corev1.Pod) *corev1.PodSpec {
	spec := &corev1.PodSpec{
		NodeSelector: pod.Spec.NodeSelector, Overhead: pod.Spec.Overhead, RuntimeClassName: pod.Spec.RuntimeClassName, Resources: pod.Spec.Resources,
		Tolerations: slices.SortedFunc(slices.Values(pod.Spec.Tolerations), func(a, b corev1.Toleration) int { return strings.Compare(a.String(), b.String()) }),
		Affinity:    pod.Spec.Affinity, TopologySpreadConstraints: pod.Spec.TopologySpreadConstraints,
		Priority: pod.Spec.Priority, PriorityClassName: pod.Spec.PriorityClassName, PreemptionPolicy: pod.Spec.PreemptionPolicy,
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			spec.Containers = append(spec.Containers, corev1.Container{Name: list[i].Name, Resources: list[i].Resources, RestartPolicy: list[i].RestartPolicy})
		}
	}
	return spec
}
