// SPDX-License-Identifier: Apache-2.0

package usage_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// answers gives one answer a read, in turn.
type answers chan any

func (a answers) Read(ctx context.Context) (*sample.Set, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case answer := <-a:
		if set, ok := answer.(*sample.Set); ok {
			return set, nil
		}
		return nil, answer.(error)
	}
}

// nodes makes a set from names and measurements in turn.
func nodes(namesAndMeasurements ...any) *sample.Set {
	set := &sample.Set{Nodes: map[string]sample.Node{}}
	for i := 0; i < len(namesAndMeasurements); i += 2 {
		set.Nodes[namesAndMeasurements[i].(string)] = sample.Node{Measurement: namesAndMeasurements[i+1].(sample.Measurement)}
	}
	return set
}

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func unshaken() float64 { return 0 }

// run lets the poller run. It says when a read has ended, or the interval has while none was due; the timer for the next is
// set then.
func run(ctx context.Context, poller *usage.Poller) (ticks, stopped chan struct{}) {
	ticks, stopped = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		poller.Run(ctx, func() {
			select {
			case <-ctx.Done():
			case ticks <- struct{}{}:
			}
		})
	}()
	return ticks, stopped
}

func TestAPollerKeepsWhatItReadLast(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	clock := clocktesting.NewFakeClock(now)
	source := make(answers)
	poller := usage.NewPoller(source, usage.PollerOptions{Interval: 15 * time.Second, Keep: time.Minute, Jitter: unshaken}, clock)
	reads, stopped := run(ctx, poller)
	if poller.Latest() != nil {
		t.Error("before the first read there is something")
	}
	at := func(bytes int64, after time.Duration) sample.Measurement {
		return sample.Measurement{Bytes: bytes, Time: now.Add(after)}
	}
	missed := func(measured sample.Measurement, reads int) sample.Measurement {
		measured.Missed = reads
		return measured
	}
	for _, step := range []struct { // 15 s apart
		name   string
		answer any
		want   map[string]sample.Node
	}{
		{"the first read comes at once", nodes("a", at(1, 0), "b", at(2, 0)), nodes("a", at(1, 0), "b", at(2, 0)).Nodes},
		{"an error keeps what was read", errors.New("unavailable"), nodes("a", at(1, 0), "b", at(2, 0)).Nodes},
		{"a node that is missing keeps what it had", nodes("a", at(3, 30*time.Second)), nodes("a", at(3, 30*time.Second), "b", missed(at(2, 0), 1)).Nodes},
		{"so do all when the source starts again", nodes(), nodes("a", missed(at(3, 30*time.Second), 1), "b", missed(at(2, 0), 2)).Nodes},
		{"an older measurement does not replace a newer one", nodes("a", at(1, 0)), nodes("a", at(3, 30*time.Second), "b", missed(at(2, 0), 3)).Nodes},
		{"until it is too old", nodes(), nodes("a", missed(at(3, 30*time.Second), 1)).Nodes},
	} {
		source <- step.answer
		<-reads
		if diff := cmp.Diff(step.want, poller.Latest().Nodes); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		clock.Step(15 * time.Second)
	}
	cancel()
	<-stopped
}

func TestAPollerKeepsTheKubepodsFigureThatAReadLacks(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	clock := clocktesting.NewFakeClock(now)
	source := make(answers)
	poller := usage.NewPoller(source, usage.PollerOptions{Interval: 15 * time.Second, Keep: time.Minute}, clock)
	ticks, stopped := run(ctx, poller)
	at := func(bytes int64, after time.Duration) sample.Measurement {
		return sample.Measurement{Bytes: bytes, Time: now.Add(after)}
	}
	pods := at(7, 0)
	for i, want := range []sample.Measurement{pods, pods, pods, pods, pods, {}} {
		node := sample.Node{Measurement: at(int64(i), time.Duration(i)*15*time.Second)}
		if i == 0 {
			node.Pods = pods
		}
		source <- &sample.Set{Nodes: map[string]sample.Node{"a": node}}
		<-ticks
		node.Pods = want
		if diff := cmp.Diff(node, poller.Latest().Nodes["a"]); diff != "" {
			t.Errorf("after read %d (-want +got):\n%s", i, diff)
		}
		clock.Step(15 * time.Second)
	}
	cancel()
	<-stopped
}
