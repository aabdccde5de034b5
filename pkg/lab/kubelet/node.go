// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// nodeState is one simulated kubelet.
type nodeState struct {
	nextLook  time.Time
	lastMet   time.Time // when a signal was last below its threshold
	pressured bool
}

// advance lets the kernel and then the kubelet of one node act on its pods.
func (n *nodeState) advance(now time.Time, node *corev1.Node, pods []*podState, options Options, history *History, writes *writes) {
	thresholds, err := threshold.Of(node, options.settings(), 0)
	if err != nil { // Not registered yet.
		return
	}
	capacity := node.Status.Capacity.Memory().Value()
	system := systemMemory(node)

	// What is recorded is what there was before anybody was killed: that is what killed them.
	history.record(now, node.Name, capacity, min(thresholds.Node, thresholds.Pods+system), system+held(pods))

	for _, pod := range pods {
		if pod.overLimit() {
			oomKill(pod, now, node.Name, fmt.Sprintf("container reached its limit of %d bytes", pod.limit), history)
		}
	}
	for held(pods) > thresholds.PodsLimit || system+held(pods) > capacity {
		victim := oomVictim(pods, capacity)
		if victim == nil {
			break
		}
		oomKill(victim, now, node.Name, "the node ran out of memory", history)
	}

	if n.nextLook.IsZero() {
		n.nextLook = now // A kubelet looks at once when it starts.
	}
	if !now.Before(n.nextLook) {
		n.look(now, node, thresholds, system, pods, options, history, writes)
	}
}

// settings are those of the simulated kubelets.
func (o Options) settings() *threshold.Settings {
	return &threshold.Settings{EvictionHard: threshold.Amount{Bytes: o.EvictionHard}, EvictionHardOrigin: threshold.OriginConfigz, EnforcesPods: true}
}

// look is one pass of the kubelet's eviction manager: it sets the condition and evicts at most one pod.
func (n *nodeState) look(now time.Time, node *corev1.Node, thresholds threshold.Thresholds, system int64, pods []*podState, options Options, history *History, writes *writes) {
	n.nextLook = now.Add(monitoringInterval)
	left, signal := thresholds.Left(system+held(pods), held(pods))
	if left < 0 {
		n.lastMet = now
		if victim := evictionVictim(pods); victim != nil {
			message := fmt.Sprintf("The node was low on resource: memory. Threshold of %s: %d bytes short.", signal, -left)
			history.happened(now, Event{Kind: Eviction, Node: node.Name, Namespace: victim.pod.Namespace, Pod: victim.pod.Name, Bytes: victim.held, Reason: message})
			victim.evicted, victim.held, victim.message, victim.dirty = true, 0, message, true
			n.nextLook = now.Add(evictionCleanup)
		}
	}
	pressured := !n.lastMet.IsZero() && now.Sub(n.lastMet) < options.PressureTransition
	if pressured != n.pressured {
		n.pressured = pressured
		writes.pressure(node, pressured, now, func() { n.pressured = !pressured }) // the next look tries again
	}
}

func oomKill(pod *podState, now time.Time, node, reason string, history *History) {
	history.happened(now, Event{Kind: OOMKill, Node: node, Namespace: pod.pod.Namespace, Pod: pod.pod.Name, Bytes: pod.held, Reason: reason})
	pod.kill(now)
}

func held(pods []*podState) int64 {
	var sum int64
	for _, pod := range pods {
		sum += pod.held
	}
	return sum
}

// evictionVictim returns the pod that the kubelet evicts first, or nil if it may evict none.
func evictionVictim(pods []*podState) *podState {
	candidates := make([]eviction.Pod, 0, len(pods))
	for _, pod := range pods {
		if !pod.evicted && (pod.pod.Status.Phase == corev1.PodRunning || pod.pod.Status.Phase == corev1.PodPending) {
			candidates = append(candidates, pod.candidate())
		}
	}
	ranked := eviction.Rank(candidates)
	if len(ranked) == 0 {
		return nil
	}
	return find(pods, ranked[0].Namespace, ranked[0].Name)
}

// oomVictim returns the pod whose container the kernel kills first, or nil if none runs.
func oomVictim(pods []*podState, capacity int64) *podState {
	containers := make([]eviction.Container, 0, len(pods))
	for _, pod := range pods {
		if pod.running() {
			containers = append(containers, pod.container(capacity))
		}
	}
	ranked := eviction.RankOOM(containers, eviction.Machine(capacity))
	if len(ranked) == 0 {
		return nil
	}
	return find(pods, ranked[0].Namespace, ranked[0].Pod)
}

func find(pods []*podState, namespace, name string) *podState {
	for _, pod := range pods {
		if pod.pod.Namespace == namespace && pod.pod.Name == name {
			return pod
		}
	}
	return nil
}

// systemMemory is what the system holds outside pods; KWOK adds the same to the node's usage.
func systemMemory(node *corev1.Node) int64 {
	if quantity, err := resource.ParseQuantity(node.Annotations[cluster.SystemMemoryAnnotation]); err == nil && quantity.Sign() >= 0 {
		return quantity.Value()
	}
	return defaultSystemMemory
}
