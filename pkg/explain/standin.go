// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	pluginconfig "sigs.k8s.io/scheduler-plugins/apis/config"
	"sigs.k8s.io/scheduler-plugins/pkg/noderesourcetopology"
	"sigs.k8s.io/scheduler-plugins/pkg/sysched"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/loadvariationriskbalancing"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/lowriskovercommitment"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/peaks"
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/targetloadpacking"
)

// orStandIn returns a factory that makes a stand-in where the plugin cannot be made outside of a pod: those of trimaran ask
// their provider of metrics as soon as they are made, with the account of the pod.
func (s *Scheduler) orStandIn(name string, factory frameworkruntime.PluginFactory) frameworkruntime.PluginFactory {
	makes := !s.options.nobodyAsked
	switch name {
	case targetloadpacking.Name, loadvariationriskbalancing.Name, lowriskovercommitment.Name:
	case peaks.Name:
		makes = false // it reads a file of its pod, and writes to the standard output
	case sysched.Name: // It counts the system calls of all pods, by fields that are not kept of them.
		return func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) {
			s.options.Cluster.LosePlugin(name)
			return standIn(name), nil
		}
	case noderesourcetopology.Name:
		if s.options.nobodyAsked {
			return withoutResync(factory)
		}
		return factory
	default:
		return factory
	}
	return func(ctx context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		if err := loadFault(arguments); err != nil {
			return nil, err
		}
		if makes {
			plugin, err := factory(ctx, arguments, handle)
			if err == nil {
				return plugin, nil
			}
			klog.FromContext(ctx).V(1).Info("A plugin cannot be made here", "plugin", name, "error", err.Error())
		}
		s.options.Cluster.LosePlugin(name)
		return standIn(name), nil
	}
}

// withoutResync makes NodeResourceTopologyMatch without the cache that waits, however long that takes, until it has listed pods
// (sigs.k8s.io/scheduler-plugins pkg/noderesourcetopology/cache: a period above 0).
func withoutResync(factory frameworkruntime.PluginFactory) frameworkruntime.PluginFactory {
	return func(ctx context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		if given, ok := arguments.(*pluginconfig.NodeResourceTopologyMatchArgs); ok {
			changed := given.DeepCopy()
			changed.CacheResyncPeriodSeconds = 0
			arguments = changed
		}
		return factory(ctx, arguments, handle)
	}
}

// loadFault is what the plugins of trimaran find wrong with their arguments (sigs.k8s.io/scheduler-plugins pkg/trimaran), or nil.
func loadFault(arguments runtime.Object) error {
	switch of := arguments.(type) {
	case *pluginconfig.TargetLoadPackingArgs:
		_, err := strconv.ParseFloat(of.DefaultRequestsMultiplier, 64)
		if err != nil {
			err = fmt.Errorf("defaultRequestsMultiplier: %w", err)
		}
		return errors.Join(providerFault(&of.TrimaranSpec), err)
	case *pluginconfig.LoadVariationRiskBalancingArgs:
		return providerFault(&of.TrimaranSpec)
	case *pluginconfig.LowRiskOverCommitmentArgs:
		return providerFault(&of.TrimaranSpec)
	case *pluginconfig.PeaksArgs:
		if of.WatcherAddress == "" {
			return errors.New("WatcherAddress: want the address of a load watcher")
		}
		return nil
	}
	return fmt.Errorf("arguments of type %T", arguments)
}

func providerFault(of *pluginconfig.TrimaranSpec) error {
	switch of.MetricProvider.Type {
	case pluginconfig.KubernetesMetricsServer, pluginconfig.Prometheus, pluginconfig.SignalFx:
		return nil
	}
	if of.WatcherAddress != "" {
		return nil
	}
	return fmt.Errorf("metricProvider.type: %q: want %s, %s or %s", of.MetricProvider.Type,
		pluginconfig.KubernetesMetricsServer, pluginconfig.Prometheus, pluginconfig.SignalFx)
}

// standIn has the name of a score plugin, and no points to give.
type standIn string

var _ fwk.PreScorePlugin = standIn("")
var _ fwk.ScorePlugin = standIn("")

// Name returns that of the plugin that it stands for.
func (name standIn) Name() string { return string(name) }

// PreScore leaves the scores out.
func (standIn) PreScore(context.Context, fwk.CycleState, *corev1.Pod, []fwk.NodeInfo) *fwk.Status {
	return fwk.NewStatus(fwk.Skip)
}

// Score is never asked.
func (standIn) Score(context.Context, fwk.CycleState, *corev1.Pod, fwk.NodeInfo) (int64, *fwk.Status) {
	return 0, nil
}

// ScoreExtensions is nil: there is nothing to normalize.
func (standIn) ScoreExtensions() fwk.ScoreExtensions { return nil }
