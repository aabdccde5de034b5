// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// A kubelet on Windows evicts by memory that was committed, which no sample shows: nothing is known of such a node, and it is no reason to
// give up on those of which something is.
func TestNodesThatRunWindowsAreUnknownAndDoNotCountForTheBreaker(t *testing.T) {
	byLabel := func(n *corev1.Node) { n.Labels = map[string]string{corev1.LabelOSStable: "windows"} }
	byStatus := func(n *corev1.Node) { n.Status.NodeInfo.OperatingSystem = "windows" }
	linux := func(n *corev1.Node) {
		n.Labels = map[string]string{corev1.LabelOSStable: "linux"}
		n.Status.NodeInfo.OperatingSystem = "linux"
	}
	for _, test := range []struct {
		name         string
		nodes        []func(*corev1.Node)
		age          time.Duration
		want         []ledger.State
		wantDegraded bool
	}{
		{"most nodes run Windows", []func(*corev1.Node){linux, byLabel, byStatus}, 0, []ledger.State{ledger.Fresh, ledger.Unsupported, ledger.Unsupported}, false},
		{"and samples are old", []func(*corev1.Node){linux, byLabel, byStatus}, time.Hour, []ledger.State{ledger.Stale, ledger.Unsupported, ledger.Unsupported}, true},
		{"all run Windows", []func(*corev1.Node){byLabel}, 0, []ledger.State{ledger.Unsupported}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var nodes []*corev1.Node
			set := samples(1000*mi, test.age, nil)
			for i, change := range test.nodes {
				made := node("n" + string(rune('1'+i)))
				change(made)
				nodes = append(nodes, made)
				set.Nodes[made.Name] = sample.Node{Measurement: sample.Measurement{Bytes: 1000 * mi, Time: ago(test.age)}}
			}
			book := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: nodes, Samples: set})
			var got []ledger.State
			for i := range book.Nodes {
				got = append(got, book.Nodes[i].State)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("states (-want +got):\n%s", diff)
			}
			if book.Degraded != test.wantDegraded {
				t.Errorf("degraded: %t, want %t: %d of %d nodes are not fresh", book.Degraded, test.wantDegraded, book.NotFresh, book.Supported())
			}
		})
	}
}

// Neither samples of now nor such as are too old to tell of now teach anything there.
func TestNothingIsLearnedOfPodsOnWindows(t *testing.T) {
	for name, age := range map[string]time.Duration{"samples of now": 0, "old samples": 10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			options := options
			options.Learner = forecast.NewLearner(options.Estimator)
			windows := node("n1")
			windows.Labels = map[string]string{corev1.LabelOSStable: "windows"}
			ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{windows}, Pods: []*corev1.Pod{pod("p", 2*time.Hour)},
				Samples: samples(1000*mi, age, map[string]int64{"p": 100 * mi})})
			if got := options.Learner.Demand(pod("sibling", -1)); got.PeakSource != forecast.SourceLimit {
				t.Errorf("of a sibling %dMi are expected by %s, want by %s", got.PeakBytes/mi, got.PeakSource, forecast.SourceLimit)
			}
		})
	}
}
