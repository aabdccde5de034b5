// SPDX-License-Identifier: Apache-2.0

package cycle_test

import (
	"testing"

	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/plugins/cycle"
)

// state is copied with one more generation, so that a copy can be told from its original.
type state struct{ name, generation int }

func (s *state) Clone() fwk.StateData { return &state{s.name, s.generation + 1} }

func TestEachCycleReadsWhatWasWrittenIntoIt(t *testing.T) {
	latest := cycle.NewLatest[*state]("key")
	first, second, never := framework.NewCycleState(), framework.NewCycleState(), framework.NewCycleState()
	latest.Write(first, &state{name: 1})
	latest.Write(second, &state{name: 2})
	for _, test := range []struct {
		name  string
		cycle fwk.CycleState
		want  state
		none  bool
	}{
		{name: "the latest", cycle: second, want: state{name: 2}},
		{name: "one before", cycle: first, want: state{name: 1}},
		{name: "a copy of the latest", cycle: second.Clone(), want: state{name: 2, generation: 1}},
		{name: "one that nothing was written into", cycle: never, none: true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := latest.Read(test.cycle)
			if ok == test.none {
				t.Fatalf("found = %v", ok)
			}
			if ok && *got != test.want {
				t.Errorf("state = %+v, want %+v", *got, test.want)
			}
		})
	}
}

func TestReadingTheLatestAllocatesNothing(t *testing.T) {
	latest, now := cycle.NewLatest[*state]("key"), framework.NewCycleState()
	latest.Write(now, &state{})
	if got := testing.AllocsPerRun(100, func() { latest.Read(now) }); got != 0 {
		t.Errorf("Read allocates %v times, want 0", got)
	}
}
