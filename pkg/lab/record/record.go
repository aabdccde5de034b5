// SPDX-License-Identifier: Apache-2.0

// Package record writes a memory trace of a live cluster: from what Prometheus knows, or by looking at metrics.k8s.io.
package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
)

// maxSamples is how many samples a recording may have: about 700 MB of memory at its end.
const maxSamples = 20_000_000

// Options of a recording.
type Options struct {
	// Out is the folder that the trace is written to; see trace.Write.
	Out string
	// Interval is the time between samples, whole seconds, at least one. Duration is how long the recording is, at least
	// one interval.
	Interval, Duration time.Duration
	// Anonymize replaces names. Those of namespaces, workloads and priority classes become hashes that are equal where the
	// names are, within this recording alone: the key is not kept. Pods are numbered, and the date is left out.
	Anonymize bool
	// Screen shows the progress.
	Screen *screen.Screen
	// Clock is the real one if nil.
	Clock clock.WithTicker
}

// begin checks the options, and that the trace can be written at the end.
func (o *Options) begin() error {
	switch {
	case o.Interval < time.Second || o.Interval%time.Second != 0:
		return fmt.Errorf("interval %s: want whole seconds, at least 1s", o.Interval)
	case o.Duration < o.Interval:
		return fmt.Errorf("duration %s: want at least the interval, which is %s", o.Duration, o.Interval)
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(o.Out)), 0o755); err != nil {
		return err
	}
	return trace.CheckWritable(o.Out)
}

// finish writes what was recorded. early is why it ended before its time, "" if it did not.
func (o *Options) finish(r *recording, zero time.Time, source, early string) error {
	if early != "" {
		o.Screen.Step("%s: writing what there is so far", early)
	}
	if r.samples == 0 {
		return errors.New("nothing was recorded, and nothing was written")
	}
	names, err := newNames(o.Anonymize)
	if err != nil {
		return err
	}
	t, leftOut := r.trace(names, zero)
	if len(t.Series) == 0 {
		return fmt.Errorf("of none of the %d pods the requests are known, and nothing was written: does Prometheus scrape kube-state-metrics, with honorLabels?",
			leftOut)
	}
	t.Notes = o.notes(t, zero, source, early, leftOut, r)
	if err := trace.Write(o.Out, t); err != nil {
		return rescue(t, err)
	}
	o.Screen.Step("%s: %d pods, %d samples in %s", o.Out, len(t.Series), t.Facts.Samples, time.Duration(t.Window)*time.Second)
	if leftOut > 0 {
		o.Screen.Step("%d more pod(s) were left out: their requests are not known", leftOut)
	}
	return nil
}

// rescue writes a trace that could not be written where it was to be, because of cause, into a temporary folder: it took days.
func rescue(t *trace.Trace, cause error) error {
	folder, err := os.MkdirTemp("", "recorded-by-headroom-lab-")
	if err != nil {
		return errors.Join(cause, fmt.Errorf("nor can the recording be kept elsewhere: %w", err))
	}
	if err := trace.Write(folder, t); err != nil {
		return errors.Join(cause, fmt.Errorf("nor can the recording be kept elsewhere: %w", err), os.Remove(folder))
	}
	return fmt.Errorf("%w; the recording is in %s: move it to where it is to stay", cause, folder)
}

// interrupted is why a recording ends early when ctx has ended, or "".
func interrupted(ctx context.Context) string {
	if ctx.Err() != nil {
		return "interrupted"
	}
	return ""
}

// full is why a recording ends early when it has too many samples, or "".
func (r *recording) full() string {
	if r.samples >= maxSamples {
		return fmt.Sprintf("%d samples are all that a recording may have; a longer interval takes fewer", r.samples)
	}
	return ""
}
