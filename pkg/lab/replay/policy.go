// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"context"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/loadvariationriskbalancing"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/lowriskovercommitment"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/peaks"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/targetloadpacking"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/registry"
)

// Policy is a way to place pods.
type Policy struct {
	Name string
	// configuration is a KubeSchedulerConfiguration with one profile.
	configuration string
	// change makes another profile of it, for an ablation.
	change func(*schedulerconfig.KubeSchedulerProfile)
	// unlearned is what is not learned of workloads, neither before the run, as from Prometheus, nor in it; for an ablation.
	unlearned forecast.Part
	judge     judge // of a peer
	// clairvoyant looks into the future, and bound is no policy but an estimate of what has to go whatever the placement.
	clairvoyant, bound bool
}

const (
	header = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
  - schedulerName: default-scheduler
`
	// mostAllocated is the packing that Kubernetes documents.
	mostAllocated = header + `    pluginConfig:
      - name: NodeResourcesFit
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

// Policies returns all policies that are compared. Those of Headroom run the shipped configurations.
func Policies() []Policy {
	return []Policy{
		headroomPolicy(),
		{Name: "headroom-pack", configuration: string(shipped.PackConfig)},
		{Name: "least-allocated", configuration: header},
		{Name: "most-allocated", configuration: mostAllocated},
		{Name: "load-variation", configuration: withPeer, judge: loadVariationJudge{margin: defaultMargin}},
		{Name: "low-risk", configuration: withPeer, judge: lowRiskJudge{limitWeight: defaultLimitWeight}},
		{Name: "target-load-memory", configuration: withPeer, judge: targetLoadJudge{target: defaultTarget}},
		{Name: "koordinator-like", configuration: withPeer, judge: koordinatorDefault()},
		{Name: "crane-like", configuration: withPeer, judge: craneDefault()},
		{Name: "clairvoyant", configuration: withPeer, clairvoyant: true},
		{Name: "bound", bound: true},
	}
}

// headroomPolicy is Headroom as it is shipped.
func headroomPolicy() Policy {
	return Policy{Name: "headroom", configuration: string(shipped.SchedulerConfig)}
}

// Named returns all policies that have a name, those that are compared before the ablations and the tuned peers.
func Named() []Policy { return slices.Concat(Policies(), Ablations()[1:], Tuned()) }

// PolicyNamed returns the policy of that name.
func PolicyNamed(name string) (Policy, error) {
	var names []string
	for _, policy := range Named() {
		if policy.Name == name {
			return policy, nil
		}
		names = append(names, policy.Name)
	}
	return Policy{}, fmt.Errorf("policy %q is not one of %v", name, names)
}

// PolicyOf is a policy of the user's: a KubeSchedulerConfiguration with one profile. What pods held before a run is known to
// its HeadroomMemory, if it has that.
func PolicyOf(name, configuration string) Policy {
	return Policy{Name: name, configuration: configuration}
}

// Check makes the policy's scheduler, with all its plugins, and gives it nothing to do: what a replay cannot play is told before
// anything is played.
func (p *Policy) Check(ctx context.Context) error {
	if p.bound {
		return nil
	}
	profile, err := p.profile()
	if err != nil {
		return err
	}
	plugins := table(memory.NewStill().New)
	plugins[peerName] = newPeer(nil, p.judge)
	scheduler, err := newScheduler(ctx, profile, plugins, nil, 1)
	if err != nil {
		return fmt.Errorf("policy %s: %w", p.Name, err)
	}
	scheduler.close()
	return nil
}

// table is that of the plugins that are not in-tree, without those that would ask a metrics server.
func table(newMemory frameworkruntime.PluginFactory) frameworkruntime.Registry {
	plugins := registry.Plugins(newMemory)
	for _, name := range []string{loadvariationriskbalancing.Name, lowriskovercommitment.Name, peaks.Name, targetloadpacking.Name} {
		plugins[name] = func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
			return nil, fmt.Errorf("%s asks a metrics server, which a replay has not: play load-variation, low-risk or target-load-memory instead", name)
		}
	}
	return plugins
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
	if p.change != nil {
		p.change(profile)
	}
	// A trace has no resource claims, and the plugin would need a manager of them.
	profile.Plugins.MultiPoint.Enabled = slices.DeleteFunc(profile.Plugins.MultiPoint.Enabled, func(plugin schedulerconfig.Plugin) bool {
		return plugin.Name == names.DynamicResources
	})
	return profile, nil
}
