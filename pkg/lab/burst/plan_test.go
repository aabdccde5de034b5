// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"cmp"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
)

// node is one of the pool's nodes as a test fills it, in bytes.
type node struct {
	requested, held int64
}

func builtIn(t *testing.T) *Spec {
	t.Helper()
	spec, err := ParseSpec(DefaultSpec)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// before has the nodes as they are before the burst, and the pods that come, one workload for each pod.
func before(spec *Spec, plan []Workload) (nodes []node, pods []Workload) {
	nodes = make([]node, spec.Nodes.Count)
	for i := range nodes {
		nodes[i].held = spec.Nodes.SystemMemory.Value()
	}
	for _, workload := range plan {
		for _, number := range workload.Before {
			nodes[number-1].add(workload)
		}
		for range workload.Burst {
			pods = append(pods, workload)
		}
	}
	return nodes, pods
}

func (n *node) add(workload Workload) {
	n.requested += workload.RequestBytes
	n.held += workload.PeakBytes
}

// place puts every pod on the node that has least of something, among those whose requests allow it.
func place(t *testing.T, spec *Spec, nodes []node, pods []Workload, least func(node) int64) {
	t.Helper()
	allocatable := spec.Nodes.Allocatable()
	for _, pod := range pods {
		best := -1
		for i := range nodes {
			if nodes[i].requested+pod.RequestBytes <= allocatable.Value() && (best < 0 || least(nodes[i]) < least(nodes[best])) {
				best = i
			}
		}
		if best < 0 {
			t.Fatalf("a pod of %s fits nowhere by requests", pod.Name)
		}
		nodes[best].add(pod)
	}
}

func TestTheBuiltInBurstFitsButNotByRequests(t *testing.T) {
	spec := builtIn(t)
	if spec.Nodes.Count != 50 || spec.BurstPods() != 500 || spec.MetricsResolution.Seconds() != 60 {
		t.Errorf("%d pods on %d nodes with samples every %s, want 500, 50 and 1m0s", spec.BurstPods(), spec.Nodes.Count, spec.MetricsResolution.Duration)
	}
	threshold := spec.Nodes.ThresholdBytes()
	for seed := range int64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			plan := spec.Plan(seed)
			nodes, pods := before(spec, plan)
			var sum int64
			for i, n := range nodes {
				if n.held > threshold*9/10 {
					t.Errorf("node %d holds %d before the burst, of %d", i+1, n.held, threshold)
				}
				sum += n.held
			}
			for _, pod := range pods {
				sum += pod.PeakBytes
			}
			if share := float64(sum) / float64(threshold) / float64(len(nodes)); share < 0.7 || share > 0.8 {
				t.Errorf("all peaks fill %.0f %% of the pool, want 70 to 80 %%", 100*share)
			}

			// Who knew the peaks, and took the large ones first, would keep every node far from its threshold.
			known := slices.Clone(pods)
			slices.SortStableFunc(known, func(a, b Workload) int { return cmp.Compare(b.PeakBytes, a.PeakBytes) })
			good := slices.Clone(nodes)
			place(t, spec, good, known, func(n node) int64 { return n.held })
			for i, n := range good {
				if float64(n.held)*(1+spec.Jitter) > 0.9*float64(threshold) {
					t.Errorf("node %d holds %d of %d in the best placement, want less than nine tenths", i+1, n.held, threshold)
				}
			}

			// Who knows requests only drives several nodes over it.
			blind, driven := slices.Clone(nodes), 0
			place(t, spec, blind, pods, func(n node) int64 { return n.requested })
			for _, n := range blind {
				if n.held > threshold {
					driven++
				}
			}
			if driven < 3 {
				t.Errorf("spread by requests, %d nodes are driven over their threshold, want several", driven)
			}
		})
	}
}

func TestPeaksLieBetweenRequestAndLimit(t *testing.T) {
	spec := builtIn(t)
	siblings := 0
	for _, workload := range spec.Plan(7) {
		if workload.Burst == 0 {
			continue
		}
		if len(workload.Before) > 0 {
			siblings++
		}
		profile, err := kubelet.ParseProfile(workload.Profile)
		if err != nil {
			t.Fatal(err)
		}
		if profile.Peak() != workload.PeakBytes {
			t.Errorf("%s: the profile %q peaks at %d, want %d", workload.Name, workload.Profile, profile.Peak(), workload.PeakBytes)
		}
		if most := int64(float64(workload.PeakBytes) * (1 + spec.Jitter)); workload.PeakBytes <= workload.RequestBytes || most > workload.LimitBytes {
			t.Errorf("%s: the peak is %d, with jitter %d, want it between the request %d and the limit %d",
				workload.Name, workload.PeakBytes, most, workload.RequestBytes, workload.LimitBytes)
		}
	}
	if siblings != 25 {
		t.Errorf("siblings of %d workloads run before, want 25 of 50", siblings)
	}
}

func TestNoPodReachesItsOwnLimit(t *testing.T) {
	spec := builtIn(t)
	for i := range spec.Burst.Groups {
		spec.Burst.Groups[i].Peak = Shares{From: 1, To: 1}
	}
	for _, workload := range spec.Plan(7) {
		if workload.Burst == 0 {
			continue
		}
		most := int64(float64(workload.PeakBytes) * (1 + spec.Jitter))
		if most > workload.LimitBytes || float64(most) < 0.99*float64(workload.LimitBytes) {
			t.Errorf("%s: with jitter it peaks at %d, want just below its limit %d", workload.Name, most, workload.LimitBytes)
		}
	}
}

func TestAPlanDependsOnItsSeedOnly(t *testing.T) {
	spec := builtIn(t)
	if diff := gocmp.Diff(spec.Plan(3), spec.Plan(3)); diff != "" {
		t.Errorf("the same seed gives two plans:\n%s", diff)
	}
	if gocmp.Equal(spec.Plan(3), spec.Plan(4)) {
		t.Error("two seeds give one plan")
	}
}
