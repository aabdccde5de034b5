// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
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
