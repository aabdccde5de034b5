// SPDX-License-Identifier: Apache-2.0

package threshold_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"

	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

func TestSettingsOf(t *testing.T) {
	for _, test := range []struct {
		name          string
		configuration kubeletconfigv1beta1.KubeletConfiguration
		want          threshold.Settings
		wantError     string
	}{
		{
			name: "the defaults, as a kubelet shows them",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{
				EvictionHard:           map[string]string{"memory.available": "100Mi", "nodefs.available": "10%"},
				EnforceNodeAllocatable: []string{"pods"},
			},
			want: threshold.Settings{EvictionHard: threshold.Amount{Bytes: 100 * mi}, EnforcesPods: true, Reserved: &threshold.Reservations{}},
		},
		{
			name: "everything",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{
				EvictionHard:            map[string]string{"memory.available": "5%", "allocatableMemory.available": "1Gi"},
				EvictionSoft:            map[string]string{"memory.available": "10%"},
				EvictionSoftGracePeriod: map[string]string{"memory.available": "1m30s"},
				EvictionMinimumReclaim:  map[string]string{"memory.available": "200Mi"},
				EnforceNodeAllocatable:  []string{"system-reserved", "pods"},
				KubeReserved:            map[string]string{"cpu": "1", "memory": "1Gi"},
				SystemReserved:          map[string]string{"memory": "512Mi"},
			},
			want: threshold.Settings{
				EvictionHard: threshold.Amount{Fraction: 0.05}, PodsEvictionHard: threshold.Amount{Bytes: 1024 * mi}, EnforcesPods: true,
				MinimumReclaim: threshold.Amount{Bytes: 200 * mi}, Soft: threshold.Amount{Fraction: 0.1}, SoftGrace: 90 * time.Second,
				Reserved: &threshold.Reservations{Kube: 1024 * mi, System: 512 * mi},
			},
		},
		{
			name: "a threshold of something else only: none for memory, and no default",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{
				EvictionHard: map[string]string{"nodefs.available": "10%"}, EnforceNodeAllocatable: []string{"none"},
			},
			want: threshold.Settings{Reserved: &threshold.Reservations{}},
		},
		{
			name: "switched off",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{
				EvictionHard: map[string]string{"memory.available": "100%"}, EvictionSoft: map[string]string{"memory.available": "0%"},
			},
			want: threshold.Settings{Reserved: &threshold.Reservations{}},
		},
		{
			name:          "a fraction of a byte is a byte",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{EvictionHard: map[string]string{"memory.available": "100m"}},
			want:          threshold.Settings{EvictionHard: threshold.Amount{Bytes: 1}, Reserved: &threshold.Reservations{}},
		},
		{
			name:          "more than a machine has is that",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{EvictionHard: map[string]string{"memory.available": "1e30"}},
			want:          threshold.Settings{EvictionHard: threshold.Amount{Bytes: 1 << 56}, Reserved: &threshold.Reservations{}},
		},
		{
			name:          "no amount",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{EvictionHard: map[string]string{"memory.available": "lots"}},
			wantError:     `kubelet configuration: evictionHard[memory.available]: "lots" is neither a quantity such as 500Mi nor a percentage such as 5%`,
		},
		{
			name:          "zero",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{EvictionHard: map[string]string{"allocatableMemory.available": "0"}},
			wantError:     `kubelet configuration: evictionHard[allocatableMemory.available]: "0" is zero: 0% is how a threshold is switched off`,
		},
		{
			name:          "nothing to reclaim",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{EvictionMinimumReclaim: map[string]string{"memory.available": "0%"}},
			wantError:     `kubelet configuration: evictionMinimumReclaim[memory.available]: "0%" is zero: 0% is how a threshold is switched off`,
		},
		{
			name:          "soft without a grace period",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{EvictionSoft: map[string]string{"memory.available": "1Gi"}},
			wantError:     `kubelet configuration: evictionSoftGracePeriod[memory.available] is missing, and evictionSoft has that signal`,
		},
		{
			name: "a grace period that is none",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{
				EvictionSoft: map[string]string{"memory.available": "1Gi"}, EvictionSoftGracePeriod: map[string]string{"memory.available": "-1s"},
			},
			wantError: `kubelet configuration: evictionSoftGracePeriod[memory.available]: "-1s" is no duration such as 1m30s`,
		},
		{
			name:          "a reservation that is none",
			configuration: kubeletconfigv1beta1.KubeletConfiguration{SystemReserved: map[string]string{"memory": "-1Gi"}},
			wantError:     `kubelet configuration: systemReserved[memory]: "-1Gi" is no quantity such as 1Gi`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := threshold.SettingsOf(&test.configuration)
			if test.wantError != "" {
				if err == nil || err.Error() != test.wantError {
					t.Fatalf("error = %v, want %s", err, test.wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			test.want.EvictionHardOrigin = threshold.OriginConfigz
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAmountsReadAsTheyAreWritten(t *testing.T) {
	for _, test := range []struct {
		amount threshold.Amount
		want   string
	}{
		{threshold.Amount{}, "none"},
		{threshold.Amount{Bytes: 500 * mi}, "500Mi"},
		{threshold.Amount{Fraction: 0.05}, "5%"},
		{threshold.Amount{Fraction: 0.125}, "12.5%"},
	} {
		if got := test.amount.String(); got != test.want {
			t.Errorf("%#v reads %q, want %q", test.amount, got, test.want)
		}
	}
}
