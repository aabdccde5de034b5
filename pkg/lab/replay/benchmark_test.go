// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"testing"

	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// BenchmarkPlay plays seven days, of which the first is the profile, with a sample every five minutes. What a sample of a pod costs is
// to be the same for few pods and for many.
func BenchmarkPlay(b *testing.B) {
	for _, size := range []struct{ workloads, nodes int }{{95, 8}, {380, 30}} { // some 250 and 1,000 pods at a time
		made := trace.Generate(7, trace.Days(7), trace.Workloads(size.workloads))
		for i := range made.Series {
			made.Series[i].Extra[trace.WorkloadColumn] = made.Series[i].ID
		}
		for _, policy := range []string{"headroom", "least-allocated"} {
			b.Run(fmt.Sprintf("workloads=%d/nodes=%d/policy=%s", size.workloads, size.nodes, policy), func(b *testing.B) {
				var samples float64
				for b.Loop() {
					samples += playedSamples(b, made, policy, size.nodes)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/samples, "ns/pod-sample")
			})
		}
	}
}

// playedSamples plays the trace and returns the samples of pods that were on nodes.
func playedSamples(b *testing.B, made *trace.Trace, policy string, nodes int) float64 {
	b.Helper()
	wanted := Run{Trace: "generated", Nodes: nodes, NodeBytes: 64 << 30, Seed: 1}
	var err error
	if wanted.Policy, err = PolicyNamed(policy); err != nil {
		b.Fatal(err)
	}
	if wanted.Scenario, err = ScenarioNamed("base"); err != nil {
		b.Fatal(err)
	}
	plan, err := NewPlan(made, wanted.Scenario, nil, 0, wanted.NodeBytes, wanted.Seed)
	if err != nil {
		b.Fatal(err)
	}
	result, err := Play(b.Context(), wanted, plan)
	if err != nil {
		b.Fatal(err)
	}
	if result.PodHours == 0 {
		b.Fatal("no pod was placed")
	}
	return result.PodHours * 3600 / plan.step
}
