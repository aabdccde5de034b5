// SPDX-License-Identifier: Apache-2.0

package usage_test

import (
	"context"
	"errors"
	"testing"
	"time"

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

func TestAPollerKeepsWhatItReadLast(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	clock := clocktesting.NewFakeClock(now)
	source := make(answers)
	poller := usage.NewPoller(source, 15*time.Second, clock)
	reads, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		poller.Run(ctx, func() { reads <- struct{}{} })
	}()
	if poller.Latest() != nil {
		t.Error("before the first read there is something")
	}
	first, second := &sample.Set{}, &sample.Set{}
	for _, step := range []struct {
		name   string
		answer any
		want   *sample.Set
	}{
		{"the first read comes at once", first, first},
		{"an error keeps what was read", errors.New("unavailable"), first},
		{"the next read replaces it", second, second},
	} {
		source <- step.answer
		<-reads
		if got := poller.Latest(); got != step.want {
			t.Errorf("%s: Latest = %p, want %p", step.name, got, step.want)
		}
		clock.Step(15 * time.Second)
	}
	cancel()
	<-stopped
}
