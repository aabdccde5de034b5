// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
)

const mi = int64(1) << 20

func pod(name string, priority int32, usage, request int64) eviction.Pod {
	return eviction.Pod{Namespace: "d", Name: name, Priority: priority, Measured: true, UsageBytes: usage * mi, RequestBytes: request * mi}
}

// starting has no running container.
func starting(name string, priority int32, request int64) eviction.Pod {
	return eviction.Pod{Namespace: "d", Name: name, Priority: priority, RequestBytes: request * mi}
}

func static(name string) eviction.Pod {
	return eviction.Pod{Namespace: "d", Name: name, Static: true, Measured: true, UsageBytes: 900 * mi}
}

func names(ranked []eviction.Ranked) []string {
	var names []string
	for _, pod := range ranked {
		names = append(names, pod.Name)
	}
	return names
}

func TestRank(t *testing.T) {
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
			[]eviction.Pod{pod("hog", 0, 1000, 0), starting("starting", 1000, 100)}, []string{"starting", "hog"}},
		{"of those without statistics, the lower priority", []eviction.Pod{starting("a", 2, 0), starting("b", 1, 900)}, []string{"b", "a"}},
		{"static and critical pods are passed over",
			[]eviction.Pod{static("static"), pod("critical", 2_000_000_000, 900, 0), pod("other", 0, 1, 100)}, []string{"other"}},
		{"ties go by name", []eviction.Pod{pod("b", 0, 1, 0), pod("a", 0, 1, 0)}, []string{"a", "b"}},
		{"without statistics, requests do not count: a tie", []eviction.Pod{starting("b", 0, 0), starting("a", 0, 900)}, []string{"a", "b"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, names(eviction.Rank(test.pods))); diff != "" {
				t.Errorf("order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReasonsTellWhatSeparatesNeighbours(t *testing.T) {
	guessed := pod("guessed", 5, 250, 250)
	guessed.Guessed = true
	var got []string
	for _, pod := range eviction.Rank([]eviction.Pod{
		pod("e", 5, 100, 300), pod("a", 0, 500, 200), pod("b", 7, 1537, 0), pod("c", 7, 101, 100), guessed, starting("s", 9, 100), pod("d", 5, 250, 250),
	}) {
		got = append(got, pod.Name+" "+pod.Reason)
	}
	for _, pod := range eviction.Spared([]eviction.Pod{static("static"), pod("critical", 2_000_000_000, 1, 0), pod("other", 0, 1, 0)}) {
		got = append(got, pod.Name+" "+pod.Reason)
	}
	want := []string{
		"s no statistics, since no container runs, priority 9; before d/a, which has statistics",
		"a uses 300Mi more than the 200Mi it requests, priority 0; before d/b, whose priority is 7",
		"b uses 1.5Gi and requests nothing, priority 7; before d/c by 1.5Gi of use against request",
		"c uses 1Mi more than the 100Mi it requests, priority 7; before d/d, which is not above its request",
		"d uses the 250Mi it requests, priority 5; level with d/guessed, chance decides",
		"guessed not measured, taken to use the 250Mi it requests, priority 5; before d/e by 200Mi of use against request",
		"e uses 200Mi less than the 300Mi it requests, priority 5",
		"critical never evicted: priority 2000000000 is critical",
		"static never evicted: a static pod",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func drawPods(t *rapid.T) []eviction.Pod {
	var pods []eviction.Pod
	for i := range rapid.IntRange(0, 8).Draw(t, "pods") {
		drawn := pod(string(rune('a'+i)), rapid.Int32Range(0, 2).Draw(t, "priority"), rapid.Int64Range(0, 3).Draw(t, "usage"), rapid.Int64Range(0, 3).Draw(t, "request"))
		drawn.Measured = rapid.Bool().Draw(t, "measured")
		drawn.Static = rapid.IntRange(0, 9).Draw(t, "static") == 0
		pods = append(pods, drawn)
	}
	return pods
}

func TestRankDoesNotDependOnTheOrderItIsGiven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pods := drawPods(t)
		shuffled := rapid.Permutation(pods).Draw(t, "shuffled")
		if diff := cmp.Diff(eviction.Rank(pods), eviction.Rank(shuffled)); diff != "" {
			t.Fatalf("order (-as given +shuffled):\n%s", diff)
		}
	})
}
