// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"runtime"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	kubeleteviction "k8s.io/kubernetes/pkg/kubelet/eviction"
	"k8s.io/kubernetes/pkg/kubelet/qos"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

func TestOOMScoresAreTheKubelets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pod := drawPod(t, "pod")
		capacity := rapid.Int64Range(100, 100_000).Draw(t, "capacity") * mi
		containers := append(append([]corev1.Container(nil), pod.Spec.InitContainers...), pod.Spec.Containers...)
		for i := range containers {
			want := int64(qos.GetContainerOOMScoreAdjust(pod, &containers[i], capacity))
			if got := eviction.OOMScoreAdjust(pod, containers[i].Name, capacity); got != want {
				t.Fatalf("oom_score_adj of %s is %d, the kubelet's %d", containers[i].Name, got, want)
			}
		}
	})
}

func TestPodLimitsAreTheKubelets(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the kubelet has no cgroups here")
	}
	rapid.Check(t, func(t *rapid.T) {
		pod := drawPod(t, "pod")
		var want, got int64
		if memory := cm.ResourceConfigForPod(pod, true, 100_000, false, "").Memory; memory != nil {
			want = *memory
		}
		for _, domain := range eviction.DomainsOf(pod) {
			if domain.Kind == eviction.DomainPod {
				got = domain.LimitBytes
			}
		}
		if got != want {
			t.Fatalf("the pod's limit is %d, the kubelet's %d", got, want)
		}
	})
}

// TestThresholdsReadAsTheKubeletReadsThem draws strings that are nearly amounts.
func TestThresholdsReadAsTheKubeletReadsThem(t *testing.T) {
	parts := rapid.SampledFrom([]string{"0", "1", "5", "10", "99", "100", "101", "-", "+", ".", "Mi", "Gi", "M", "m", "Ei", "%", "%%", " ", "x"})
	text := rapid.Map(rapid.SliceOfN(parts, 0, 4), func(parts []string) string { return strings.Join(parts, "") })
	rapid.Check(t, func(t *rapid.T) {
		signal := string(threshold.SignalNode)
		hard, reclaim := map[string]string{signal: text.Draw(t, "threshold")}, map[string]string{signal: text.Draw(t, "reclaim")}
		if rapid.Bool().Draw(t, "without reclaim") {
			reclaim = nil
		}
		thresholds, wantErr := kubeleteviction.ParseThresholdConfig([]string{"pods"}, hard, nil, nil, reclaim)
		settings, err := threshold.SettingsOf(&kubeletconfigv1beta1.KubeletConfiguration{
			EvictionHard: hard, EvictionMinimumReclaim: reclaim, EnforceNodeAllocatable: []string{"pods"},
		})
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("threshold %q, reclaim %q: error %v, the kubelet's %v", hard, reclaim, err, wantErr)
		}
		if err != nil {
			return
		}
		if len(thresholds) == 0 && !settings.EvictionHard.None() || len(thresholds) > 0 && thresholds[0].Value.Percentage != settings.EvictionHard.Fraction {
			t.Fatalf("threshold %q: %v, the kubelet's %v", hard, settings.EvictionHard, thresholds)
		}
	})
}
