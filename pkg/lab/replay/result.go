// SPDX-License-Identifier: Apache-2.0

package replay

// Result is what one run came to.
type Result struct {
	Trace    string `json:"trace"`
	Scenario string `json:"scenario"`
	Policy   string `json:"policy"`
	Nodes    int    `json:"nodes"`
	Seed     uint64 `json:"seed"`
	// Pods is how many were wanted. It follows from the trace and the scenario, and is not written.
	Pods int `json:"-"`
	// PodHours are hours on nodes.
	PodHours float64 `json:"podHours"`
	// Evictions are of pods, and OOMKills of containers, which start again on their nodes.
	Evictions int `json:"evictions"`
	OOMKills  int `json:"oomKills"`
	// PendingHours are from when a pod was made until it was placed, its restart back-off included.
	PendingHours float64 `json:"pendingHours"`
	// Unplaced pods were never placed, or not again after they were evicted.
	Unplaced int `json:"unplaced"`
	// NodeUseP50 and NodeUseP99 are quantiles of the share of its memory that a node holds, over all nodes and steps, after kubelets and
	// kernels acted: the heat maps of a story show what was held before.
	NodeUseP50 float64 `json:"nodeUseP50"`
	NodeUseP99 float64 `json:"nodeUseP99"`
}

// Rate is the number of pods ended for want of memory in 1,000 pod-hours.
func (r *Result) Rate() float64 {
	if r.PodHours == 0 {
		return 0
	}
	return float64(r.Evictions+r.OOMKills) / r.PodHours * 1000
}

// histogram counts shares of 0 to 2 in steps of a thousandth.
type histogram struct {
	counts [2001]int
	total  int
}

func (h *histogram) add(share float64) {
	h.counts[min(max(int(share*1000), 0), len(h.counts)-1)]++
	h.total++
}

func (h *histogram) quantile(q float64) float64 {
	rest := int(q * float64(h.total))
	for i, count := range h.counts {
		if rest -= count; rest < 0 {
			return float64(i) / 1000
		}
	}
	return 0
}
