// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
)

const mi = int64(1) << 20

func pod(name string, priority int32, usage, request int64) eviction.Pod {
	return eviction.Pod{Name: name, Priority: priority, Measured: true, UsageBytes: usage * mi, RequestBytes: request * mi}
}

func names(pods []eviction.Pod) []string {
	var names []string
	for _, pod := range pods {
		names = append(names, pod.Name)
	}
	return names
}

func TestRank(t *testing.T) {
	starting := pod("starting", 1000, 0, 100)
	starting.Measured = false
	static := pod("static", 0, 900, 0)
	static.Static = true
	for _, test := range []struct {
		name string
		pods []eviction.Pod
		want []string
	}{
		{"above the request before below it, whatever the priority",
			[]eviction.Pod{pod("below", 0, 100, 200), pod("above", 1000, 101, 100)}, []string{"above", "below"}},
		{"then the lower priority, not the QoS class",
			[]eviction.Pod{pod("best-effort", 10, 500, 0), pod("burstable", 5, 150, 100)}, []string{"burstable", "best-effort"}},
		{"then what is furthest above its request",
			[]eviction.Pod{pod("large", 0, 1000, 900), pod("small", 0, 300, 100)}, []string{"small", "large"}},
		{"exactly at the request is not above it",
			[]eviction.Pod{pod("at", 0, 100, 100), pod("above", 0, 101, 100)}, []string{"above", "at"}},
		{"a pod without statistics goes first, though it frees nothing",
			[]eviction.Pod{pod("hog", 0, 1000, 0), starting}, []string{"starting", "hog"}},
		{"static and critical pods are passed over",
			[]eviction.Pod{static, pod("critical", 2_000_000_000, 900, 0), pod("other", 0, 1, 100)}, []string{"other"}},
		{"ties go by name", []eviction.Pod{pod("b", 0, 1, 0), pod("a", 0, 1, 0)}, []string{"a", "b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, names(eviction.Rank(test.pods))); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRankDoesNotDependOnTheOrderItIsGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var pods []eviction.Pod
		for i := range rapid.IntRange(0, 8).Draw(t, "pods") {
			drawn := pod(string(rune('a'+i)), rapid.Int32Range(0, 2).Draw(t, "priority"), rapid.Int64Range(0, 3).Draw(t, "usage"), rapid.Int64Range(0, 3).Draw(t, "request"))
			drawn.Measured = rapid.Bool().Draw(t, "measured")
			pods = append(pods, drawn)
		}
		shuffled := rapid.Permutation(pods).Draw(t, "shuffled")
		if diff := cmp.Diff(names(eviction.Rank(pods)), names(eviction.Rank(shuffled))); diff != "" {
			t.Fatalf("order (-as given +shuffled):\n%s", diff)
		}
	})
}

func TestOOMScoreAdjust(t *testing.T) {
	const capacity = 4000 * mi
	for _, test := range []struct {
		name     string
		qos      corev1.PodQOSClass
		priority string
		request  int64
		want     int64
	}{
		{"guaranteed", corev1.PodQOSGuaranteed, "", 4000 * mi, -997},
		{"best effort", corev1.PodQOSBestEffort, "", 0, 1000},
		{"burstable, by its share of the machine", corev1.PodQOSBurstable, "", 1000 * mi, 750},
		{"burstable with next to nothing stays below best effort", corev1.PodQOSBurstable, "", 1, 999},
		{"burstable with all stays above guaranteed", corev1.PodQOSBurstable, "", 4000 * mi, 3},
		{"node critical", corev1.PodQOSBurstable, "system-node-critical", 1, -997},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := eviction.OOMScoreAdjust(test.qos, test.priority, test.request, capacity); got != test.want {
				t.Errorf("oom_score_adj = %d, want %d", got, test.want)
			}
		})
	}
}

func TestRankOOM(t *testing.T) {
	const capacity = 4000 * mi
	container := func(name string, usage, adjust int64) eviction.Container {
		return eviction.Container{Pod: name, UsageBytes: usage * mi, OOMScoreAdjust: adjust}
	}
	for _, test := range []struct {
		name       string
		containers []eviction.Container
		want       []string
	}{
		{"best effort before a burstable of the same use", []eviction.Container{container("burstable", 500, 900), container("best-effort", 500, 1000)}, []string{"best-effort", "burstable"}},
		{"a burstable that holds much more than a best effort goes first", []eviction.Container{container("best-effort", 100, 1000), container("burstable", 1000, 900)}, []string{"burstable", "best-effort"}},
		{"guaranteed goes last, however large", []eviction.Container{container("guaranteed", 3000, -997), container("burstable", 10, 3)}, []string{"burstable", "guaranteed"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, container := range eviction.RankOOM(test.containers, capacity) {
				got = append(got, container.Pod)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}
