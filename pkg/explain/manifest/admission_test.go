// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	nodev1 "k8s.io/api/node/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

// memoryOf is a list with that much memory; "" is none.
func memoryOf(quantity string) corev1.ResourceList {
	if quantity == "" {
		return nil
	}
	return corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(quantity)}
}

// refused reports whether the pod was to be refused, in words that contain those, and fails the test where it was not so.
func refused(t *testing.T, err error, words string) bool {
	t.Helper()
	switch {
	case words == "" && err != nil:
		t.Fatal(err)
	case words != "" && (err == nil || !strings.Contains(err.Error(), words)):
		t.Errorf("error %v, want one with %q", err, words)
	}
	return words != ""
}

// admitted is what admission gave a pod, and what was lost.
type admitted struct {
	Class, Policy string
	Priority      *int32
	Overhead      string
	Lost          []string
}

func TestAdmitGivesThePriorityAndTheOverheadOfClasses(t *testing.T) {
	class := func(name string, value int32, everybodys bool) runtime.Object {
		return &schedulingv1.PriorityClass{
			ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value, GlobalDefault: everybodys, PreemptionPolicy: new(corev1.PreemptNever),
		}
	}
	sandbox := &nodev1.RuntimeClass{ObjectMeta: metav1.ObjectMeta{Name: "sandbox"}, Overhead: &nodev1.Overhead{PodFixed: memoryOf("64Mi")}}
	const never = string(corev1.PreemptNever)
	for _, test := range []struct {
		name, class, sandbox string
		objects              []runtime.Object
		forbidden            bool
		want                 admitted
	}{
		{"no class, and none is everybody's", "", "", []runtime.Object{class("high", 1000, false)}, false,
			admitted{Policy: string(corev1.PreemptLowerPriority), Priority: new(int32(0)), Overhead: "0"}},
		{"no class, and one is everybody's", "", "", []runtime.Object{class("high", 1000, false), class("all", 7, true)}, false,
			admitted{Class: "all", Policy: never, Priority: new(int32(7)), Overhead: "0"}},
		{"of two that are everybody's the lower", "", "", []runtime.Object{class("a", 9, true), class("b", 7, true)}, false,
			admitted{Class: "b", Policy: never, Priority: new(int32(7)), Overhead: "0"}},
		{"a class of its own", "high", "sandbox", []runtime.Object{class("high", 1000, false), class("all", 7, true), sandbox}, false,
			admitted{Class: "high", Policy: never, Priority: new(int32(1000)), Overhead: "64Mi"}},
		{"what may not be read is told", "high", "sandbox", []runtime.Object{class("high", 1000, false), sandbox}, true,
			admitted{Class: "high", Overhead: "0", Lost: []string{"priorityclasses.scheduling.k8s.io", "limitranges", "runtimeclasses.node.k8s.io", "resourcequotas"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			client := fake.NewClientset(test.objects...)
			if test.forbidden {
				client.PrependReactor("*", "*", func(action clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, apierrors.NewForbidden(action.GetResource().GroupResource(), "", nil)
				})
			}
			pod := &corev1.Pod{Spec: corev1.PodSpec{PriorityClassName: test.class}}
			if test.sandbox != "" {
				pod.Spec.RuntimeClassName = &test.sandbox
			}
			var got admitted
			err := (&manifest.Found{Pod: pod}).Admit(t.Context(), client, func(resource string) { got.Lost = append(got.Lost, resource) })
			if err != nil {
				t.Fatal(err)
			}
			got.Class, got.Priority, got.Overhead = pod.Spec.PriorityClassName, pod.Spec.Priority, pod.Spec.Overhead.Memory().String()
			if pod.Spec.PreemptionPolicy != nil {
				got.Policy = string(*pod.Spec.PreemptionPolicy)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAdmitFillsInWhatLimitRangesSay(t *testing.T) {
	ranged := func(namespace string, item corev1.LimitRangeItem) *corev1.LimitRange {
		item.Type = corev1.LimitTypeContainer
		return &corev1.LimitRange{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "memory"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{item}},
		}
	}
	defaults := corev1.LimitRangeItem{DefaultRequest: memoryOf("256Mi"), Default: memoryOf("1Gi")}
	atMost := defaults
	atMost.Max = memoryOf("2Gi")
	for _, test := range []struct {
		name                   string
		limits                 *corev1.LimitRange
		request, limit         string
		wantRequest, wantLimit string
		refused                string // "": it is taken
	}{
		{"a container that asks for nothing", ranged("shop", defaults), "", "", "256Mi", "1Gi", ""},
		{"one that asks", ranged("shop", defaults), "512Mi", "", "512Mi", "1Gi", ""},
		{"one with both", ranged("shop", defaults), "512Mi", "3Gi", "512Mi", "3Gi", ""},
		{"another namespace's", ranged("elsewhere", defaults), "", "", "0", "0", ""},
		{"a limit above the most", ranged("shop", atMost), "", "3Gi", "", "",
			"the API server refuses it for limit range shop/memory: maximum memory usage per Container is 2Gi, but limit is 3Gi"},
		{"no limit, and the default is within the most", ranged("shop", atMost), "", "", "256Mi", "1Gi", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
				Name: "main", Resources: corev1.ResourceRequirements{Requests: memoryOf(test.request), Limits: memoryOf(test.limit)},
			}}}}
			err := (&manifest.Found{Pod: pod}).Admit(t.Context(), fake.NewClientset(test.limits), nil)
			if test.refused != "" {
				if err == nil || err.Error() != test.refused {
					t.Errorf("error %v, want %s", err, test.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			resources := pod.Spec.Containers[0].Resources
			want := []string{test.wantRequest, test.wantLimit}
			if diff := cmp.Diff(want, []string{resources.Requests.Memory().String(), resources.Limits.Memory().String()}); diff != "" {
				t.Errorf("request and limit (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAdmitGivesWhatTheRuntimeClassSays(t *testing.T) {
	virtual := corev1.Toleration{Key: "virtual", Operator: corev1.TolerationOpExists}
	class := &nodev1.RuntimeClass{
		ObjectMeta: metav1.ObjectMeta{Name: "sandbox"}, Overhead: &nodev1.Overhead{PodFixed: memoryOf("64Mi")},
		Scheduling: &nodev1.Scheduling{NodeSelector: map[string]string{"virtual": "yes"}, Tolerations: []corev1.Toleration{virtual}},
	}
	other := corev1.Toleration{Key: "other"}
	some := func(own, ofClass []corev1.Toleration) []corev1.Toleration {
		return slices.Concat(own, everybodys(), ofClass)
	}
	for _, test := range []struct {
		name    string
		spec    corev1.PodSpec
		want    corev1.PodSpec
		refused string // "": it is taken
	}{
		{"a pod that says nothing else", corev1.PodSpec{RuntimeClassName: new("sandbox")},
			corev1.PodSpec{Overhead: memoryOf("64Mi"), NodeSelector: map[string]string{"virtual": "yes"}, Tolerations: some(nil, []corev1.Toleration{virtual})}, ""},
		{"one that was made before",
			corev1.PodSpec{RuntimeClassName: new("sandbox"), Overhead: memoryOf("64Mi"), NodeSelector: map[string]string{"virtual": "yes"}, Tolerations: []corev1.Toleration{virtual}},
			corev1.PodSpec{Overhead: memoryOf("64Mi"), NodeSelector: map[string]string{"virtual": "yes"}, Tolerations: some([]corev1.Toleration{virtual}, nil)}, ""},
		{"one with more of its own",
			corev1.PodSpec{RuntimeClassName: new("sandbox"), NodeSelector: map[string]string{"disk": "ssd"}, Tolerations: []corev1.Toleration{other}},
			corev1.PodSpec{Overhead: memoryOf("64Mi"), NodeSelector: map[string]string{"disk": "ssd", "virtual": "yes"}, Tolerations: some([]corev1.Toleration{other}, []corev1.Toleration{virtual})}, ""},
		{"one that wants other nodes", corev1.PodSpec{RuntimeClassName: new("sandbox"), NodeSelector: map[string]string{"virtual": "no"}}, corev1.PodSpec{},
			`its node selector wants virtual=no, that of its runtime class "sandbox" wants virtual=yes`},
		{"another overhead", corev1.PodSpec{RuntimeClassName: new("sandbox"), Overhead: memoryOf("1Mi")}, corev1.PodSpec{}, "an overhead that is not the one of its runtime class"},
		{"an overhead without a class", corev1.PodSpec{Overhead: memoryOf("1Mi")}, corev1.PodSpec{}, "an overhead that is not the one of its runtime class"},
		{"a class that is not there", corev1.PodSpec{RuntimeClassName: new("sandbx")}, corev1.PodSpec{}, `there is no runtime class "sandbx"`},
		{"no class", corev1.PodSpec{}, corev1.PodSpec{Tolerations: everybodys()}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{Spec: test.spec}
			err := (&manifest.Found{Pod: pod}).Admit(t.Context(), fake.NewClientset(class), nil)
			if refused(t, err, test.refused) {
				return
			}
			got := corev1.PodSpec{Overhead: pod.Spec.Overhead, NodeSelector: pod.Spec.NodeSelector, Tolerations: pod.Spec.Tolerations}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// everybodys are the tolerations that every pod has for a while (k8s.io/kubernetes plugin/pkg/admission/defaulttolerationseconds/admission.go).
func everybodys() []corev1.Toleration {
	of := func(key string) corev1.Toleration {
		return corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300))}
	}
	return []corev1.Toleration{of(corev1.TaintNodeNotReady), of(corev1.TaintNodeUnreachable)}
}

func TestAdmitToleratesForAWhileWhatEveryPodDoes(t *testing.T) {
	own := func(key string, effect corev1.TaintEffect) corev1.Toleration {
		return corev1.Toleration{Key: key, Operator: corev1.TolerationOpExists, Effect: effect}
	}
	notReady, unreachable := everybodys()[0], everybodys()[1]
	for _, test := range []struct {
		name      string
		own, want []corev1.Toleration
	}{
		{"none of its own", nil, []corev1.Toleration{notReady, unreachable}},
		{"one of them, for ever", []corev1.Toleration{own(corev1.TaintNodeNotReady, corev1.TaintEffectNoExecute)}, []corev1.Toleration{unreachable}},
		{"one of them, of another effect", []corev1.Toleration{own(corev1.TaintNodeNotReady, corev1.TaintEffectNoSchedule)}, []corev1.Toleration{notReady, unreachable}},
		{"all taints", []corev1.Toleration{own("", "")}, nil},
	} {
		pod := &corev1.Pod{Spec: corev1.PodSpec{Tolerations: test.own}}
		if err := (&manifest.Found{Pod: pod}).Admit(t.Context(), fake.NewClientset(), nil); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(slices.Concat(test.own, test.want), pod.Spec.Tolerations); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

// What a pod asks for as a whole is made up when it is stored: of its limits, and of its containers, after those got what limit ranges give
// (k8s.io/kubernetes pkg/api/pod/util.go, DefaultPodLevelResources). Limit ranges judge it then.
func TestAdmitMakesUpWhatThePodAsksForAsAWhole(t *testing.T) {
	limits := func(kind corev1.LimitType, item corev1.LimitRangeItem) *corev1.LimitRange {
		item.Type = kind
		return &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "memory"}, Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{item}}}
	}
	none := limits(corev1.LimitTypePod, corev1.LimitRangeItem{})
	for _, test := range []struct {
		name                              string
		limits                            *corev1.LimitRange
		podRequest, podLimit, ofContainer string
		want                              string // what the pod requests
		refused                           string // "": it is taken
	}{
		{"a limit alone", none, "", "64Gi", "", "64Gi", ""},
		{"a limit, and a container that asks for less", none, "", "64Gi", "1Gi", "1Gi", ""},
		{"a limit, and a container that limit ranges give a request", limits(corev1.LimitTypeContainer, corev1.LimitRangeItem{DefaultRequest: memoryOf("2Gi")}), "", "64Gi", "", "2Gi", ""},
		{"both", none, "2Gi", "64Gi", "1Gi", "2Gi", ""},
		{"a limit below what a container asks for", none, "", "1Gi", "2Gi", "", "must be less than or equal to memory limit"},
		{"a limit alone, where a request is the rule", limits(corev1.LimitTypePod, corev1.LimitRangeItem{Min: memoryOf("512Mi")}), "", "1Gi", "", "1Gi", ""},
		{"one that is too small for that rule", limits(corev1.LimitTypePod, corev1.LimitRangeItem{Min: memoryOf("512Mi")}), "", "256Mi", "", "", "minimum memory usage per Pod is 512Mi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: corev1.PodSpec{
				Resources:  &corev1.ResourceRequirements{Requests: memoryOf(test.podRequest), Limits: memoryOf(test.podLimit)},
				Containers: []corev1.Container{{Name: "main", Resources: corev1.ResourceRequirements{Requests: memoryOf(test.ofContainer)}}},
			}}
			err := (&manifest.Found{Pod: pod}).Admit(t.Context(), fake.NewClientset(test.limits), nil)
			if refused(t, err, test.refused) {
				return
			}
			if got := pod.Spec.Resources.Requests.Memory().String(); got != test.want {
				t.Errorf("the pod requests %s, want %s", got, test.want)
			}
		})
	}
}

func TestAdmitRefusesWhatContradictsItsClassOrItsNamespace(t *testing.T) {
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: "high"}, Value: 1000, PreemptionPolicy: new(corev1.PreemptNever)}
	limits := &corev1.LimitRange{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "memory"}, Spec: corev1.LimitRangeSpec{
		Limits: []corev1.LimitRangeItem{{Type: corev1.LimitTypeContainer, Default: memoryOf("1Gi")}},
	}}
	for _, test := range []struct {
		name   string
		change func(*corev1.PodSpec)
		want   string
	}{
		{"another priority", func(s *corev1.PodSpec) { s.PriorityClassName, s.Priority = "high", new(int32(7)) },
			`it has priority 7, and its priority class "high" gives it 1000`},
		{"a priority without a class", func(s *corev1.PodSpec) { s.Priority = new(int32(7)) }, "it has priority 7, and that it names no priority class gives it 0"},
		{"another policy", func(s *corev1.PodSpec) {
			s.PriorityClassName, s.PreemptionPolicy = "high", new(corev1.PreemptLowerPriority)
		},
			`it has preemptionPolicy PreemptLowerPriority, and its priority class "high" gives it Never`},
		{"a request above the limit that it is given", func(s *corev1.PodSpec) { s.Containers[0].Resources.Requests = memoryOf("2Gi") },
			"spec.containers[0].resources.requests: Invalid value: \"2Gi\""},
	} {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main"}}}}
		test.change(&pod.Spec)
		err := (&manifest.Found{Pod: pod}).Admit(t.Context(), fake.NewClientset(class, limits), nil)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.want)
		}
	}
}
