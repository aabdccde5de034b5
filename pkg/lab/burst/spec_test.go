// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"strings"
	"testing"
)

func TestParseSpecNamesTheFieldThatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"unknown field", "watch: 180s", "length: 180s", `unknown field "length"`},
		{"scrapes too often", "metricsResolution: 60s", "metricsResolution: 5s", "metricsResolution: Invalid value: \"5s\": must be at least 10s"},
		{"no scrape", "settledScrapes: 2", "settledScrapes: 0", "settledScrapes: Invalid value: 0: must be at least 1"},
		{"samples that never get so old", "sampleAge: 30s", "sampleAge: 60s", "sampleAge"},
		{"no time", "watch: 180s", "watch: 0s", "watch: Invalid value: \"0s\": must be at least 1s"},
		{"pressure", "pressureTransition: 5m", "pressureTransition: -5m", "pressureTransition"},
		{"jitter", "jitter: 0.05", "jitter: 1", "jitter"},
		{"no nodes", "count: 50", "count: 0", "nodes.count"},
		{"load for more nodes than there are", "name: cache, nodes: 10", "name: cache, nodes: 11", "base: Invalid value: 51: the sum of nodes must be at most nodes.count, 50"},
		{"load of no pods", "nodes: 8, podsPerNode: 1", "nodes: 8, podsPerNode: 0", "base[3].podsPerNode"},
		{"load of a bad name", "name: service", "name: Service", "base[1].name"},
		{"one name twice", "name: new", "name: cache", "burst.groups[1].name: Duplicate value: \"cache\""},
		{"limit below the request", "request: 1Gi, limit: 2Gi", "request: 1Gi, limit: 1000Mi", "base[1].limit"},
		{"use above the limit", "to: 120Mi", "to: 250Mi", "base[3].use.to"},
		{"use the wrong way round", "from: 600Mi", "from: 1300Mi", "base[1].use.to"},
		{"start", "start: 0.5", "start: 1.5", "burst.start"},
		{"growth", "over: 60s", "over: 0s", "burst.over"},
		{"workloads", "workloads: 25", "workloads: 0", "burst.groups[0].workloads"},
		{"siblings", "siblings: 2", "siblings: -1", "burst.groups[0].siblings"},
		{"no pods", "pods: 10", "pods: 0", "burst.groups[0].pods"},
		{"no request", "request: {from: 96Mi", "request: {from: 0", "burst.groups[0].request.from"},
		{"limit is request", "limitFactor: 4", "limitFactor: 1", "burst.groups[0].limitFactor: Invalid value: 1: must be more than 1"},
		{"peak above the limit", "peak: {from: 0.2, to: 0.95}", "peak: {from: 0.2, to: 1.1}", "burst.groups[0].peak"},
		{"no groups", "groups:\n", "groups: []\nignored:\n", "unknown field \"ignored\""},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(string(DefaultSpec), test.old, test.new, 1)
			if text == string(DefaultSpec) {
				t.Fatalf("%q is not in the spec", test.old)
			}
			if _, err := ParseSpec([]byte(text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that says %q", err, test.want)
			}
		})
	}
}
