// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"strings"
	"time"
)

// SourceRevision: no pod of the workload was seen yet, and this is what pods of an earlier revision of it held at most, with a
// margin.
const SourceRevision Source = "earlier revision"

// revisions returns what the workload is a revision of: its owner without what tells revisions apart. A Deployment's ReplicaSets
// are named after it and the hash of their template (k8s.io/kubernetes pkg/controller/deployment/sync.go). ok is false for a pod
// without an owner.
func (w Workload) revisions() (all Workload, ok bool) {
	if w.Owner == "" {
		return Workload{}, false
	}
	return Workload{Namespace: w.Namespace, Kind: w.Kind, Owner: strings.TrimSuffix(w.Owner, "-"+w.Template)}, true
}

// begin returns what is known of a workload of which no pod was seen before: what was learned of its last revision, for a new one
// mostly holds alike.
func (l *Learner) begin(workload Workload, at time.Time) *learned {
	made := &learned{}
	if all, ok := workload.revisions(); ok {
		if last := l.workloads[l.latest[all]]; last != nil {
			made.hourly, made.warm = last.hourly, last.warm
			made.hourly.pause(last.seen, at)
			made.inherit(last.hour, l.now)
		}
		l.latest[all] = workload
	}
	l.workloads[workload], l.unindexed = made, true
	return made
}

// follows makes the workload the latest revision if none was seen after it.
func (l *Learner) follows(workload Workload, seen time.Time) {
	all, ok := workload.revisions()
	if !ok {
		return
	}
	if last := l.workloads[l.latest[all]]; last == nil || seen.After(last.seen) {
		l.latest[all] = workload
	}
}

// indexRevisions adds the latest revision of each owner to what is published, under the owner.
func (l *Learner) indexRevisions(published estimates) {
	for all, workload := range l.latest {
		if known := published[workload]; known != nil {
			published[all] = known
		} else {
			delete(l.latest, all)
		}
	}
}
