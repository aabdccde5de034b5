// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Nodes is the memory of nodes as their kubelets see it. Its kind is NodeMemoryList.
type Nodes struct {
	metav1.TypeMeta `json:",inline"`
	Basis           Basis `json:"basis"`
	// Degraded: too few nodes have a fresh sample, and requests decide on all of them.
	Degraded bool       `json:"degraded,omitempty"`
	Items    []NodeLine `json:"items"`
}

// NodeLine is one node's memory. But for fresh nodes, what was measured is missing.
type NodeLine struct {
	Node  string `json:"node"`
	State string `json:"state"`
	// CapacityBytes and AllocatableBytes are what the node reports, RequestedBytes what its Pods request.
	CapacityBytes    int64 `json:"capacityBytes"`
	AllocatableBytes int64 `json:"allocatableBytes"`
	RequestedBytes   int64 `json:"requestedBytes"`
	Pods             int   `json:"pods"`
	// EvictionHardBytes is the kubelet's memory.available threshold, known by EvictionHardOrigin; 0 if it evicts for nothing.
	EvictionHardBytes  int64  `json:"evictionHardBytes"`
	EvictionHardOrigin string `json:"evictionHardOrigin,omitempty"`
	// Line is the working set at which Signal fires or the memory ends, of the measure that binds.
	LineBytes int64  `json:"lineBytes,omitempty"`
	Signal    string `json:"signal,omitempty"`
	// HeldBytes were measured; PromisedBytes are for pods that the sample does not show yet; ForecastBytes is what both are
	// expected to be at all peaks.
	HeldBytes         *int64 `json:"heldBytes,omitempty"`
	PromisedBytes     *int64 `json:"promisedBytes,omitempty"`
	ForecastBytes     *int64 `json:"forecastBytes,omitempty"`
	LeftBytes         *int64 `json:"leftBytes,omitempty"`
	ExpectedLeftBytes *int64 `json:"expectedLeftBytes,omitempty"`
	// Sample is when it was measured, and AgeSeconds how long ago that is.
	Sample     *metav1.Time `json:"sample,omitempty"`
	AgeSeconds *int64       `json:"ageSeconds,omitempty"`
	// Pressure is the node's condition MemoryPressure: True, False or Unknown. Avoided is how much the node is avoided for a
	// shortage, 0 to 1.
	Pressure    string  `json:"pressure"`
	Avoided     float64 `json:"avoided,omitempty"`
	FirstVictim string  `json:"firstVictim,omitempty"`
	// Problem is what is wrong with the node's annotation.
	Problem string `json:"problem,omitempty"`
}

// nodesAtOnce is how many nodes one processor looks at before it asks for more: ranking the pods of one takes microseconds.
const nodesAtOnce = 64

// errNoBook says that the profile does not look at memory.
var errNoBook = errors.New("no profile of the configuration has HeadroomMemory, so no memory is counted")

// Nodes returns the nodes that the selector matches, or those of the names if there are some, by name.
func (s *Scheduler) Nodes(selector labels.Selector, only []string) (*Nodes, error) {
	books := s.still.Books()
	if len(books) == 0 {
		return nil, errNoBook
	}
	snapshot := books[0].Snapshot()
	for _, name := range only {
		if snapshot.Index(name) < 0 {
			return nil, s.noSuchNode(name)
		}
	}
	byNode := s.podsByNode()
	list := &Nodes{TypeMeta: typeMeta("NodeMemoryList"), Basis: s.basis(""), Degraded: snapshot.Degraded}
	chosen := slices.DeleteFunc(slices.Clone(s.nodes), func(node *corev1.Node) bool {
		return !selector.Matches(labels.Set(node.Labels)) || len(only) > 0 && !slices.Contains(only, node.Name)
	})
	list.Items = make([]NodeLine, len(chosen))
	workqueue.ParallelizeUntil(context.Background(), runtime.GOMAXPROCS(0), len(chosen), func(i int) {
		node := chosen[i]
		list.Items[i] = s.nodeLine(node, &snapshot.Nodes[snapshot.Index(node.Name)], byNode[node.Name])
	}, workqueue.WithChunkSize(nodesAtOnce))
	slices.SortFunc(list.Items, func(a, b NodeLine) int { return strings.Compare(a.Node, b.Node) })
	return list, nil
}

func (s *Scheduler) noSuchNode(name string) error { return fmt.Errorf("there is no node %q", name) }

func (s *Scheduler) podsByNode() map[string][]*corev1.Pod {
	byNode := make(map[string][]*corev1.Pod, len(s.nodes))
	for _, pod := range s.pods {
		if pod.Spec.NodeName != "" {
			byNode[pod.Spec.NodeName] = append(byNode[pod.Spec.NodeName], pod)
		}
	}
	return byNode
}

func (s *Scheduler) nodeLine(node *corev1.Node, line *ledger.Node, pods []*corev1.Pod) NodeLine {
	made := NodeLine{
		Node: node.Name, State: line.State.String(), RequestedBytes: line.Requested, Pods: len(pods), Pressure: pressureOf(node), Avoided: line.Cooling, Problem: line.Problem,
		CapacityBytes: node.Status.Capacity.Memory().Value(), AllocatableBytes: node.Status.Allocatable.Memory().Value(),
		EvictionHardBytes: line.Thresholds.EvictionHard, EvictionHardOrigin: string(line.Thresholds.EvictionHardOrigin),
	}
	if !line.SampleTime.IsZero() {
		made.Sample = new(stamp(line.SampleTime))
		made.AgeSeconds = new(int64(s.now.Sub(line.SampleTime).Seconds()))
	}
	if line.State == ledger.Fresh {
		var sum NodeMemory
		sum.fill(line)
		made.LineBytes, made.Signal = sum.ThresholdBytes, sum.Signal
		made.HeldBytes, made.PromisedBytes = sum.HeldBytes, sum.PromisedBytes
		made.ForecastBytes, made.LeftBytes, made.ExpectedLeftBytes = new(sum.ThresholdBytes-line.ForecastLeft), new(line.Left), new(line.ForecastLeft)
	}
	if victim, ok := s.firstVictim(pods); ok {
		made.FirstVictim = victim.Namespace + "/" + victim.Name
	}
	return made
}

func pressureOf(node *corev1.Node) string {
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == corev1.NodeMemoryPressure {
			return string(node.Status.Conditions[i].Status)
		}
	}
	return string(corev1.ConditionUnknown)
}

// evictable returns what the kubelet's order looks at in the pods.
func (s *Scheduler) evictable(pods []*corev1.Pod) []eviction.Pod {
	made := make([]eviction.Pod, 0, len(pods))
	for _, pod := range pods {
		if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
			made = append(made, eviction.PodOf(pod, s.measured(pod)))
		}
	}
	return made
}

// measured is the sample of a pod, which may be unknown.
func (s *Scheduler) measured(pod *corev1.Pod) sample.Measurement {
	if s.samples.set == nil {
		return sample.Measurement{}
	}
	return s.samples.set.Pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}].Measurement
}

// firstVictim returns the first of eviction.Rank without ranking the others.
func (s *Scheduler) firstVictim(pods []*corev1.Pod) (first eviction.Pod, ok bool) {
	for _, pod := range s.evictable(pods) {
		if pod.Exempt() {
			continue
		}
		order := eviction.Compare(pod, first)
		if !ok || order < 0 || order == 0 && pod.Namespace+"/"+pod.Name < first.Namespace+"/"+first.Name {
			first, ok = pod, true
		}
	}
	return first, ok
}
