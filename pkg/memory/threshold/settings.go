// SPDX-License-Identifier: Apache-2.0

package threshold

import (
	"fmt"
	"slices"
	"time"

	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
)

// Settings is what is known of one kubelet's configuration for memory.
type Settings struct {
	// EvictionHard is the hard threshold of memory.available, and EvictionHardOrigin where that is known from.
	EvictionHard       Amount
	EvictionHardOrigin Origin
	// PodsEvictionHard is a hard threshold of allocatableMemory.available that was configured by that name. The usual one
	// is none of it: the kubelet makes it from EvictionHard when EnforcesPods is true.
	PodsEvictionHard Amount
	// EnforcesPods reports whether enforceNodeAllocatable contains "pods": only then are the pods together limited, and
	// only then is there a second signal.
	EnforcesPods bool
	// MinimumReclaim is what must be available beyond a threshold before the kubelet stops evicting, once it was met.
	MinimumReclaim Amount
	// Soft is the soft threshold of memory.available. MemoryPressure is true as soon as it is crossed; pods are evicted
	// when that has lasted for SoftGrace.
	Soft      Amount
	SoftGrace time.Duration
	// Reserved is nil where it is not known. It tells whether allocatable has the threshold taken off.
	Reserved *Reservations
}

// Reservations is memory that the kubelet keeps from pods, in bytes.
type Reservations struct {
	// Kube of kubeReserved, System of systemReserved.
	Kube, System int64
}

// podsEnforcement is the word in enforceNodeAllocatable (k8s.io/kubernetes pkg/kubelet/types/constants.go).
const podsEnforcement = "pods"

// SettingsOf reads the configuration that a kubelet runs with, as its /configz returns it. There, what is missing is missing:
// the kubelet has put in the default of evictionHard, merged or not, before it shows its configuration
// (k8s.io/kubernetes cmd/kubelet/app/server.go:469-480), so a configuration without memory.available is one of a kubelet that
// does not evict for memory. The file that a kubelet is started with says less; do not read that. An error names the field.
//
// evictionPressureTransitionPeriod is not read: the node's condition says when pressure is over.
func SettingsOf(configuration *kubeletconfigv1beta1.KubeletConfiguration) (Settings, error) {
	settings := Settings{
		EvictionHardOrigin: OriginConfigz,
		EnforcesPods:       slices.Contains(configuration.EnforceNodeAllocatable, podsEnforcement),
		Reserved:           &Reservations{},
	}
	for _, field := range []struct {
		name   string
		signal Signal
		values map[string]string
		parse  func(string) (Amount, error)
		target *Amount
	}{
		{"evictionHard", SignalNode, configuration.EvictionHard, parseThreshold, &settings.EvictionHard},
		{"evictionHard", SignalPods, configuration.EvictionHard, parseThreshold, &settings.PodsEvictionHard},
		{"evictionSoft", SignalNode, configuration.EvictionSoft, parseThreshold, &settings.Soft},
		{"evictionMinimumReclaim", SignalNode, configuration.EvictionMinimumReclaim, parseMinimumReclaim, &settings.MinimumReclaim},
	} {
		text, ok := field.values[string(field.signal)]
		if !ok {
			continue
		}
		amount, err := field.parse(text)
		if err != nil {
			return Settings{}, fmt.Errorf("kubelet configuration: %s[%s]: %q %w", field.name, field.signal, text, err)
		}
		*field.target = amount
	}
	if !settings.Soft.None() {
		grace, err := softGrace(configuration.EvictionSoftGracePeriod)
		if err != nil {
			return Settings{}, err
		}
		settings.SoftGrace = grace
	}
	var err error
	if settings.Reserved.Kube, err = reservation("kubeReserved", configuration.KubeReserved); err != nil {
		return Settings{}, err
	}
	if settings.Reserved.System, err = reservation("systemReserved", configuration.SystemReserved); err != nil {
		return Settings{}, err
	}
	return settings, nil
}

// softGrace reads the time for which the soft threshold must be crossed. The kubelet does not start without it
// (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:147-154).
func softGrace(periods map[string]string) (time.Duration, error) {
	text, ok := periods[string(SignalNode)]
	if !ok {
		return 0, fmt.Errorf("kubelet configuration: evictionSoftGracePeriod[%s] is missing, and evictionSoft has that signal", SignalNode)
	}
	grace, err := time.ParseDuration(text)
	if err != nil || grace < 0 {
		return 0, fmt.Errorf("kubelet configuration: evictionSoftGracePeriod[%s]: %q is no duration such as 1m30s", SignalNode, text)
	}
	return grace, nil
}

// reservation reads the memory of kubeReserved or systemReserved, 0 when nothing is reserved.
func reservation(field string, values map[string]string) (int64, error) {
	text, ok := values["memory"]
	if !ok {
		return 0, nil
	}
	bytes, err := parseQuantity(text)
	if err != nil {
		return 0, fmt.Errorf("kubelet configuration: %s[memory]: %q is no quantity such as 1Gi", field, text)
	}
	return bytes, nil
}
