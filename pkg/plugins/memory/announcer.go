// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// eventInterval is the least time between two events of the announcer: a source that comes and goes must not fill the
// cluster with them. The metric and the log follow every change.
const eventInterval = 5 * time.Minute

// The announcer's events are about the namespace that the control plane lives in: what they tell is about no object.
const (
	reasonUnknown = "MemoryUnknown"
	reasonKnown   = "MemoryKnown"
	actionDecide  = "Scheduling"
)

// announcer says when requests begin to decide, and when memory does again.
type announcer struct {
	clock    clock.PassiveClock
	recorder events.EventRecorder // nil: no events
	degraded bool
	// told is what the last event said, and when.
	told     bool
	toldTime time.Time
	// faults are those of nodes that were logged, by node.
	faults map[string]string
	// refused is when a reason to refuse samples was seen last.
	refused map[sample.Reason]time.Time
}

// refusals logs why samples were refused that cannot be true of the nodes and pods that there are: a reason that is new, or
// was away for an hour.
func (a *announcer) refusals(logger klog.Logger, snapshot *ledger.Snapshot) {
	now := a.clock.Now()
	for reason, refused := range snapshot.Refused {
		if seen, ok := a.refused[reason]; !ok || now.Sub(seen) > time.Hour {
			logger.Info("Samples were refused, and what they are about is unknown; further ones for this reason are counted only",
				"reason", reason, "count", refused.Count, "example", refused.Example())
		}
		if a.refused == nil {
			a.refused = map[sample.Reason]time.Time{}
		}
		a.refused[reason] = now
	}
}

// problems logs what is wrong with nodes' annotations, once each.
func (a *announcer) problems(logger klog.Logger, snapshot *ledger.Snapshot) {
	var faults map[string]string
	for i := range snapshot.Nodes {
		node := &snapshot.Nodes[i]
		if node.Problem == "" {
			continue
		}
		if faults == nil {
			faults = map[string]string{}
		}
		faults[node.Name] = node.Problem
		if a.faults[node.Name] != node.Problem {
			logger.Error(nil, "A node's annotation is not heeded", "problem", node.Problem)
		}
	}
	a.faults = faults
}

func (a *announcer) follow(logger klog.Logger, snapshot *ledger.Snapshot) {
	if snapshot.Degraded != a.degraded {
		if a.degraded = snapshot.Degraded; a.degraded {
			logger.Info("Too few nodes have a fresh memory sample: requests decide on every node", "notFresh", snapshot.NotFresh, "nodes", snapshot.Supported())
		} else {
			logger.Info("Nodes have fresh memory samples: memory decides", "notFresh", snapshot.NotFresh, "nodes", snapshot.Supported())
		}
	}
	now := a.clock.Now()
	if a.recorder == nil || a.degraded == a.told || (!a.toldTime.IsZero() && now.Sub(a.toldTime) < eventInterval) {
		return
	}
	a.told, a.toldTime = a.degraded, now
	about := &corev1.ObjectReference{APIVersion: "v1", Kind: "Namespace", Name: metav1.NamespaceSystem}
	if a.degraded {
		a.recorder.Eventf(about, nil, corev1.EventTypeWarning, reasonUnknown, actionDecide,
			"%d of %d nodes have no fresh memory sample: requests decide on every node", snapshot.NotFresh, snapshot.Supported())
	} else {
		a.recorder.Eventf(about, nil, corev1.EventTypeNormal, reasonKnown, actionDecide,
			"%d of %d nodes have a fresh memory sample: memory decides again", snapshot.Supported()-snapshot.NotFresh, snapshot.Supported())
	}
}
