// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	daemonutil "k8s.io/kubernetes/pkg/controller/daemon/util"
)

const (
	// schedulerName is the scheduler of pods that name no other: the one of the shipped profile.
	schedulerName = "headroom-scheduler"
	containerName = "main"
	image         = "registry.k8s.io/pause"
)

// PriorityClassPrefix is what the names of the priority classes of cases begin with.
const PriorityClassPrefix = "case-priority-"

func podAttributes() []string {
	return []string{"request", "limit", "cpu", "holds", "priority", "preemption", "scheduler", "nodeName"}
}

// pod reads what follows the keyword pod: a name, attributes, then clauses.
func (p *parser) pod() *corev1.Pod {
	name, at := p.name("the new pod")
	return p.podNamed(name, at, "")
}

// existing reads what follows the keyword existing: a pod that runs on a node from the start.
func (p *parser) existing() *corev1.Pod {
	name, at := p.name("the pod")
	p.want("on")
	node := p.known("a node", p.nodes)
	pod := p.podNamed(name, at, node)
	if p.err == nil {
		pod.Status.Phase = corev1.PodRunning
	}
	return pod
}

func (p *parser) podNamed(name string, at token, node string) *corev1.Pod {
	if p.pods[name] {
		p.fail(at, "found %s, expected a name that no pod of the case has had", at)
	}
	pod := &corev1.Pod{}
	pod.Name = name
	pod.Spec.NodeName = node
	pod.Spec.SchedulerName = schedulerName
	pod.Spec.TerminationGracePeriodSeconds = new(int64) // Nobody waits for a container to stop.
	pod.Spec.Containers = []corev1.Container{{Name: containerName, Image: image}}
	seen := map[string]bool{}
	for t := p.peek(); t.kind == word && slices.Contains(podAttributes(), t.text); t = p.peek() {
		if seen[t.text] {
			p.fail(t, "found a second %s, expected one", t)
		}
		seen[t.text] = true
		p.next()
		p.want("=")
		p.podAttribute(pod, t)
	}
	seen = map[string]bool{}
	for p.peek().kind != end {
		p.clause(pod, seen)
	}
	if p.err != nil {
		return nil
	}
	setPriorityClass(pod)
	p.pods[name] = true
	return pod
}

func (p *parser) podAttribute(pod *corev1.Pod, attribute token) {
	resources := &pod.Spec.Containers[0].Resources
	switch attribute.text {
	case "request":
		p.amount(&resources.Requests, corev1.ResourceMemory, "bytes of memory")
	case "limit":
		p.amount(&resources.Limits, corev1.ResourceMemory, "bytes of memory")
	case "cpu":
		p.amount(&resources.Requests, corev1.ResourceCPU, "CPUs")
	case "holds":
		setString(&pod.Annotations, holdsAnnotation, p.bytes("bytes that the pod holds"))
	case "priority":
		p.priority(pod)
	case "preemption":
		p.want("never")
		never := corev1.PreemptNever
		pod.Spec.PreemptionPolicy = &never
	case "scheduler":
		pod.Spec.SchedulerName, _ = p.name("a scheduler")
	case "nodeName":
		if pod.Spec.NodeName != "" {
			p.fail(attribute, "found nodeName, expected none: an existing pod is on its node already")
		}
		pod.Spec.NodeName, _ = p.name("a node")
	}
}

func (p *parser) amount(list *corev1.ResourceList, name corev1.ResourceName, what string) {
	amount := p.quantity(what)
	if *list == nil {
		*list = corev1.ResourceList{}
	}
	(*list)[name] = amount
}

// maxPriority is the highest priority that is not reserved for the system.
const maxPriority = 1_000_000_000

func (p *parser) priority(pod *corev1.Pod) {
	text, at := p.value("a priority")
	value, err := strconv.ParseInt(text, 10, 32)
	if err != nil || value > maxPriority {
		p.fail(at, "found %s, expected a priority: a whole number of at most %d", at, maxPriority)
		return
	}
	priority := int32(value)
	pod.Spec.Priority = &priority
}

// setPriorityClass names the class that gives a pod its priority: the API server takes both from a class only.
func setPriorityClass(pod *corev1.Pod) {
	if pod.Spec.Priority == nil && pod.Spec.PreemptionPolicy == nil {
		return
	}
	if pod.Spec.Priority == nil {
		pod.Spec.Priority = new(int32)
	}
	pod.Spec.PriorityClassName = PriorityClassPrefix + strings.ReplaceAll(strconv.Itoa(int(*pod.Spec.Priority)), "-", "minus-")
	if pod.Spec.PreemptionPolicy != nil {
		pod.Spec.PriorityClassName += "-never"
	}
}

// clause reads one clause of a pod, and the ones that belong to it.
func (p *parser) clause(pod *corev1.Pod, seen map[string]bool) {
	keyword := p.next()
	if keyword.kind == word && seen[keyword.text] && !keyword.is("tolerate") && !keyword.is("prefer") {
		p.fail(keyword, "found a second %s, expected one", keyword)
	}
	seen[keyword.text] = true
	switch {
	case keyword.is("selector"):
		p.selector(pod)
	case keyword.is("require"):
		if seen["daemon"] {
			p.fail(keyword, "found require after daemon, expected it before: daemon adds the node to every term")
		}
		affinityOf(pod).RequiredDuringSchedulingIgnoredDuringExecution = p.required()
	case keyword.is("or"):
		p.fail(keyword, "found or without require, expected require and its terms before it")
	case keyword.is("prefer"):
		affinity := affinityOf(pod)
		affinity.PreferredDuringSchedulingIgnoredDuringExecution = append(
			affinity.PreferredDuringSchedulingIgnoredDuringExecution, p.preferred())
	case keyword.is("tolerate"):
		pod.Spec.Tolerations = append(pod.Spec.Tolerations, p.toleration())
	case keyword.is("daemon"):
		p.want("on")
		node, _ := p.name("a node")
		// What the DaemonSet controller does to each pod that it makes.
		pod.Spec.Affinity = daemonutil.ReplaceDaemonSetPodNodeNameNodeAffinity(pod.Spec.Affinity, node)
		daemonutil.AddOrUpdateDaemonPodTolerations(&pod.Spec)
		pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "DaemonSet", Name: pod.Name, UID: "daemon", Controller: new(true)}}
	case keyword.kind == word && slices.Contains(podAttributes(), keyword.text):
		p.fail(keyword, "found %s after a clause, expected it right after the pod's name", keyword)
	default:
		p.fail(keyword, "found %s, expected one of %s or a clause: selector, require, or require, prefer, tolerate, daemon",
			keyword, strings.Join(podAttributes(), ", "))
	}
}

func affinityOf(pod *corev1.Pod) *corev1.NodeAffinity {
	if pod.Spec.Affinity == nil {
		pod.Spec.Affinity = &corev1.Affinity{}
	}
	if pod.Spec.Affinity.NodeAffinity == nil {
		pod.Spec.Affinity.NodeAffinity = &corev1.NodeAffinity{}
	}
	return pod.Spec.Affinity.NodeAffinity
}

// selector reads the labels of spec.nodeSelector. An attribute's name among them is taken for a slip.
func (p *parser) selector(pod *corev1.Pod) {
	for first := true; first || p.peek().kind == quoted || p.peek().kind == word && p.followedBy("="); first = false {
		key, at := p.value("a label, such as zone=1")
		if at.kind == word && slices.Contains(podAttributes(), key) {
			p.fail(at, "found %s in a selector, expected a label: attributes stand right after the pod's name, and a label of that name in quotes", at)
		}
		p.want("=")
		p.label(&pod.Spec.NodeSelector, key, at)
	}
}

func (p *parser) followedBy(mark string) bool { return len(p.tokens) > 1 && p.tokens[1].is(mark) }
