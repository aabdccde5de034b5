// SPDX-License-Identifier: Apache-2.0

package validation_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	_ "github.com/headroom-dev/headroom/pkg/apis/config/scheme"
	"github.com/headroom-dev/headroom/pkg/apis/config/validation"
)

// decode reads a configuration as kube-scheduler does, with the given arguments of HeadroomMemory.
func decode(t *testing.T, arguments string) (*config.HeadroomMemoryArgs, error) {
	t.Helper()
	text := "apiVersion: " + configv1.SchemeGroupVersion.String() + `
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: headroom-scheduler
  pluginConfig:
  - name: HeadroomMemory
    args: {` + arguments + `}
`
	object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode([]byte(text), nil, nil)
	if err != nil {
		return nil, err
	}
	for _, plugin := range object.(*schedulerconfig.KubeSchedulerConfiguration).Profiles[0].PluginConfig {
		if plugin.Name == "HeadroomMemory" {
			return plugin.Args.(*config.HeadroomMemoryArgs), nil
		}
	}
	t.Fatal("the arguments are not in the configuration")
	return nil, nil
}

func TestDefaultsAreValid(t *testing.T) {
	args, err := decode(t, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := validation.ValidateHeadroomMemoryArgs(nil, args); err != nil {
		t.Errorf("the defaults are invalid: %v", err)
	}
	if args.Filter != config.FilterHard || args.Strategy != config.StrategySpread || args.PackPercent != 75 || args.RefreshInterval.Duration != 15*time.Second || args.FreshFor.Duration != 90*time.Second ||
		args.MaxNotFreshPercent != 50 || args.WarmUp.Duration != time.Minute || args.LimitPriorPercent != 50 ||
		args.AssumedEvictionHard.Cmp(resource.MustParse("100Mi")) != 0 || args.DefaultContainerPeak.Cmp(resource.MustParse("200Mi")) != 0 || !args.Reserve.IsZero() ||
		args.Checkpoint != (config.ForecastCheckpoint{Enabled: true, Name: "headroom-forecast", Interval: metav1.Duration{Duration: 5 * time.Minute}}) {
		t.Errorf("defaults = %+v", args)
	}
}

func TestWhatIsValid(t *testing.T) {
	for _, test := range []struct{ name, arguments string }{
		{"a token over TLS", `source: {type: Prometheus, prometheus: {address: "https://p", bearerTokenFile: /t}}`},
		{"no credentials without TLS", `source: {type: Prometheus, prometheus: {address: "http://p:9090"}}`},
		{"a token without encryption, as is said", `source: {type: Prometheus, prometheus: {address: "http://p", bearerTokenFile: /t, insecureSkipVerify: true}}`},
		{"freshFor of two refreshIntervals", "freshFor: 30s, refreshInterval: 15s"},
		{"as much memory as may be", "reserve: 64Pi, assumedEvictionHard: 64Pi, defaultContainerPeak: 64Pi"},
		{"the shortest history", `source: {type: Prometheus, prometheus: {address: "https://p", history: {period: 1h}}}`},
		{"the longest history", `source: {type: Prometheus, prometheus: {address: "https://p", history: {period: 168h}}}`},
		{"no history", `source: {type: Prometheus, prometheus: {address: "https://p", history: {period: 0s}}}`},
		{"as many kubelets at once as by default", "source: {type: Kubelet, kubelet: {maxConcurrent: 0}}"},
		{"a checkpoint as often as may be", "checkpoint: {interval: 10s}"},
		{"a label", `source: {type: Prometheus, prometheus: {address: "https://p", nodeLabel: _Node_1}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			args, err := decode(t, test.arguments)
			if err != nil {
				t.Fatal(err)
			}
			if err := validation.ValidateHeadroomMemoryArgs(nil, args); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestZeroIsNotTakenForUnset(t *testing.T) {
	args, err := decode(t, `assumedEvictionHard: "0", limitPriorPercent: 0, warmUp: 0s, checkpoint: {enabled: false, interval: 0s}`)
	if err != nil {
		t.Fatal(err)
	}
	if !args.AssumedEvictionHard.IsZero() || args.LimitPriorPercent != 0 || args.WarmUp.Duration != 0 || args.Checkpoint.Enabled {
		t.Errorf("args = %+v, want the zeros that were written", args)
	}
}

func TestFaultsNameTheField(t *testing.T) {
	for _, test := range []struct{ name, arguments, want string }{
		{"unknown field", "filtre: Hard", `unknown field "filtre"`},
		{"filter", "filter: Softly", "args.filter"},
		{"strategy", "strategy: Heap", "args.strategy"},
		{"pack, too little", "packPercent: 0", "args.packPercent"},
		{"pack, too much", "packPercent: 101", "args.packPercent"},
		{"filter of a class", "filterByQOSClass: {BestEffort: Softly}", "args.filterByQOSClass[BestEffort]"},
		{"a class", "filterByQOSClass: {Bursty: Soft}", "args.filterByQOSClass[Bursty]"},
		{"cooldown", "cooldown: -1s", "args.cooldown"},
		{"reservePercent", "reservePercent: 101", "args.reservePercent"},
		{"maxStallPercent", "maxStallPercent: -1", "args.maxStallPercent"},
		{"source", "source: {type: Influx}", "args.source.type"},
		{"no address", "source: {type: Prometheus}", "args.source.prometheus"},
		{"an address that is none", "source: {type: Prometheus, prometheus: {address: prometheus}}", "args.source.prometheus.address"},
		{"an address with a password", `source: {type: Prometheus, prometheus: {address: "https://me:secret@prometheus"}}`, "args.source.prometheus.address"},
		{"a user without a password", `source: {type: Prometheus, prometheus: {address: "https://p", username: me}}`, "args.source.prometheus.passwordFile"},
		{"a password without a user", `source: {type: Prometheus, prometheus: {address: "https://p", passwordFile: /p}}`, "args.source.prometheus.passwordFile"},
		{"token and user", `source: {type: Prometheus, prometheus: {address: "https://p", bearerTokenFile: /t, username: me, passwordFile: /p}}`, "args.source.prometheus.username"},
		{"a token without encryption", `source: {type: Prometheus, prometheus: {address: "http://p", bearerTokenFile: /t}}`, "args.source.prometheus.address: Invalid value: must be https"},
		{"a password without encryption", `source: {type: Prometheus, prometheus: {address: "http://p", username: me, passwordFile: /p}}`, "args.source.prometheus.address: Invalid value: must be https"},
		{"a label of Kubernetes", `source: {type: Prometheus, prometheus: {address: "https://p", nodeLabel: kubernetes.io/hostname}}`, "args.source.prometheus.nodeLabel"},
		{"a label with a digit first", `source: {type: Prometheus, prometheus: {address: "https://p", nodeLabel: 1st}}`, "args.source.prometheus.nodeLabel"},
		{"a query without times", `source: {type: Prometheus, prometheus: {address: "https://p", nodes: {bytes: up}}}`, "args.source.prometheus.nodes"},
		{"a history of months", `source: {type: Prometheus, prometheus: {address: "https://p", history: {period: 1000h}}}`, "args.source.prometheus.history.period"},
		{"a history of minutes", `source: {type: Prometheus, prometheus: {address: "https://p", history: {period: 5m}}}`, "args.source.prometheus.history.period"},
		{"a history without a range", `source: {type: Prometheus, prometheus: {address: "https://p", history: {peaks: max(up)}}}`, "args.source.prometheus.history.peaks"},
		{"a Prometheus that is not asked", `source: {prometheus: {address: "https://p"}}`, "args.source.prometheus"},
		{"an authority that verifies nothing", `source: {kubelet: {caFile: /ca, insecureSkipVerify: true}}`, "args.source.kubelet.caFile"},
		{"maxConcurrent", "source: {kubelet: {maxConcurrent: -1}}", "args.source.kubelet.maxConcurrent"},
		{"a ConfigMap that no name is", "checkpoint: {name: What I know}", "args.checkpoint.name"},
		{"a namespace that no name is", "checkpoint: {namespace: a.b}", "args.checkpoint.namespace"},
		{"a checkpoint at every turn", "checkpoint: {interval: 1s}", "args.checkpoint.interval"},
		{"refreshInterval", "refreshInterval: 10ms", "args.refreshInterval"},
		{"freshFor", "freshFor: 5s", "args.freshFor"},
		{"freshFor of one refreshInterval", "freshFor: 15s, refreshInterval: 15s", "args.freshFor"},
		{"freshFor, by a second", "freshFor: 29s, refreshInterval: 15s", "args.freshFor"},
		{"warmUp", "warmUp: -1s", "args.warmUp"},
		{"maxNotFreshPercent", "maxNotFreshPercent: 101", "args.maxNotFreshPercent"},
		{"limitPriorPercent", "limitPriorPercent: -1", "args.limitPriorPercent"},
		{"assumedEvictionHard", `assumedEvictionHard: "-1"`, "args.assumedEvictionHard"},
		{"reserve", `reserve: "-1"`, "args.reserve"},
		{"defaultContainerPeak", `defaultContainerPeak: "-1"`, "args.defaultContainerPeak"},
		{"assumedEvictionHard, beyond an int64", "assumedEvictionHard: 9Ei", "must be at most 64Pi"},
		{"reserve, beyond an int64", "reserve: 20E", "args.reserve"},
		{"defaultContainerPeak, beyond an int64", "defaultContainerPeak: 1e30", "args.defaultContainerPeak"},
		{"reserve, by a byte", `reserve: "72057594037927937"`, "args.reserve"},
		{"not a quantity", "reserve: many", "quantities must match"},
	} {
		t.Run(test.name, func(t *testing.T) {
			args, err := decode(t, test.arguments)
			if err == nil {
				err = validation.ValidateHeadroomMemoryArgs(field.NewPath("args"), args)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("error = %v, which tells a password", err)
			}
		})
	}
}
