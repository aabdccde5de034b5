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

// step is one step of the simulation: when it is, how the kubelets are set, and where goes what happens.
type step struct {
	now     time.Time
	options Options
	history *History
	writes  *writes
}

// machine is a node in a step: its thresholds, what the system holds outside pods, in bytes, and the pods.
type machine struct {
	node       *corev1.Node
	thresholds threshold.Thresholds
	system     int64
	pods       []*podState
}

// held is what the machine holds, in bytes.
func (m *machine) held() int64 { return m.system + held(m.pods) }

// advance lets the kernel and then the kubelet of one node act on its pods.
func (n *nodeState) advance(s *step, node *corev1.Node, pods []*podState) {
	thresholds, err := threshold.Of(node, s.options.settings(), 0)
	if err != nil { // Not registered yet.
		return
	}
	capacity := node.Status.Capacity.Memory().Value()
	m := &machine{node: node, thresholds: thresholds, system: systemMemory(node), pods: pods}

	// What is recorded is what there was before anybody was killed: that is what killed them.
	s.history.record(s.now, node.Name, capacity, min(thresholds.Node, thresholds.Pods+m.system), m.held())

	for _, pod := range pods {
		if pod.overLimit() {
			s.oomKill(pod, node.Name, fmt.Sprintf("container reached its limit of %d bytes", pod.limit))
		}
	}
	for held(pods) > thresholds.PodsLimit || m.held() > capacity {
		victim := oomVictim(pods, capacity)
		if victim == nil {
			break
		}
		s.oomKill(victim, node.Name, "the node ran out of memory")
	}

	if n.nextLook.IsZero() {
		n.nextLook = s.now // A kubelet looks at once when it starts.
	}
	if !s.now.Before(n.nextLook) {
		n.look(s, m)
	}
}

// settings are those of the simulated kubelets.
func (o Options) settings() *threshold.Settings {
	return &threshold.Settings{EvictionHard: threshold.Amount{Bytes: o.EvictionHard}, EvictionHardOrigin: threshold.OriginConfigz, EnforcesPods: true}
}

// look is one pass of the kubelet's eviction manager: it sets the condition and evicts at most one pod.
func (n *nodeState) look(s *step, m *machine) {
	n.nextLook = s.now.Add(monitoringInterval)
	left, signal := m.thresholds.Left(m.held(), held(m.pods))
	if left < 0 {
		n.lastMet = s.now
		if victim := evictionVictim(m.pods); victim != nil {
			message := fmt.Sprintf("The node was low on resource: memory. Threshold of %s: %d bytes short.", signal, -left)
			s.happened(Eviction, victim, m.node.Name, message)
			victim.evicted, victim.held, victim.message, victim.dirty = true, 0, message, true
			n.nextLook = s.now.Add(evictionCleanup)
		}
	}
	pressured := !n.lastMet.IsZero() && s.now.Sub(n.lastMet) < s.options.PressureTransition
	if pressured != n.pressured {
		n.pressured = pressured
		s.writes.pressure(m.node, pressured, s.now, func() { n.pressured = !pressured }) // the next look tries again
	}
}

// oomKill ends the container of a pod as the kernel does.
func (s *step) oomKill(pod *podState, node, reason string) {
	s.happened(OOMKill, pod, node, reason)
	pod.kill(s.now)
}

// happened notes a death, with what the pod holds by then.
func (s *step) happened(kind Kind, pod *podState, node, reason string) {
	s.history.happened(s.now, Event{Kind: kind, Node: node, Namespace: pod.pod.Namespace, Pod: pod.pod.Name, Bytes: pod.held, Reason: reason})
}

// held is what pods hold, in bytes.
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
