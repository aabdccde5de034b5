// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"iter"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Trouble is that a node's shortage of memory ended a pod, by eviction or by the kernel.
type Trouble struct {
	Node     string
	Workload forecast.Workload
	Time     time.Time
	// HeldBytes is what the pod held then, 0 where nobody knows.
	HeldBytes int64
}

// troubles holds the last trouble of each workload on each node.
type troubles map[string]map[forecast.Workload]time.Time

// Believed returns those of the troubles that can have happened by now. A node whose clock is far ahead tells of the future: when that was is as
// unknown as with a pod that does not say when.
func Believed(all []Trouble, now time.Time) []Trouble {
	return slices.DeleteFunc(slices.Clone(all), func(trouble Trouble) bool { return tooFarAhead(trouble.Time, now) })
}

// tooFarAhead reports whether a time is later than now by more than clocks may differ.
func tooFarAhead(at, now time.Time) bool { return at.Sub(now) > sample.MaxClockSkew }

func (t troubles) add(all []Trouble) {
	for _, trouble := range all {
		t.note(trouble)
	}
}

func (t troubles) note(trouble Trouble) {
	if t[trouble.Node] == nil {
		t[trouble.Node] = map[forecast.Workload]time.Time{}
	}
	if trouble.Time.After(t[trouble.Node][trouble.Workload]) {
		t[trouble.Node][trouble.Workload] = trouble.Time
	}
}

// addKills notes OOM kills of containers without a limit of their own or their pod's: only the node can have been short.
// A container that has a limit may have reached it on a node with room.
func (t troubles) addKills(pod *corev1.Pod, workload forecast.Workload, now time.Time) {
	for kill := range KillsForNode(pod) {
		if !tooFarAhead(kill.FinishedAt.Time, now) {
			t.note(Trouble{Node: pod.Spec.NodeName, Workload: workload, Time: kill.FinishedAt.Time})
		}
	}
}

// KillsForNode yields how containers of the pod ended that the kernel killed without a limit of their own or their pod's.
func KillsForNode(pod *corev1.Pod) iter.Seq[*corev1.ContainerStateTerminated] {
	return func(yield func(*corev1.ContainerStateTerminated) bool) {
		for _, statuses := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
			for i := range statuses {
				for _, state := range []*corev1.ContainerStateTerminated{statuses[i].State.Terminated, statuses[i].LastTerminationState.Terminated} {
					if state != nil && state.Reason == "OOMKilled" && !limited(pod, statuses[i].Name) && !yield(state) {
						return
					}
				}
			}
		}
	}
}

func limited(pod *corev1.Pod, container string) bool {
	if pod.Spec.Resources != nil && forecast.Limited(pod.Spec.Resources) {
		return true
	}
	for _, containers := range [][]corev1.Container{pod.Spec.Containers, pod.Spec.InitContainers} {
		for i := range containers {
			if containers[i].Name == container {
				return forecast.Limited(&containers[i].Resources)
			}
		}
	}
	return false
}

// ofNode returns how much a node is to be avoided: 1 while its processes wait for memory, and after it ended a pod falling to
// 0 within the cooldown. The taint that the pressure set is gone by then.
func (t troubles) ofNode(node *corev1.Node, stall *sample.Stall, options Options, now time.Time) float64 {
	if stall != nil && options.MaxStallPercent > 0 && stall.Some > options.MaxStallPercent {
		return 1
	}
	share := 0.0
	for _, since := range t[node.Name] {
		if !ofEarlier(node, since) {
			share = max(share, fading(since, options.Cooldown, now))
		}
	}
	return share
}

// pressures holds when a node was last seen under pressure. The condition's own time does not tell: it changes too when a
// kubelet registers, and when it can be reached again.
type pressures map[string]time.Time

func (p pressures) follow(node *corev1.Node, now time.Time) {
	for i := range node.Status.Conditions {
		if condition := &node.Status.Conditions[i]; condition.Type == corev1.NodeMemoryPressure && condition.Status == corev1.ConditionTrue {
			p[node.Name] = now
		}
	}
}

// cooling is 1 while a node is under pressure, and then falls to 0 within the cooldown.
func (p pressures) cooling(node *corev1.Node, cooldown time.Duration, now time.Time) float64 {
	if since, ok := p[node.Name]; ok && !ofEarlier(node, since) {
		return fading(since, cooldown, now)
	}
	return 0
}

func (p pressures) forget(cooldown time.Duration, now time.Time) {
	maps.DeleteFunc(p, func(_ string, since time.Time) bool { return fading(since, cooldown, now) == 0 })
}

// ofEarlier reports whether that was on an earlier machine of the node's name.
func ofEarlier(node *corev1.Node, at time.Time) bool { return at.Before(node.CreationTimestamp.Time) }

// ofWorkloads returns the nodes to keep each workload off, and forgets what is over. index is that of the nodes by name.
func (t troubles) ofWorkloads(nodes []*corev1.Node, index map[string]int, cooldown time.Duration, now time.Time) map[forecast.Workload][]Cooling {
	var cooling map[forecast.Workload][]Cooling
	for node, workloads := range t {
		i, known := index[node]
		for workload, since := range workloads {
			share := fading(since, cooldown, now)
			if share == 0 || !known || ofEarlier(nodes[i], since) {
				delete(workloads, workload)
				continue
			}
			if cooling == nil {
				cooling = map[forecast.Workload][]Cooling{}
			}
			cooling[workload] = append(cooling[workload], Cooling{Node: i, Share: share})
		}
		if len(workloads) == 0 {
			delete(t, node)
		}
	}
	return cooling
}

// fading is 1 at the given time, and falls to 0 within the cooldown.
func fading(since time.Time, cooldown time.Duration, now time.Time) float64 {
	age := now.Sub(since)
	if cooldown <= 0 || age >= cooldown {
		return 0
	}
	return 1 - max(age, 0).Seconds()/cooldown.Seconds()
}
