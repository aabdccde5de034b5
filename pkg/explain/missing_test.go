// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// told is what is said of a cause: who rejects, what the nearest node lacks, and what would help.
type told struct{ Plugin, Missing, Change, Detail string }

func TestEveryCauseSaysWhatIsMissingAndWhatWouldHelp(t *testing.T) {
	selects := func(key, value string) func(*corev1.Pod) {
		return func(pod *corev1.Pod) { pod.Spec.NodeSelector = map[string]string{key: value} }
	}
	labelled := func(key, value string) func(*corev1.Node) {
		return func(node *corev1.Node) { node.Labels = map[string]string{key: value} }
	}
	tainted := func(key string) func(*corev1.Node) {
		return func(node *corev1.Node) {
			node.Spec.Taints = []corev1.Taint{{Key: key, Value: "batch", Effect: corev1.TaintEffectNoSchedule}}
		}
	}
	for _, test := range []struct {
		name    string
		node    func(*corev1.Node)
		request string
		pod     func(*corev1.Pod)
		others  []*corev1.Pod
		want    []told
	}{
		{
			name: "memory that is held", request: "6Gi",
			want: []told{{
				Plugin: "HeadroomMemory", Missing: "2Gi of memory: 4Gi left, 6Gi asked for",
				Change: "2Gi less used on a, or a request of 4Gi at most",
			}},
		},
		{
			name: "memory that is held, and a peak that the pod declares", request: "1Gi",
			pod: func(pod *corev1.Pod) { pod.Annotations = map[string]string{forecast.PeakAnnotation: "5Gi"} },
			want: []told{{
				Plugin: "HeadroomMemory", Missing: "1Gi of memory: 4Gi left, 5Gi asked for",
				Change: "1Gi less used on a, or a declared peak of 4Gi at most",
			}},
		},
		{
			name: "more than a node has, by what the pod declares", request: "1Gi",
			pod: func(pod *corev1.Pod) { pod.Annotations = map[string]string{forecast.PeakAnnotation: "9Gi"} },
			want: []told{{
				Plugin: "HeadroomMemory", Missing: "5Gi of memory: 4Gi left, 9Gi asked for",
				Change: "a larger node, or a declared peak of 4Gi at most",
			}},
		},
		{
			name: "all that a node has, by what the pod declares", request: "1Gi",
			pod: func(pod *corev1.Pod) { pod.Annotations = map[string]string{forecast.PeakAnnotation: "8Gi"} },
			want: []told{{
				Plugin: "HeadroomMemory", Missing: "4Gi of memory: 4Gi left, 8Gi asked for",
				Change: "4Gi less used on a, or a declared peak of 4Gi at most",
			}},
		},
		{
			name: "memory by requests, of which the smaller shortage is told", request: "3Gi",
			others: []*corev1.Pod{pending("first", "7Gi", placedOn("a")), pending("second", "6Gi", placedOn("b"))},
			want: []told{{
				Plugin: "NodeResourcesFit", Missing: "1Gi memory: 2Gi of 8Gi free by requests, 3Gi asked for",
				Change: "1Gi memory less requested on b",
			}},
		},
		{
			name: "memory by requests, where others asked for more than there is", request: "1Gi",
			others: []*corev1.Pod{pending("first", "10Gi", placedOn("a")), pending("second", "11Gi", placedOn("b"))},
			want: []told{{
				Plugin: "NodeResourcesFit", Missing: "3Gi memory: 10Gi requested of 8Gi, 1Gi asked for",
				Change: "3Gi memory less requested on a",
			}},
		},
		{
			name: "more than any node has, where others asked for more than there is", request: "9Gi",
			others: []*corev1.Pod{pending("first", "10Gi", placedOn("a")), pending("second", "11Gi", placedOn("b"))},
			want: []told{{
				Plugin: "NodeResourcesFit", Missing: "11Gi memory: 10Gi requested of 8Gi, 9Gi asked for", Change: "a larger node",
			}},
		},
		{
			name: "more than any node has", request: "1Gi",
			pod: func(pod *corev1.Pod) {
				pod.Spec.Containers[0].Resources.Requests["example.com/gpu"] = resource.MustParse("2")
			},
			node: func(node *corev1.Node) { node.Status.Allocatable["example.com/gpu"] = resource.MustParse("1") },
			want: []told{{
				Plugin: "NodeResourcesFit", Missing: "1 example.com/gpu: 1 of 1 free by requests, 2 asked for",
				Change: "a larger node, or a request of 1 example.com/gpu at most",
			}},
		},
		{
			name: "more than any node has, of which others have a part", request: "9Gi",
			others: []*corev1.Pod{pending("first", "7Gi", placedOn("a")), pending("second", "7Gi", placedOn("b"))},
			want: []told{{
				Plugin: "NodeResourcesFit", Missing: "8Gi memory: 1Gi of 8Gi free by requests, 9Gi asked for",
				Change: "a larger node, or a request of 1Gi memory at most",
			}},
		},
		{
			name: "what no node has", request: "1Gi",
			pod: func(pod *corev1.Pod) {
				pod.Spec.Containers[0].Resources.Requests["example.com/gpu"] = resource.MustParse("2")
			},
			want: []told{{
				Plugin: "NodeResourcesFit", Missing: "2 example.com/gpu: 0 of 0 free by requests, 2 asked for", Change: "a node that has example.com/gpu",
			}},
		},
		{
			name: "a label that no node has", request: "1Gi", pod: selects("disktype", "ssd"),
			want: []told{{
				Plugin: "HeadroomNodeAffinity", Missing: "wants disktype In [ssd], has no such label",
				Change: "kubectl label node a disktype=ssd, or change nodeSelector[disktype]", Detail: `no node has label "disktype"`,
			}},
		},
		{
			name: "another value", request: "1Gi", pod: selects("disktype", "ssd"), node: labelled("disktype", "hdd"),
			want: []told{{
				Plugin: "HeadroomNodeAffinity", Missing: "wants disktype In [ssd], has hdd", Change: "change nodeSelector[disktype]",
				Detail: `no node has disktype="ssd"`,
			}},
		},
		{
			name: "a toleration", request: "1Gi", node: tainted("dedicated"),
			want: []told{{
				Plugin: "TaintToleration", Missing: "a toleration of the taint dedicated=batch:NoSchedule",
				Change: "tolerate it, or kubectl taint node a dedicated:NoSchedule-",
			}},
		},
		{
			name: "a taint that Kubernetes sets", request: "1Gi", node: tainted(corev1.TaintNodeMemoryPressure),
			want: []told{{
				Plugin: "TaintToleration", Missing: "a toleration of the taint node.kubernetes.io/memory-pressure=batch:NoSchedule",
				Change: "the node's condition has to end: kubectl describe node a",
			}},
		},
		{
			name: "several taints, of which one toleration is not enough", request: "1Gi", node: func(node *corev1.Node) {
				node.Spec.Taints = []corev1.Taint{
					{Key: "dedicated", Value: "batch", Effect: corev1.TaintEffectNoSchedule}, {Key: "soft", Effect: corev1.TaintEffectPreferNoSchedule},
					{Key: "gpu", Effect: corev1.TaintEffectNoExecute}, {Key: corev1.TaintNodeDiskPressure, Effect: corev1.TaintEffectNoSchedule},
				}
			},
			want: []told{{
				Plugin: "TaintToleration", Missing: "tolerations of the taints dedicated=batch:NoSchedule, gpu:NoExecute, node.kubernetes.io/disk-pressure:NoSchedule",
				Change: "the node's condition has to end: kubectl describe node a; tolerate them, or kubectl taint node a dedicated:NoSchedule- gpu:NoExecute-",
			}},
		},
		{
			name: "a cordon", request: "1Gi", node: func(node *corev1.Node) { node.Spec.Unschedulable = true },
			want: []told{{Plugin: "NodeUnschedulable", Missing: "it is cordoned", Change: "kubectl uncordon a"}},
		},
		{
			name: "a spread over domains that there are not", request: "1Gi", node: labelled("zone", "z1"), pod: spreadOver("rack"),
			want: []told{{
				Plugin: "PodTopologySpread", Missing: "a label to spread by: rack",
				Change: "kubectl label node a rack=VALUE, or set whenUnsatisfiable: ScheduleAnyway", Detail: "rack, maxSkew 1: no node that counts has this label",
			}},
		},
		{
			name: "an even spread", request: "1Gi", pod: spreadOver("zone"),
			node: func(node *corev1.Node) {
				node.Labels = map[string]string{"zone": "zone-" + node.Name}
				node.Spec.Unschedulable = node.Name == "b"
			},
			others: []*corev1.Pod{pending("first", "1Gi", placedOn("a"), spreadOver("zone"))},
			want: []told{
				{Plugin: "NodeUnschedulable", Missing: "it is cordoned", Change: "kubectl uncordon b"},
				{
					Plugin: "PodTopologySpread", Missing: "didn't match pod topology spread constraints",
					Change: "raise maxSkew, or set whenUnsatisfiable: ScheduleAnyway", Detail: "zone, maxSkew 1: zone-b has 0, zone-a has 1; 2 of 2 nodes count",
				},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.node == nil {
				test.node = func(*corev1.Node) {}
			}
			pod := pending("web", test.request)
			if test.pod != nil {
				test.pod(pod)
			}
			placement, err := openOver(t, test.node, append(test.others, pod)...).Explain(t.Context(), pod, 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []told
			for _, cause := range placement.Causes {
				got = append(got, told{cause.Plugin, cause.Missing, cause.Change, cause.Detail})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

const ofTheOperator = `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: headroom-scheduler
  plugins: {multiPoint: {enabled: [{name: HeadroomNodeAffinity}], disabled: [{name: NodeAffinity}]}}
  pluginConfig:
  - name: HeadroomNodeAffinity
    args: {addedAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [batch]}]}]}}}
  - name: NodeResourcesFit
    args: {ignoredResources: [example.com/licence]}
`

// Nobody is told of what the profile does not judge, nor of what was not looked at.
func TestWhatIsMissingIsWhatThePluginRejectedFor(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(file, []byte(ofTheOperator), 0o600); err != nil {
		t.Fatal(err)
	}
	with, err := profile.OfFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, pool string
		want       told
	}{
		{"added affinity, and a selector that does not match either", "web", told{
			Plugin: "HeadroomNodeAffinity", Missing: "didn't match scheduler-enforced node affinity", Change: "change addedAffinity in the profile, or the node's labels",
		}},
		{"resources that are ignored beside others that are short, in one order", "batch", told{
			Plugin: "NodeResourcesFit", Missing: "9Gi memory: 8Gi of 8Gi free by requests, 17Gi asked for; 1 example.com/a: 0 of 0 free by requests, 1 asked for; " +
				"1 example.com/b: 0 of 0 free by requests, 1 asked for",
			Change: "a larger node, or a request of 8Gi memory at most; a node that has example.com/a; a node that has example.com/b",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := pending("web", "17Gi")
			requests := pod.Spec.Containers[0].Resources.Requests
			for _, name := range []corev1.ResourceName{"example.com/licence", "example.com/b", "example.com/a"} {
				requests[name] = resource.MustParse("1")
			}
			if test.pool != "batch" { // where something else than resources is to stand in the way
				clear(requests)
				pod.Spec.NodeSelector = map[string]string{"disktype": "ssd"}
			}
			scheduler := openAs(t, with, func(node *corev1.Node) { node.Labels = map[string]string{"pool": test.pool} }, pod)
			placement, err := scheduler.Explain(t.Context(), pod, 0)
			if err != nil {
				t.Fatal(err)
			}
			if len(placement.Causes) != 1 {
				t.Fatalf("causes %+v, want one", placement.Causes)
			}
			cause := placement.Causes[0]
			if diff := cmp.Diff(test.want, told{Plugin: cause.Plugin, Missing: cause.Missing, Change: cause.Change}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// explainedAfter explains a pod of whose workload another one held so many bytes until now.
func explainedAfter(t *testing.T, pod *corev1.Pod, bytes int64) *Placement {
	t.Helper()
	scheduler := open(t, pod)
	learner := scheduler.still.Books()[0].Learner()
	learner.Begin(noon)
	learner.Observe(forecast.WorkloadOf(pod), bytes, 10*time.Hour)
	learner.Publish()
	placement, err := scheduler.Explain(t.Context(), pod, 0)
	if err != nil {
		t.Fatal(err)
	}
	return placement
}

// The pod requests 1Gi; that of its workload which ran last held 5Gi.
func TestWhatItsWorkloadHeldIsSaidToBeWhatItAsksFor(t *testing.T) {
	pod := pending("web", "1Gi")
	placement := explainedAfter(t, pod, 5<<30)
	if len(placement.Causes) != 1 || len(placement.Rejected) != 2 {
		t.Fatalf("rejected for %+v, want one cause on two nodes", placement.Causes)
	}
	cause := placement.Causes[0]
	got := []string{cause.Missing, cause.Change, placement.Memory.FirmSource, placement.Rejected[0].Memory.Text}
	want := []string{
		"1Gi of memory: 4Gi left, 5Gi asked for",
		"1Gi less used on a, or wait: what pods of its workload held counts less and less while none runs",
		"siblings",
		"has 8Gi (memory of the machine, no eviction threshold), holds 4Gi: 4Gi left, this pod asks for 5Gi (held of late by pods of its workload), 1Gi short",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Where the request alone does not fit, waiting is no advice.
func TestNobodyIsAdvisedToWaitForWhatDoesNotFitAnyhow(t *testing.T) {
	pod := pending("web", "4500Mi")
	placement := explainedAfter(t, pod, 5<<30)
	if len(placement.Causes) != 1 || placement.Causes[0].Change != "1Gi less used on a" {
		t.Errorf("causes %+v, want one, and nothing but less used on a to help", placement.Causes)
	}
}

func placedOn(node string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.NodeName = node }
}

// spreadOver makes a pod one of those that are spread evenly over the domains of a label.
func spreadOver(key string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "web"}
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: &metav1.LabelSelector{MatchLabels: pod.Labels},
		}}
	}
}
