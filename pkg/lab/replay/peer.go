// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
)

// peerName is the name of the plugin that stands for another scheduler's in a profile.
const peerName = "ReplayPeer"

// judge is how a peer sees a node for a pod.
type judge interface {
	// admits is the Filter, and score the Score, 0 to 100 or on any scale that normalize brings there.
	admits(r *run, n *node, u *usage, l *life) bool
	score(r *run, n *node, u *usage, l *life) int64
}

// peer is the plugin.
type peer struct {
	run   *run
	judge judge
	pod   *life
}

var (
	_ fwk.PreFilterPlugin = &peer{}
	_ fwk.FilterPlugin    = &peer{}
	_ fwk.ScorePlugin     = &peer{}
)

// newPeer returns the factory of the plugin.
func newPeer(r *run, judge judge) frameworkruntime.PluginFactory {
	return func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
		return &peer{run: r, judge: judge}, nil
	}
}

// Name returns the plugin's name.
func (p *peer) Name() string { return peerName }

// PreFilter looks up whose pod it is, and what metrics say by now.
func (p *peer) PreFilter(_ context.Context, _ fwk.CycleState, pod *corev1.Pod, _ []fwk.NodeInfo) (*fwk.PreFilterResult, *fwk.Status) {
	p.pod = p.run.lives[pod.Name]
	p.run.measure(p.run.now)
	return nil, nil
}

// PreFilterExtensions is nil: nothing is preempted.
func (p *peer) PreFilterExtensions() fwk.PreFilterExtensions { return nil }

// Filter asks the peer whether it admits the node.
func (p *peer) Filter(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, info fwk.NodeInfo) *fwk.Status {
	n := p.run.cluster.byName[info.Node().Name]
	if p.judge.admits(p.run, n, &p.run.measured.nodes[n.index], p.pod) {
		return nil
	}
	return fwk.NewStatus(fwk.Unschedulable, "used too much")
}

// Score is the peer's.
func (p *peer) Score(_ context.Context, _ fwk.CycleState, _ *corev1.Pod, info fwk.NodeInfo) (int64, *fwk.Status) {
	n := p.run.cluster.byName[info.Node().Name]
	return p.judge.score(p.run, n, &p.run.measured.nodes[n.index], p.pod), nil
}

// ScoreExtensions is nil: the peers' scores are on the common scale.
func (p *peer) ScoreExtensions() fwk.ScoreExtensions { return nil }
