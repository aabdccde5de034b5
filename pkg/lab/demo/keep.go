// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/component-base/version"

	"github.com/headroom-dev/headroom/pkg/lab/report"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

// keep leaves the cluster running, says how to look at it, and returns when ctx ends.
func (r *run) keep(ctx context.Context) {
	kubectl := "kubectl"
	if self, err := os.Executable(); err == nil {
		kubectl = screen.Quoted(self) + " kubectl" // serves where no kubectl is installed
	}
	kubectl += " --kubeconfig " + screen.Quoted(r.stage.Cluster.Kubeconfig())
	r.screen.Step(`
The cluster keeps running until Ctrl-C. kubeconfig: %s
Try:
  %s get pods -A -o wide
  %s top nodes
  %s get events -A --field-selector reason=FailedScheduling`, r.stage.Cluster.Kubeconfig(), kubectl, kubectl, kubectl)
	<-ctx.Done()
}

// facts are what a reader needs to judge or repeat the run.
func (r *run) facts() []report.Fact {
	nodes := r.spec.Nodes
	allocatable := nodes.Allocatable()
	return []report.Fact{
		{Name: "Kubernetes", Value: version.Get().GitVersion},
		{Name: "Nodes in each pool", Value: fmt.Sprintf("%d fake nodes (KWOK) of %s memory, %s allocatable", nodes.Count, nodes.Memory.String(), mebibytes(allocatable.Value()))},
		{Name: "Eviction threshold", Value: "memory.available < " + nodes.EvictionHard.String() + ", MemoryPressure held for " + r.spec.PressureTransition.Duration.String()},
		{Name: "System", Value: nodes.SystemMemory.String() + " held outside pods on each node"},
		{Name: "Metrics", Value: fmt.Sprintf("usage is taken every %s, scraped every %s", stage.UsageInterval, metricsResolution)},
		{Name: "Jitter", Value: fmt.Sprintf("usage differs from the profile by up to %.0f %%", 100*r.spec.Jitter)},
		{Name: "default", Value: "kube-scheduler with its default configuration"},
		{Name: "headroom", Value: r.headroomRuns()},
	}
}

// headroomRuns is what the pool of Headroom is filled by.
func (r *run) headroomRuns() string {
	if file := r.options.SchedulerConfig; file != "" {
		return "headroom-scheduler with the configuration of " + filepath.Base(file)
	}
	return "headroom-scheduler with the shipped profile, which reads metrics every 15s"
}
