// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

const summaryFile = "summary.json"

// Summary is what summary.json holds.
type Summary struct {
	// Interrupted is true if the run ended early; the rest then says how far it came.
	Interrupted bool `json:"interrupted"`
	// Nodes is how many there are, Pods how many are wanted, Placed and Unplaced how many got a node and did not.
	Nodes    int `json:"nodes"`
	Pods     int `json:"pods"`
	Placed   int `json:"placed"`
	Unplaced int `json:"unplaced"`
	// Reasons counts the unplaced pods by why they fit on no node; Examples has a pod for each reason.
	Reasons  map[string]int     `json:"reasons"`
	Examples map[string]Example `json:"examples"`
	// UnplacedPods names the unplaced pods in the order of the file. TooBigForAnyNode is how many of them request more than
	// any node has, even an empty one; for the others it was a matter of what was placed where before.
	UnplacedPods     []string `json:"unplacedPods"`
	TooBigForAnyNode int      `json:"tooBigForAnyNode"`
	// PodsPerSecond is Placed by Seconds, the time from the first pod being there to the last one getting its node, both as
	// a watch saw them. Pods were created all the while.
	PodsPerSecond float64 `json:"podsPerSecond"`
	Seconds       float64 `json:"seconds"`
	// PeakMemoryBytes is the most that all processes of the cluster, the scheduler among them, held together: proportional
	// set sizes, summed up every 3 s. The program that started them is not in it. 0: it could not be measured.
	PeakMemoryBytes int64 `json:"peakMemoryBytes"`
	// AllocatableCPUMilli and AllocatableBytes are what all nodes together have for pods.
	AllocatableCPUMilli int64 `json:"allocatableCPUMilli"`
	AllocatableBytes    int64 `json:"allocatableBytes"`
	// Requests are of all pods, PlacedRequests of those that were placed.
	Requests       Amount `json:"requests"`
	PlacedRequests Amount `json:"placedRequests"`
	// MostAtOnce is the most that lived at one time by the file's start_s and end_s. The run wants all pods at once.
	MostAtOnce Amount `json:"mostAtOnce"`
}

// Example is one of the pods that were not placed for a reason.
type Example struct {
	Pod string `json:"pod"`
	// Row is the pod's place among the pods of the file, from 1.
	Row         int   `json:"row"`
	CPUMilli    int64 `json:"cpuMilli"`
	MemoryBytes int64 `json:"memoryBytes"`
	// Message is what the scheduler said, whole.
	Message string `json:"message,omitempty"`
}

// newSummary is the part of a summary that follows from the files alone.
func newSummary(nodes []Node, pods []Pod) Summary {
	summary := Summary{Nodes: len(nodes), Pods: len(pods), Requests: total(pods), MostAtOnce: mostAtOnce(pods)}
	for _, node := range nodes {
		summary.AllocatableCPUMilli += node.CPUMilli
		summary.AllocatableBytes += node.allocatableBytes()
	}
	return summary
}

// listUnplaced fills in what depends on which pods were not placed.
func (s *Summary) listUnplaced(nodes []Node, unplaced []Pod) {
	s.UnplacedPods = make([]string, 0, len(unplaced))
	for _, pod := range unplaced {
		s.UnplacedPods = append(s.UnplacedPods, pod.Name)
		if !slices.ContainsFunc(nodes, func(node Node) bool {
			return pod.CPUMilli <= node.CPUMilli && pod.RequestedBytes <= node.allocatableBytes()
		}) {
			s.TooBigForAnyNode++
		}
	}
}

// write puts the summary into dir, whole or not at all, in place of an older one.
func (s Summary) write(dir string) error {
	return wholefile.WriteJSON(filepath.Join(dir, summaryFile), s)
}

// text is the summary for a reader.
func (s Summary) text() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d of %d pods placed on %d nodes in %.1f s: %.1f pods/s\n", s.Placed, s.Pods, s.Nodes, s.Seconds, s.PodsPerSecond)
	fmt.Fprintf(&text, "requests placed: CPU %s, memory %s of what the nodes have\n",
		percent(s.PlacedRequests.CPUMilli, s.AllocatableCPUMilli), percent(s.PlacedRequests.MemoryBytes, s.AllocatableBytes))
	if s.PeakMemoryBytes > 0 {
		fmt.Fprintf(&text, "peak memory of the control plane: %.2f GiB\n", float64(s.PeakMemoryBytes)/(1<<30))
	}
	if s.Unplaced > 0 {
		fmt.Fprintf(&text, "%d not placed, %d of them larger than any node:\n", s.Unplaced, s.TooBigForAnyNode)
	}
	for _, reason := range slices.SortedFunc(maps.Keys(s.Reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.Reasons[b], s.Reasons[a]), cmp.Compare(a, b))
	}) {
		fmt.Fprintf(&text, "%7d  %s (for example %s)\n", s.Reasons[reason], reason, s.Examples[reason].Pod)
	}
	return text.String()
}

func percent(part, whole int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
