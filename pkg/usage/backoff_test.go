// SPDX-License-Identifier: Apache-2.0

package usage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// busy is the error of a source that wants to be left alone.
type busy time.Duration

func (b busy) Error() string             { return "too many requests" }
func (b busy) RetryAfter() time.Duration { return time.Duration(b) }

// script answers with what it has for the next read, and notes when it was read.
type script struct {
	clock   *clocktesting.FakeClock
	answers []any
	times   []time.Duration
}

func (s *script) Read(context.Context) (*sample.Set, error) {
	s.times = append(s.times, s.clock.Now().Sub(now))
	answer := s.answers[min(len(s.times), len(s.answers))-1]
	if set, ok := answer.(*sample.Set); ok {
		return set, nil
	}
	return nil, answer.(error)
}

// waitingClock tells for how long its user waits.
type waitingClock struct {
	*clocktesting.FakeClock
	waits chan time.Duration
}

func (c *waitingClock) NewTimer(wait time.Duration) clock.Timer {
	c.waits <- wait
	return c.FakeClock.NewTimer(wait)
}

// play lets a poller with an interval of 10 s read the script for the time, and returns what it logged.
func play(t *testing.T, source *script, options usage.PollerOptions, duration time.Duration) (*usage.Poller, []string) {
	t.Helper()
	source.clock = clocktesting.NewFakeClock(now)
	options.Interval, options.Keep = 10*time.Second, time.Minute
	if options.Jitter == nil {
		options.Jitter = unshaken
	}
	clock := &waitingClock{FakeClock: source.clock, waits: make(chan time.Duration, 1)}
	poller := usage.NewPoller(source, options, clock)
	var lines []string
	logger := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logr.New(logger.GetSink())))
	ticks, stopped := run(ctx, poller)
	for end := now.Add(duration); ; {
		<-ticks
		wait := <-clock.waits
		if source.clock.Now().Add(wait).After(end) {
			break
		}
		source.clock.Step(wait)
	}
	cancel()
	<-stopped
	return poller, lines
}

func seconds(times []time.Duration) []int {
	var out []int
	for _, at := range times {
		out = append(out, int(at/time.Second))
	}
	return out
}

func TestAFailingSourceIsReadLessOften(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	down := errors.New("unavailable")
	for _, test := range []struct {
		name    string
		answers []any
		options usage.PollerOptions
		want    []int // seconds at which it was read
	}{
		{"healthy: at the interval", []any{nodes()}, usage.PollerOptions{}, []int{0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120}},
		{"down since the start: a second doubles to a minute", []any{down}, usage.PollerOptions{}, []int{0, 1, 3, 7, 15, 31, 63}},
		{"down after it was up: the interval doubles to a minute", []any{nodes(), down}, usage.PollerOptions{}, []int{0, 10, 20, 40, 80}},
		{"down: to the cap that is given", []any{nodes(), down}, usage.PollerOptions{MaxBackoff: 25 * time.Second}, []int{0, 10, 20, 40, 65, 90, 115}},
		{"back: at the interval at once", []any{nodes(), down, down, nodes()}, usage.PollerOptions{}, []int{0, 10, 20, 40, 50, 60, 70, 80, 90, 100, 110, 120}},
		{"shaken: earlier by up to a half", []any{nodes(), down}, usage.PollerOptions{Jitter: func() float64 { return 0.999999 }}, []int{0, 10, 15, 25, 45, 75, 105}},
		{"it asks for 45 seconds", []any{busy(45 * time.Second), nodes()}, usage.PollerOptions{}, []int{0, 45, 55, 65, 75, 85, 95, 105, 115}},
		{"it asks for less than we wait", []any{nodes(), down, busy(time.Second), nodes()}, usage.PollerOptions{}, []int{0, 10, 20, 40, 50, 60, 70, 80, 90, 100, 110, 120}},
		{"it asks through other errors", []any{fmt.Errorf("list: %w", busy(100*time.Second)), nodes()}, usage.PollerOptions{}, []int{0, 100, 110, 120}},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := &script{answers: test.answers}
			play(t, source, test.options, 2*time.Minute)
			if diff := cmp.Diff(test.want, seconds(source.times)); diff != "" {
				t.Errorf("read at (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASourceCannotAskToBeLeftAloneForEver(t *testing.T) {
	source := &script{answers: []any{busy(1000 * time.Hour), nodes()}}
	play(t, source, usage.PollerOptions{}, 301*time.Second)
	if diff := cmp.Diff([]int{0, 300}, seconds(source.times)); diff != "" {
		t.Errorf("read at (-want +got):\n%s", diff)
	}
}

func TestReadersAreToldWhileNothingIsRead(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	source := &script{answers: []any{busy(time.Minute)}, clock: clocktesting.NewFakeClock(now)}
	ticks, stopped := run(ctx, usage.NewPoller(source, usage.PollerOptions{Interval: 10 * time.Second}, source.clock))
	for range 6 {
		<-ticks
		source.clock.Step(10 * time.Second)
	}
	<-ticks
	cancel()
	<-stopped
	if diff := cmp.Diff([]int{0, 60}, seconds(source.times)); diff != "" {
		t.Errorf("read at (-want +got):\n%s", diff)
	}
}

func TestFailuresAndRefusalsAreLoggedOnceAndCounted(t *testing.T) {
	down := errors.New("unavailable")
	poisoned := &sample.Set{Nodes: map[string]sample.Node{"a": {Measurement: sample.Measurement{Bytes: 1, Time: now}}}}
	poisoned.Refuse("node b", sample.ReasonNegative, "-1 bytes")
	poisoned.Refuse("node c", sample.ReasonNegative, "-2 bytes")
	poisoned.Refuse("pod d/e", sample.ReasonFuture, "in a day")
	source := &script{answers: []any{down, down, poisoned, poisoned, down, down, down, poisoned}}
	poller, lines := play(t, source, usage.PollerOptions{}, 3*time.Minute)

	for text, want := range map[string]int{
		"cannot be read":     2,
		"can be read again":  2,
		`"negative"`:         1,
		`"example"="node b"`: 1,
		`"future"`:           1,
	} {
		if got := len(slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !strings.Contains(line, text) })); got != want {
			t.Errorf("%d lines with %s, want %d:\n%s", got, text, want, strings.Join(lines, "\n"))
		}
	}
	last := source.times[len(source.times)-1]
	good := int64(len(source.times) - 5)
	want := usage.Stats{
		Reads: int64(len(source.times)), Errors: 5, LastSuccess: now.Add(last), Nodes: 1,
		Refused: map[sample.Reason]int64{sample.ReasonNegative: 2 * good, sample.ReasonFuture: good},
	}
	if diff := cmp.Diff(want, poller.Stats()); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

// forever does not answer.
type forever struct{}

func (forever) Read(ctx context.Context) (*sample.Set, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestAReadThatDoesNotEndIsGivenUp(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	poller := usage.NewPoller(forever{}, usage.PollerOptions{Interval: time.Minute, Timeout: time.Millisecond}, clocktesting.NewFakeClock(now))
	ticks, stopped := run(ctx, poller)
	<-ticks
	if got := poller.Stats(); got.Errors != 1 || got.ConsecutiveFailures != 1 || !got.LastSuccess.IsZero() || poller.Latest() != nil {
		t.Errorf("stats: %+v", got)
	}
	cancel()
	<-stopped
}
