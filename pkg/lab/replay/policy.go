// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"slices"
	"strings"

	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"

	shipped "github.com/headroom-dev/headroom/config"
	_ "github.com/headroom-dev/headroom/pkg/plugins/registry" // arguments of the plugins
)

// Policy is a way to place pods.
type Policy struct {
	Name string
	// configuration is a KubeSchedulerConfiguration with one profile.
	configuration string
	// history: what pods held before the run is known, as from Prometheus.
	history bool
	judge   judge // of a peer
	// clairvoyant looks into the future, and bound is no policy but what no policy can beat.
	clairvoyant, bound bool
}

const (
	header = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - schedulerName: default-scheduler
`
	// mostAllocated is the packing that Kubernetes documents.
	mostAllocated     = header + "    pluginConfig:\n" + mostAllocatedArgs
	mostAllocatedArgs = `      - name: NodeResourcesFit
        args:
          scoringStrategy:
            type: MostAllocated
            resources: [{name: cpu, weight: 1}, {name: memory, weight: 1}]
`
	// withPeer is how Trimaran's plugins are meant to be configured: without the scores that they contradict
	// (scheduler-plugins manifests/loadvariationriskbalancing).
	withPeer = header + `    plugins:
      multiPoint:
        enabled: [{name: ReplayPeer, weight: 1}]
      score:
        disabled: [{name: NodeResourcesFit}, {name: NodeResourcesBalancedAllocation}]
`
)

// Policies returns all policies. Those of Headroom run the shipped configuration.
func Policies() []Policy {
	return []Policy{
		{Name: "headroom", configuration: string(shipped.SchedulerConfig), history: true},
		{Name: "headroom-pack", configuration: packing(string(shipped.SchedulerConfig)), history: true},
		{Name: "least-allocated", configuration: header},
		{Name: "most-allocated", configuration: mostAllocated},
		{Name: "load-variation", configuration: withPeer, judge: loadVariationJudge{}},
		{Name: "low-risk", configuration: withPeer, judge: lowRiskJudge{}},
		{Name: "target-load-memory", configuration: withPeer, judge: targetLoadJudge{}},
		{Name: "koordinator-like", configuration: withPeer, judge: koordinatorJudge{}},
		{Name: "crane-like", configuration: withPeer, judge: craneJudge{}},
		{Name: "clairvoyant", configuration: withPeer, clairvoyant: true},
		{Name: "bound", bound: true},
	}
}

// packing returns the shipped configuration with the strategy Pack, and the packing of requests that goes with it.
func packing(configuration string) string {
	configuration = strings.Replace(configuration, "          filter: Hard\n", "          filter: Hard\n          strategy: Pack\n", 1)
	return configuration + mostAllocatedArgs
}

// PolicyNamed returns the policy of that name.
func PolicyNamed(name string) (Policy, error) {
	var names []string
	for _, policy := range Policies() {
		if policy.Name == name {
			return policy, nil
		}
		names = append(names, policy.Name)
	}
	return Policy{}, fmt.Errorf("policy %q is not one of %v", name, names)
}

// profile decodes the policy's configuration as kube-scheduler does, defaults and plugin arguments included.
func (p *Policy) profile() (*schedulerconfig.KubeSchedulerProfile, error) {
	object, _, err := scheme.Codecs.UniversalDecoder().Decode([]byte(p.configuration), nil, nil)
	if err != nil {
		return nil, fmt.Errorf("policy %s: configuration: %w", p.Name, err)
	}
	configuration, ok := object.(*schedulerconfig.KubeSchedulerConfiguration)
	if !ok || len(configuration.Profiles) != 1 {
		return nil, fmt.Errorf("policy %s: a configuration of one profile is expected", p.Name)
	}
	profile := &configuration.Profiles[0]
	// A trace has no resource claims, and the plugin would need a manager of them.
	profile.Plugins.MultiPoint.Enabled = slices.DeleteFunc(profile.Plugins.MultiPoint.Enabled, func(plugin schedulerconfig.Plugin) bool {
		return plugin.Name == names.DynamicResources
	})
	return profile, nil
}
