// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// trait is something in which pods may differ, with what makes a pod so; nil leaves it as it is.
type trait struct {
	name   string
	values []func(*corev1.Pod)
}

// irrelevant is the trait that nothing in the plugin depends on.
const irrelevant = "a label that is nobody's"

func traits() []trait {
	memory := func(mebibytes int64) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceMemory: *resource.NewQuantity(mebibytes*mi, resource.BinarySI)}
	}
	owned := func(kind, name string) func(*corev1.Pod) {
		return func(p *corev1.Pod) {
			p.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: new(true)}}
		}
	}
	annotated := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { metav1.SetMetaDataAnnotation(&p.ObjectMeta, key, value) }
	}
	labelled := func(key, value string) func(*corev1.Pod) {
		return func(p *corev1.Pod) { metav1.SetMetaDataLabel(&p.ObjectMeta, key, value) }
	}
	requests := func(list corev1.ResourceList) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Requests = list }
	}
	limits := func(mebibytes int64) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.Containers[0].Resources.Limits = memory(mebibytes) }
	}
	first := func(container corev1.Container) func(*corev1.Pod) {
		return func(p *corev1.Pod) { p.Spec.InitContainers = append(p.Spec.InitContainers, container) }
	}
	priority := func(value int32) func(*corev1.Pod) { return func(p *corev1.Pod) { p.Spec.Priority = &value } }
	processor := func(p *corev1.Pod) {
		processor := resource.MustParse("1")
		for _, list := range []*corev1.ResourceList{&p.Spec.Containers[0].Resources.Requests, &p.Spec.Containers[0].Resources.Limits} {
			if *list == nil {
				*list = corev1.ResourceList{}
			}
			(*list)[corev1.ResourceCPU] = processor
		}
	}
	inMemory := func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{
			Medium: corev1.StorageMediumMemory, SizeLimit: new(resource.MustParse("600Mi")),
		}}}}
		p.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "cache"}}
	}
	return []trait{
		{"namespace", []func(*corev1.Pod){nil, func(p *corev1.Pod) { p.Namespace = "shop" }}},
		{"owner", []func(*corev1.Pod){nil, owned("ReplicaSet", "web"), owned("ReplicaSet", "api"), owned("StatefulSet", "web"), owned("DaemonSet", "web")}},
		{"template", []func(*corev1.Pod){nil, labelled("pod-template-hash", "abc"), labelled("pod-template-hash", "def")}},
		{"image", []func(*corev1.Pod){nil, func(p *corev1.Pod) { p.Spec.Containers[0].Image = "web:2" }}},
		{"request", []func(*corev1.Pod){nil, requests(memory(100)), requests(memory(400)), requests(memory(1000))}},
		{"limit", []func(*corev1.Pod){nil, limits(1000), limits(3000)}},
		{"processor, and so the QoS class", []func(*corev1.Pod){nil, processor}},
		{"sidecar", []func(*corev1.Pod){nil, first(corev1.Container{Name: "sidecar", RestartPolicy: new(corev1.ContainerRestartPolicyAlways)})}},
		{"init container", []func(*corev1.Pod){nil, first(corev1.Container{Name: "init", Resources: corev1.ResourceRequirements{Requests: memory(700)}})}},
		{"overhead", []func(*corev1.Pod){nil, func(p *corev1.Pod) { p.Spec.Overhead = memory(200) }}},
		{"resources of the pod", []func(*corev1.Pod){nil,
			func(p *corev1.Pod) { p.Spec.Resources = &corev1.ResourceRequirements{Requests: memory(600)} },
			func(p *corev1.Pod) { p.Spec.Resources = &corev1.ResourceRequirements{Limits: memory(150)} },
		}},
		{"volume in memory", []func(*corev1.Pod){nil, inMemory}},
		{"filter annotation", []func(*corev1.Pod){nil, annotated(FilterAnnotation, "Off"), annotated(FilterAnnotation, "Soft"), annotated(FilterAnnotation, "Hard")}},
		{"declared peak", []func(*corev1.Pod){nil, annotated(forecast.PeakAnnotation, "300Mi"), annotated(forecast.PeakAnnotation, "1200Mi"), annotated(forecast.PeakAnnotation, "big")}},
		{"priority", []func(*corev1.Pod){nil, priority(-1), priority(1000), priority(2_000_000_000)}},
		{irrelevant, []func(*corev1.Pod){nil, labelled("team", "blue")}},
	}
}

// drawn is which value a pod has of each trait.
type drawn []int

// drawTraits leaves most traits out: what matters most would hide what matters little.
func drawTraits(t *rapid.T, traits []trait) drawn {
	values := make(drawn, len(traits))
	for i, trait := range traits {
		if rapid.IntRange(0, 3).Draw(t, "has") == 0 {
			values[i] = rapid.IntRange(0, len(trait.values)-1).Draw(t, trait.name)
		}
	}
	return values
}

func (d drawn) pod(name string, traits []trait) *corev1.Pod {
	pod := newPod(name, 0)
	for i, value := range d {
		if change := traits[i].values[value]; change != nil {
			change(pod)
		}
	}
	return pod
}

// with returns the traits with the value of one of them replaced.
func (d drawn) with(trait, value int) drawn {
	changed := append(drawn{}, d...)
	changed[trait] = value
	return changed
}

// drawFleet returns a fleet of which a part is full, and where pods like the one given, or a little unlike it, have run for a while, some of
// which the kernel killed. The arguments are drawn too.
func drawFleet(t *rapid.T, traits []trait, like drawn) *fleet {
	fleet := newFleet(nil)
	learner := forecast.NewLearner(fleet.plugin.prior)
	fleet.plugin.estimator = learner
	fleet.plugin.modes = modes{
		filter:     rapid.SampledFrom(append(config.FilterModes(), config.FilterHard)).Draw(t, "filter"),
		byQOSClass: map[corev1.PodQOSClass]config.FilterMode{corev1.PodQOSBestEffort: rapid.SampledFrom(config.FilterModes()).Draw(t, "of best effort")},
		daemonSets: rapid.Bool().Draw(t, "daemon sets"), critical: rapid.Bool().Draw(t, "critical"),
	}
	fleet.plugin.packTo = rapid.SampledFrom([]float64{0, 0.75}).Draw(t, "pack to")
	fleet.plugin.books.kept = reserve{bytes: rapid.SampledFrom([]int64{0, 300}).Draw(t, "reserve") * mi}
	const nodes = 6
	age := rapid.SampledFrom([]time.Duration{0, 0, time.Hour}).Draw(t, "age") // where all samples are old, the book is degraded
	for i := range nodes {
		fleet.node(fmt.Sprint("n", i), int64(1500+i*490)*mi, age)
	}
	fleet.node("stale", 1000*mi, time.Hour)
	for i := range rapid.IntRange(1, nodes).Draw(t, "residents") {
		resident := like
		if rapid.Bool().Draw(t, "unlike") {
			which := rapid.IntRange(0, len(traits)-1).Draw(t, "in what")
			resident = like.with(which, rapid.IntRange(0, len(traits[which].values)-1).Draw(t, "how"))
		}
		fleet.resident(resident.pod(fmt.Sprint("resident-", i), traits), fmt.Sprint("n", i), rapid.Int64Range(50, 2000).Draw(t, "holds")*mi, rapid.Bool().Draw(t, "was killed"))
	}
	builder := ledger.NewBuilder(ledger.Options{
		FreshFor: 90 * time.Second, WarmUp: time.Minute, MaxNotFreshPercent: 50, Cooldown: 10 * time.Minute, Estimator: fleet.plugin.prior, Learner: learner,
	})
	for ago := 4 * time.Minute; ago >= 0; ago -= time.Minute {
		earlier := &sample.Set{Nodes: map[string]sample.Node{}, Pods: map[types.NamespacedName]sample.Pod{}}
		for name, node := range fleet.samples.Nodes {
			node.Time = node.Time.Add(-ago)
			earlier.Nodes[name] = node
		}
		for name, pod := range fleet.samples.Pods {
			pod.Time = pod.Time.Add(-ago)
			earlier.Pods[name] = pod
		}
		fleet.plugin.books.publish(builder.Build(ledger.Input{Now: now.Add(-ago), Nodes: fleet.nodes, Pods: fleet.pods, Samples: earlier}))
	}
	return fleet
}

// resident makes a pod run on a node for an hour, measured. One that was killed was started again five minutes ago.
func (f *fleet) resident(pod *corev1.Pod, node string, measured int64, killed bool) {
	pod.Spec.NodeName = node
	f.running(pod.Name, node, 0, measured)
	pod.Status = f.pods[len(f.pods)-1].Status
	if killed {
		pod.Status.ContainerStatuses[0].LastTerminationState.Terminated = &corev1.ContainerStateTerminated{
			Reason: "OOMKilled", FinishedAt: metav1.NewTime(now.Add(-5 * time.Minute)),
		}
	}
	f.pods[len(f.pods)-1] = pod
	held := f.samples.Pods[types.NamespacedName{Namespace: "default", Name: pod.Name}]
	delete(f.samples.Pods, types.NamespacedName{Namespace: "default", Name: pod.Name})
	f.samples.Pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = held
}

// judged is all that the plugin says of a pod in a cycle.
type judged struct {
	PreFilter, PreScore string
	Filter              []string
	Scores              []int64
}

func (f *fleet) judge(t *testing.T, pod *corev1.Pod) judged {
	t.Helper()
	text := func(status *fwk.Status) string { return fmt.Sprint(status.Code(), " ", status.Message()) }
	cycle, nodes := framework.NewCycleState(), f.infos()
	_, status := f.plugin.PreFilter(t.Context(), cycle, pod, nodes)
	said := judged{PreFilter: text(status)}
	if status.IsRejected() {
		return said
	}
	for _, node := range nodes {
		if !status.IsSkip() {
			said.Filter = append(said.Filter, text(f.plugin.Filter(t.Context(), cycle, pod, node)))
		}
	}
	status = f.plugin.PreScore(t.Context(), cycle, pod, nodes)
	if said.PreScore = text(status); status.IsSuccess() {
		for _, score := range f.scores(t, cycle, pod, nodes) {
			said.Scores = append(said.Scores, score.Score)
		}
	}
	return said
}

// signature returns what the framework makes of a pod's fragments, which is JSON (k8s.io/kubernetes pkg/scheduler/framework/runtime/framework.go:
// SignPod), "" for a pod that is not signed.
func signature(t *rapid.T, plugin *Memory, pod *corev1.Pod) string {
	fragments, status := plugin.SignPod(t.Context(), pod)
	if !status.IsSuccess() {
		return ""
	}
	signed := map[string]any{}
	for _, fragment := range fragments {
		signed[fragment.Key] = fragment.Value
	}
	text, err := json.Marshal(signed)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A placement is worked out once for all pods of a signature: pods that the plugin tells apart, by whatever it says of any node, must
// not share one. What it says is what it does on a fleet, not what is thought to matter.
func TestPodsThatAreJudgedDifferentlyNeverShareASignature(t *testing.T) {
	traits, told := traits(), map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		one := drawTraits(rt, traits)
		fleet, pod := drawFleet(rt, traits, one), one.pod("one", traits)
		signed, said := signature(rt, fleet.plugin, pod), fleet.judge(t, pod)
		for which, trait := range traits {
			for value := range trait.values {
				other := one.with(which, value).pod("other", traits)
				shared := signed != "" && signature(rt, fleet.plugin, other) == signed
				diff := cmp.Diff(said, fleet.judge(t, other))
				switch {
				case diff != "" && shared:
					rt.Fatalf("pods that differ in %s share %s, and are judged differently (-one +other):\n%s", trait.name, signed, diff)
				case diff != "":
					told[trait.name]++
				case !shared && signed != "" && (trait.name == irrelevant || value == one[which]):
					rt.Fatalf("pods that differ in nothing that matters do not share %s", signed)
				}
			}
		}
	})
	if t.Failed() {
		return
	}
	for _, trait := range traits {
		if told[trait.name] == 0 && trait.name != irrelevant {
			t.Errorf("no pods were told apart by %s: the fleets do not show whether the signature needs it", trait.name)
		}
	}
}

func TestAPodThatCannotBeReadIsNotSigned(t *testing.T) {
	pod := newPod("p", mi)
	pod.Annotations = map[string]string{forecast.PeakAnnotation: "a lot"}
	if fragments, status := newFleet(nil).plugin.SignPod(t.Context(), pod); status.IsSuccess() || len(fragments) != 0 {
		t.Errorf("SignPod = %v, %v, want no signature", fragments, status)
	}
}
