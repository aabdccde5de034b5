// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// Victims is who goes first on a node that runs out of memory. Its kind is NodeVictims.
type Victims struct {
	metav1.TypeMeta `json:",inline"`
	Basis           Basis    `json:"basis"`
	Node            NodeLine `json:"node"`
	// Evicted is the kubelet's order, first victim first, and Spared are pods that it never evicts.
	Evicted []Victim `json:"evicted"`
	Spared  []Victim `json:"spared,omitempty"`
	// Killed is the kernel's order where the memory of Domain ends, of LimitBytes.
	Domain     string   `json:"domain"`
	LimitBytes int64    `json:"limitBytes"`
	Killed     []Killed `json:"killed"`
	After      *After   `json:"after,omitempty"`
}

// Victim is a pod in the kubelet's order.
type Victim struct {
	Pod      PodName `json:"pod"`
	Priority int32   `json:"priority"`
	// UsageBytes is missing where it was not measured.
	UsageBytes   *int64 `json:"usageBytes,omitempty"`
	RequestBytes int64  `json:"requestBytes"`
	Reason       string `json:"reason"`
}

// Killed is a container in the kernel's order. Its score counts what it holds and its oom_score_adj, in bytes.
type Killed struct {
	Pod            PodName `json:"pod"`
	Container      string  `json:"container"`
	UsageBytes     *int64  `json:"usageBytes,omitempty"`
	OOMScoreAdjust int64   `json:"oomScoreAdjust"`
	ScoreBytes     int64   `json:"scoreBytes"`
	Reason         string  `json:"reason"`
}

// After is what happens when so many bytes more are used.
type After struct {
	Bytes     int64     `json:"bytes"`
	Evictions []Evicted `json:"evictions"`
	// LeftBytes is left to the line after that; negative if nobody is left to evict.
	LeftBytes int64  `json:"leftBytes"`
	Text      string `json:"text"`
}

// Evicted is a pod that is evicted then.
type Evicted struct {
	Pod        PodName `json:"pod"`
	Signal     string  `json:"signal"`
	ShortBytes int64   `json:"shortBytes"`
	FreedBytes int64   `json:"freedBytes"`
	Reason     string  `json:"reason"`
}

// Victims ranks the pods of a node, and says who goes if after bytes more are used; 0: that is not asked.
func (s *Scheduler) Victims(name string, after int64) (*Victims, error) {
	books := s.still.Books()
	if len(books) == 0 {
		return nil, errNoBook
	}
	snapshot := books[0].Snapshot()
	i := snapshot.Index(name)
	if i < 0 {
		return nil, s.noSuchNode(name)
	}
	line, node, pods := &snapshot.Nodes[i], s.nodes[i], s.podsByNode()[name]
	if line.State == ledger.Unsupported {
		return nil, errors.New("node " + name + " runs Windows, where memory has other rules: who would go first is not known")
	}
	v := &Victims{
		TypeMeta: typeMeta("NodeVictims"), Basis: s.basis(""), Node: s.nodeLine(node, line, pods), Evicted: []Victim{}, Killed: []Killed{},
	}
	candidates := s.evictable(pods)
	for _, ranked := range eviction.Rank(candidates) {
		v.Evicted = append(v.Evicted, victim(ranked))
	}
	for _, ranked := range eviction.Spared(candidates) {
		v.Spared = append(v.Spared, victim(ranked))
	}
	s.killed(v, node, line, pods)
	if after == 0 {
		return v, nil
	}
	if line.State != ledger.Fresh {
		return nil, errors.New("node " + name + " has no fresh sample: what happens after it uses more is not known")
	}
	v.After = afterwards(line, candidates, after)
	return v, nil
}

func victim(ranked eviction.Ranked) Victim {
	made := Victim{Pod: PodName{ranked.Namespace, ranked.Name}, Priority: ranked.Priority, RequestBytes: ranked.RequestBytes, Reason: ranked.Reason}
	if ranked.Measured && !ranked.Guessed {
		made.UsageBytes = new(ranked.UsageBytes)
	}
	return made
}

// killed fills in the kernel's order, in the domain that ends first. Measurements are of whole pods: they tell what a container
// holds where it is the only one.
func (s *Scheduler) killed(v *Victims, node *corev1.Node, line *ledger.Node, pods []*corev1.Pod) {
	capacity := max(node.Status.Capacity.Memory().Value(), 1)
	domain := eviction.Machine(capacity)
	if line.Signal == threshold.SignalPods || line.Signal == threshold.EndOfPods {
		domain = eviction.Kubepods(line.Thresholds.PodsLimit)
	}
	v.Domain, v.LimitBytes = string(domain.Kind), domain.LimitBytes
	var containers []eviction.Container
	for _, pod := range pods {
		var usage map[string]int64
		if measured := s.measured(pod); measured.Known() && len(pod.Spec.Containers) == 1 && len(pod.Spec.InitContainers) == 0 {
			usage = map[string]int64{pod.Spec.Containers[0].Name: measured.Bytes}
		}
		containers = append(containers, eviction.ContainersOf(pod, usage, capacity)...)
	}
	for _, ranked := range eviction.RankOOM(containers, domain) {
		made := Killed{
			Pod: PodName{ranked.Namespace, ranked.Pod}, Container: ranked.Name, OOMScoreAdjust: ranked.OOMScoreAdjust,
			ScoreBytes: ranked.BadnessBytes, Reason: ranked.Reason,
		}
		if !ranked.Unmeasured {
			made.UsageBytes = new(ranked.UsageBytes)
		}
		v.Killed = append(v.Killed, made)
	}
}

func afterwards(line *ledger.Node, pods []eviction.Pod, bytes int64) *After {
	before := eviction.Node{Thresholds: line.Thresholds, NodeHeld: line.NodeHeld, PodsHeld: line.PodsHeld}.After(bytes)
	short, signal := before.Left()
	node, evictions := eviction.Simulate(before, pods)
	after := &After{Bytes: bytes, Evictions: []Evicted{}}
	for _, gone := range evictions {
		after.Evictions = append(after.Evictions, Evicted{
			Pod: PodName{gone.Namespace, gone.Name}, Signal: string(gone.Signal), ShortBytes: gone.ShortBytes, FreedBytes: gone.FreedBytes, Reason: gone.Reason,
		})
	}
	after.LeftBytes, _ = node.Left()
	switch {
	case short >= 0:
		after.Text = fmt.Sprintf("nobody goes: %s would be left before %s", quantity.InWords(short), signal)
	case signal == threshold.EndOfMachine || signal == threshold.EndOfPods:
		after.Text = fmt.Sprintf("the kernel kills: %s more than the %s", quantity.InWords(-short), signal)
	case after.LeftBytes < 0:
		after.Text = fmt.Sprintf("all %s go, and %s is still short by %s", plural(len(evictions), "pod"), signal, quantity.InWords(-after.LeftBytes))
	default:
		after.Text = fmt.Sprintf("%s by %s; %s left after that", plural(len(evictions), "eviction"), signal, quantity.InWords(after.LeftBytes))
	}
	return after
}
