// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// SetDefaults_HeadroomMemoryArgs fills in every field that is not set.
func SetDefaults_HeadroomMemoryArgs(args *HeadroomMemoryArgs) { //nolint:revive // the name defaulter-gen looks for
	if args.Filter == "" {
		args.Filter = FilterMode(config.FilterHard)
	}
	if args.Strategy == "" {
		args.Strategy = Strategy(config.StrategySpread)
	}
	// What is expected of a day is exceeded on some: the rest is for that.
	setDefault(&args.PackPercent, 75)
	// metrics-server's shipped resolution is 15s: asking more often shows nothing new.
	setDefault(&args.RefreshInterval, metav1.Duration{Duration: 15 * time.Second})
	// A sample of metrics.k8s.io is 15-45s old in normal life at that resolution, and up to 90s at the code default of
	// 60s: past that, the source is not delivering.
	setDefault(&args.FreshFor, metav1.Duration{Duration: 90 * time.Second})
	setDefault(&args.MaxNotFreshPercent, 50)
	setDefault(&args.WarmUp, metav1.Duration{Duration: time.Minute})
	// k8s.io/kubernetes pkg/kubelet/eviction/defaults_linux.go:23.
	setDefault(&args.AssumedEvictionHard, resource.MustParse("100Mi"))
	setDefault(&args.Reserve, resource.MustParse("0"))
	setDefault(&args.ReservePercent, 0)
	// As long as a node that was under pressure once is likely to be again: twice the kubelet's pressure transition period
	// (k8s.io/kubernetes pkg/kubelet/apis/config/v1beta1/defaults.go:235).
	setDefault(&args.Cooldown, metav1.Duration{Duration: 10 * time.Minute})
	setDefault(&args.MaxStallPercent, 20)
	if args.Source.Type == "" {
		args.Source.Type = SourceType(config.SourceMetricsAPI)
	}
	if source := args.Source.Prometheus; source != nil {
		// A peak of three days ago counts an eighth.
		setDefault(&source.History.Period, metav1.Duration{Duration: 72 * time.Hour})
	}
	setDefault(&args.LimitPriorPercent, 50)
	// k8s.io/kubernetes pkg/scheduler/util/pod_resources.go:31.
	setDefault(&args.DefaultContainerPeak, resource.MustParse("200Mi"))
	setDefault(&args.Checkpoint.Enabled, true)
	if args.Checkpoint.Name == "" {
		args.Checkpoint.Name = "headroom-forecast"
	}
	// What is lost with a replica that dies, at most, of days that were learned; and no load for the API server.
	setDefault(&args.Checkpoint.Interval, metav1.Duration{Duration: 5 * time.Minute})
}

func setDefault[T any](field **T, value T) {
	if *field == nil {
		*field = new(value)
	}
}
