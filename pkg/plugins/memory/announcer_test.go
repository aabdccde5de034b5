// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

func TestTheBreakerIsAnnouncedOnceInAWhile(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(now)
	recorder := events.NewFakeRecorder(10)
	announcer := &announcer{clock: clock, recorder: recorder}
	for _, step := range []struct {
		name     string
		after    time.Duration
		degraded bool
		want     string // in the event; "": none
	}{
		{"all is well", 0, false, ""},
		{"samples are missing", 0, true, "Warning MemoryUnknown 3 of 4 nodes have no fresh memory sample"},
		{"they still are", time.Minute, true, ""},
		{"they are back, too soon for another event", time.Minute, false, ""},
		{"they are missing again: nothing new was said", time.Minute, true, ""},
		{"they are back for good", time.Minute, false, ""},
		{"it is said late rather than never", 5 * time.Minute, false, "Normal MemoryKnown 1 of 4 nodes have a fresh memory sample"},
	} {
		clock.SetTime(clock.Now().Add(step.after))
		announcer.follow(klog.Background(), &ledger.Snapshot{Degraded: step.degraded, NotFresh: 3, Nodes: make([]ledger.Node, 4)})
		got := ""
		select {
		case got = <-recorder.Events:
		default:
		}
		if (step.want == "") != (got == "") || !strings.Contains(got, step.want) {
			t.Errorf("%s: event %q, want %q", step.name, got, step.want)
		}
	}
}

func TestWithoutARecorderTheBreakerIsLogged(*testing.T) {
	announcer := &announcer{clock: clocktesting.NewFakePassiveClock(now)}
	announcer.follow(klog.Background(), &ledger.Snapshot{Degraded: true}) // must not fail
}

// The same samples are refused, and the same annotations unread, every few seconds: each is logged when it is new.
func TestWhatNodesHaveWrongIsLoggedOnce(t *testing.T) {
	clock := clocktesting.NewFakePassiveClock(now)
	announcer := &announcer{clock: clock}
	impossible := map[sample.Reason]ledger.Refusals{sample.ReasonImpossible: {Count: 2, Of: types.NamespacedName{Name: "n1"}}}
	earlier := map[sample.Reason]ledger.Refusals{sample.ReasonEarlier: {Count: 1, Of: types.NamespacedName{Namespace: "team", Name: "p"}}}
	for _, step := range []struct {
		name    string
		after   time.Duration
		refused map[sample.Reason]ledger.Refusals
		problem string // of a node's annotation
		want    []string
	}{
		{"all is well", 0, nil, "", nil},
		{"samples are refused", time.Minute, impossible, "", []string{"impossible", `"n1"`}},
		{"they still are", time.Minute, impossible, "", nil},
		{"for another reason", time.Minute, earlier, "", []string{"earlier", `"team/p"`}},
		{"for a while they were not", 2 * time.Hour, impossible, "", []string{"impossible", `"n1"`}},
		{"an annotation is wrong", time.Minute, nil, "it is no quantity", []string{"it is no quantity"}},
		{"it still is", time.Minute, nil, "it is no quantity", nil},
		{"in another way", time.Minute, nil, "it is negative", []string{"it is negative"}},
		{"it was mended", time.Minute, nil, "", nil},
		{"and is wrong again", time.Minute, nil, "it is negative", []string{"it is negative"}},
	} {
		clock.SetTime(clock.Now().Add(step.after))
		var lines []string
		logger := funcr.New(func(_, line string) { lines = append(lines, line) }, funcr.Options{})
		snapshot := &ledger.Snapshot{Refused: step.refused, Nodes: []ledger.Node{{Name: "n1", Problem: step.problem}}}
		announcer.refusals(logger, snapshot)
		announcer.problems(logger, snapshot)
		if wantLines := min(len(step.want), 1); len(lines) != wantLines {
			t.Errorf("%s: logged %q, want %d lines", step.name, lines, wantLines)
			continue
		}
		for _, want := range step.want {
			if !strings.Contains(lines[0], want) {
				t.Errorf("%s: logged %q, want %s in it", step.name, lines[0], want)
			}
		}
	}
}
