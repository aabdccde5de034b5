// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	qoshelper "k8s.io/kubernetes/pkg/apis/core/v1/helper/qos"
	"k8s.io/kubernetes/pkg/apis/scheduling"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// FilterAnnotation is the pod annotation that says what the Filter may do for the pod, whatever the arguments say: Hard,
// Soft or Off.
const FilterAnnotation = "headroom.dev/memory-filter"

// modes says what the Filter may do for which pod.
type modes struct {
	filter     config.FilterMode
	byQOSClass map[corev1.PodQOSClass]config.FilterMode
	// daemonSets and critical: for such pods too.
	daemonSets, critical bool
}

// of returns the mode for a pod: its own wish before its exemption, that before its QoS class, that before the filter. An
// annotation of the pod that cannot be read is an error; so is that of its peak.
func (m *modes) of(pod *corev1.Pod) (config.FilterMode, error) {
	if len(pod.Annotations) > 0 {
		if err := CheckAnnotations(pod); err != nil {
			return "", err
		}
		if wish, ok := pod.Annotations[FilterAnnotation]; ok {
			return config.FilterMode(wish), nil
		}
	}
	if !m.daemonSets && ownedByDaemonSet(pod) {
		return config.FilterOff, nil
	}
	if !m.critical && pod.Spec.Priority != nil && *pod.Spec.Priority >= scheduling.SystemCriticalPriority {
		return config.FilterOff, nil
	}
	if len(m.byQOSClass) > 0 {
		if mode, ok := m.byQOSClass[qoshelper.GetPodQOS(pod)]; ok {
			return mode, nil
		}
	}
	return m.filter, nil
}

// CheckAnnotations returns why an annotation by which the pod asks something of the plugin cannot be read: an error that names it and what
// is expected. nil if all can.
func CheckAnnotations(pod *corev1.Pod) error {
	if _, _, err := forecast.DeclaredPeak(pod); err != nil {
		return err
	}
	wish, ok := pod.Annotations[FilterAnnotation]
	if modes := config.FilterModes(); ok && !slices.Contains(modes, config.FilterMode(wish)) {
		return fmt.Errorf("annotation %s: %.40q is not one of %v", FilterAnnotation, wish, modes)
	}
	return nil
}

// modeFor is the mode for a pod, or why it is not known. A shadow rejects nobody for that.
func (pl *Memory) modeFor(pod *corev1.Pod) (config.FilterMode, error) {
	mode, err := pl.modes.of(pod)
	if err != nil && pl.shadow {
		return config.FilterOff, nil
	}
	return mode, err
}

func ownedByDaemonSet(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	return owner != nil && owner.Kind == "DaemonSet"
}
