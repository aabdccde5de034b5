// SPDX-License-Identifier: Apache-2.0

package intake_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(bytes int64, after time.Duration) sample.Measurement {
	return sample.Measurement{Bytes: bytes, Time: now.Add(after)}
}

func TestFiguresOfOneObject(t *testing.T) {
	type refused map[sample.Reason]int
	for _, test := range []struct {
		name        string
		figures     []sample.Measurement
		want        sample.Measurement // not Known: nothing
		wantRefused refused
	}{
		{"good", []sample.Measurement{at(1, 0)}, at(1, 0), nil},
		{"the most there is", []sample.Measurement{at(math.MaxInt64, 0)}, at(math.MaxInt64, 0), nil},
		{"ten minutes old", []sample.Measurement{at(1, -10*time.Minute)}, at(1, -10*time.Minute), nil},
		{"a clock a little ahead", []sample.Measurement{at(1, time.Minute)}, at(1, time.Minute), nil},
		{"ten minutes ahead", []sample.Measurement{at(1, 10*time.Minute)}, sample.Measurement{}, refused{sample.ReasonFuture: 1}},
		{"negative", []sample.Measurement{at(-1, 0)}, sample.Measurement{}, refused{sample.ReasonNegative: 1}},
		{"no time", []sample.Measurement{{Bytes: 1}}, sample.Measurement{}, refused{sample.ReasonNoTime: 1}},
		{"the epoch is no time", []sample.Measurement{{Bytes: 1, Time: time.Unix(0, 0)}}, sample.Measurement{}, refused{sample.ReasonNoTime: 1}},
		{"twice the same", []sample.Measurement{at(1, 0), at(1, 0)}, at(1, 0), nil},
		{"the newer counts", []sample.Measurement{at(1, 0), at(2, time.Second)}, at(2, time.Second), nil},
		{"in any order", []sample.Measurement{at(2, time.Second), at(1, 0)}, at(2, time.Second), nil},
		{"a contradiction", []sample.Measurement{at(1, 0), at(2, 0)}, sample.Measurement{}, refused{sample.ReasonDuplicate: 1}},
		{"a contradiction stays one", []sample.Measurement{at(1, 0), at(2, 0), at(1, 0), at(1, -time.Second)}, sample.Measurement{}, refused{sample.ReasonDuplicate: 1}},
		{"until there is something newer", []sample.Measurement{at(1, 0), at(2, 0), at(3, time.Second)}, at(3, time.Second), refused{sample.ReasonDuplicate: 1}},
		{"a bad one does not spoil a good one", []sample.Measurement{at(1, 0), at(-1, time.Second)}, at(1, 0), refused{sample.ReasonNegative: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := types.NamespacedName{Namespace: "default", Name: "a"}
			nodes, pods := intake.New(now, 0, 0), intake.New(now, 0, 0)
			for _, figure := range test.figures {
				nodes.Node("a", sample.Node{Measurement: figure})
				pods.Pod(name, sample.Pod{Measurement: figure})
			}
			if diff := cmp.Diff(test.want, nodes.Set().Nodes["a"].Measurement); diff != "" {
				t.Errorf("node (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.want, pods.Set().Pods[name].Measurement); diff != "" {
				t.Errorf("pod (-want +got):\n%s", diff)
			}
			for _, set := range []*sample.Set{nodes.Set(), pods.Set()} {
				if diff := cmp.Diff(map[sample.Reason]int(test.wantRefused), set.RefusedCount); diff != "" {
					t.Errorf("refused (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestWhatHasNoNameIsRefused(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	in := intake.New(now, 0, 0)
	in.Node("", sample.Node{Measurement: at(1, 0)})
	in.Node(long, sample.Node{Measurement: at(1, 0)})
	for _, name := range []types.NamespacedName{{Name: "a"}, {Namespace: "a"}, {Namespace: long, Name: "a"}, {Namespace: "a", Name: long}} {
		in.Pod(name, sample.Pod{Measurement: at(1, 0)})
	}
	set := in.Set()
	if len(set.Nodes)+len(set.Pods) != 0 || set.RefusedCount[sample.ReasonUnnamed] != 6 {
		t.Errorf("%d nodes, %d pods, refused %v", len(set.Nodes), len(set.Pods), set.RefusedCount)
	}
	for _, refusal := range set.Refused {
		if len(refusal.Object) > 500 {
			t.Errorf("a refusal repeats %d bytes of a name", len(refusal.Object))
		}
	}
}

func TestAPartOfANodeIsRefusedAlone(t *testing.T) {
	for _, test := range []struct {
		name string
		node sample.Node
		want sample.Reason
	}{
		{"kubepods below nothing", sample.Node{Measurement: at(1, 0), Pods: at(-1, 0)}, sample.ReasonNegative},
		{"kubepods of no time", sample.Node{Measurement: at(1, 0), Pods: sample.Measurement{Bytes: 1}}, sample.ReasonNoTime},
		{"stalled for more than all the time", sample.Node{Measurement: at(1, 0), Stall: &sample.Stall{Some: 101}}, sample.ReasonNotANumber},
		{"stalled for no number", sample.Node{Measurement: at(1, 0), Stall: &sample.Stall{Full: math.NaN()}}, sample.ReasonNotANumber},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := intake.New(now, 0, 0)
			in.Node("a", test.node)
			if diff := cmp.Diff(sample.Node{Measurement: at(1, 0)}, in.Set().Nodes["a"]); diff != "" {
				t.Errorf("node (-want +got):\n%s", diff)
			}
			if in.Set().RefusedCount[test.want] != 1 {
				t.Errorf("refused: %v, want %s", in.Set().RefusedCount, test.want)
			}
		})
	}
}

func TestFromFloat(t *testing.T) {
	for _, test := range []struct {
		name  string
		value float64
		want  int64
		why   sample.Reason
	}{
		{"good", 1e9, 1e9, ""},
		{"minus zero", math.Copysign(0, -1), 0, ""},
		{"no number", math.NaN(), 0, sample.ReasonNotANumber},
		{"infinite", math.Inf(1), 0, sample.ReasonNotANumber},
		{"infinitely little", math.Inf(-1), 0, sample.ReasonNotANumber},
		{"more than an int64 holds", 1 << 63, 0, sample.ReasonNotANumber},
		{"negative", -1, 0, sample.ReasonNegative},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, why := intake.FromFloat(test.value); got != test.want || why != test.why {
				t.Errorf("FromFloat(%g) = %d, %q, want %d, %q", test.value, got, why, test.want, test.why)
			}
		})
	}
}

func TestAMachineHoldsSomething(t *testing.T) {
	in := intake.New(now, 0, 0)
	in.Node("empty", sample.Node{Measurement: sample.Measurement{Time: now}})
	in.Node("without-pods", sample.Node{Measurement: sample.Measurement{Bytes: 1, Time: now}, Pods: sample.Measurement{Time: now}})
	want := map[string]sample.Node{"without-pods": {Measurement: sample.Measurement{Bytes: 1, Time: now}}}
	if diff := cmp.Diff(want, in.Set().Nodes); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[sample.Reason]int{sample.ReasonImpossible: 1}, in.Set().RefusedCount); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}
