// SPDX-License-Identifier: Apache-2.0

package manifest_test

import (
	"strings"
	"testing"

	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

// A sketch need not be complete; what decides where a pod goes has to be what the API server takes.
func TestReadRefusesWhatTheAPIServerWould(t *testing.T) {
	for _, test := range []struct{ name, spec, want string }{
		{"no image", "containers: [{name: main}]", ""},
		{"no name", "containers: [{resources: {requests: {memory: 1Gi}}}]", ""},
		{"a request below 0", "containers: [{name: main, resources: {requests: {memory: -1Gi}}}]", "spec.containers[0].resources.requests[memory]: Invalid value: \"-1Gi\""},
		{"a request above the limit", "containers: [{name: main, resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}}]",
			"spec.containers[0].resources.requests: Invalid value: \"2Gi\": must be less than or equal to memory limit of 1Gi"},
		{"of an init container", "initContainers: [{name: first, resources: {requests: {cpu: -1}}}], containers: [{name: main}]", "spec.initContainers[0].resources.requests[cpu]"},
		{"a toleration", "tolerations: [{key: a, operator: Exists, value: b}], containers: [{name: main}]", "spec.tolerations[0].operator: Invalid value"},
		{"an operator", "containers: [{name: main}], affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: " +
			"[{matchExpressions: [{key: a, operator: in, values: [b]}]}]}}}", "matchExpressions[0].operator: Invalid value: \"in\": not a valid selector operator"},
		{"a skew", "topologySpreadConstraints: [{topologyKey: zone, maxSkew: 0, whenUnsatisfiable: DoNotSchedule}], containers: [{name: main}]", "spec.topologySpreadConstraints[0].maxSkew"},
		{"pod-level resources below those of containers", "resources: {requests: {memory: 1Gi}}, containers: [{name: main, resources: {requests: {memory: 2Gi}}}]", "spec.resources.requests[memory]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := manifest.Read([]byte("apiVersion: v1\nkind: Pod\nspec: {"+test.spec+"}\n"), "default")
			if test.want == "" && err == nil {
				return
			}
			if test.want == "" || err == nil || !strings.Contains(err.Error(), "the API server refuses it: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
	if _, err := manifest.Read([]byte("apiVersion: v1\nkind: Pod\nmetadata: {labels: {app: a b}}\nspec: {containers: [{name: main}]}\n"), "default"); err == nil || !strings.Contains(err.Error(), "labels: Invalid value") {
		t.Errorf("error %v, want one of the label", err)
	}
}
