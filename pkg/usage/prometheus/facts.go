// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// Facts are what kube-state-metrics says of a pod.
type Facts struct {
	// RequestBytes is the sum of its containers' memory requests: what kube-scheduler counts, but for init containers and
	// overhead. 0 if there are none. Of several figures within the time the highest counts.
	RequestBytes int64
	// OwnerKind and OwnerName are the controller's: the Deployment of a ReplicaSet, the CronJob of a Job. Empty if it has none.
	OwnerKind, OwnerName string
	// QOSClass and PriorityClass are empty where they are not known.
	QOSClass, PriorityClass string
}

// owner is a controller within a namespace.
type owner struct{ namespace, kind, name string }

// Facts asks kube-state-metrics' series for all pods that lived within window before until, whole seconds. A pod that is
// missing is unknown: kube-state-metrics was not scraped, or without honorLabels, so that its labels are its own pod's.
func (s *Source) Facts(ctx context.Context, until time.Time, window time.Duration) (map[types.NamespacedName]Facts, error) {
	facts := map[types.NamespacedName]Facts{}
	owners := map[owner]owner{}
	over := fmt.Sprintf("[%ds]", window/time.Second)
	known := func(take func(facts *Facts, labels map[string]string)) func(map[string]string, float64, string) {
		return func(labels map[string]string, _ float64, _ string) {
			if one, ok := facts[pod(labels)]; ok {
				take(&one, labels)
				facts[pod(labels)] = one
			}
		}
	}
	for _, query := range []struct {
		text string
		take func(labels map[string]string, value float64, text string)
	}{
		{`max by (namespace, pod, priority_class) (max_over_time(kube_pod_info` + over + `))`, func(labels map[string]string, _ float64, _ string) {
			facts[pod(labels)] = Facts{PriorityClass: labels["priority_class"]}
		}},
		{`sum by (namespace, pod) (max by (namespace, pod, container) (max_over_time(kube_pod_container_resource_requests{resource="memory"}` + over + `)))`,
			func(labels map[string]string, value float64, _ string) {
				one, ok := facts[pod(labels)]
				bytes, reason := intake.FromFloat(value)
				if reason != "" { // not zero, but unknown
					delete(facts, pod(labels))
				} else if ok {
					one.RequestBytes = bytes
					facts[pod(labels)] = one
				}
			}},
		{`max by (namespace, pod, qos_class) (max_over_time(kube_pod_status_qos_class` + over + `)) == 1`,
			known(func(facts *Facts, labels map[string]string) { facts.QOSClass = labels["qos_class"] })},
		{`max by (namespace, replicaset, owner_kind, owner_name) (max_over_time(kube_replicaset_owner` + over + `))`, owned(owners, "ReplicaSet", "replicaset")},
		{`max by (namespace, job_name, owner_kind, owner_name) (max_over_time(kube_job_owner` + over + `))`, owned(owners, "Job", "job_name")},
		{`max by (namespace, pod, owner_kind, owner_name) (max_over_time(kube_pod_owner{owner_is_controller="true"}` + over + `))`,
			known(func(facts *Facts, labels map[string]string) {
				of := owner{labels["namespace"], labels["owner_kind"], labels["owner_name"]}
				if above, ok := owners[of]; ok {
					of = above
				}
				facts.OwnerKind, facts.OwnerName = of.kind, of.name
			})},
	} {
		if err := s.ask(ctx, s.patient, url.Values{"query": {query.text}, "time": {strconv.FormatInt(until.Unix(), 10)}}, query.take); err != nil {
			return nil, fmt.Errorf("query for facts of pods (%s): %w", query.text, err)
		}
	}
	return facts, nil
}

// owned notes the owners of objects of a kind, which have none if kube-state-metrics writes "<none>".
func owned(owners map[owner]owner, kind, label string) func(map[string]string, float64, string) {
	return func(labels map[string]string, _ float64, _ string) {
		above := owner{labels["namespace"], labels["owner_kind"], labels["owner_name"]}
		if above.kind != "" && above.kind != "<none>" {
			owners[owner{labels["namespace"], kind, labels[label]}] = above
		}
	}
}
