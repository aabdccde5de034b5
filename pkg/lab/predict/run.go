// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// What Run writes into the folder.
const (
	// ResultsFile: a list of Row, one for each trace and predictor.
	ResultsFile = "results.json"
	// CalibrationsFile: a list of Result, with every factor.
	CalibrationsFile = "calibrations.json"
)

// Options of a comparison.
type Options struct {
	// Traces are the folders of one or more traces; see trace.Read.
	Traces []string
	// Out is the folder for the results.
	Out string
	// Horizon is how far ahead peaks are foretold, more than 0.
	Horizon time.Duration
	// NodeBytes is the memory of each node, more than 0.
	NodeBytes int64
	// Seed shuffles the order in which series that come at one time are packed.
	Seed uint64
	// Screen shows the progress.
	Screen *screen.Screen
}

// Run compares the predictors over the traces and returns what it wrote into CalibrationsFile. When ctx ends, what is done so far is written, and
// the error says that it is not all. Nothing is written before the first prediction, or of traces that cannot be read.
func Run(ctx context.Context, o Options) ([]Result, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := wholefile.CheckFolder(o.Out); err != nil {
		return nil, fmt.Errorf("folder for the results: %w", err)
	}
	list := predictors()
	tests := make([][]*split, 0, len(o.Traces))
	began, done := time.Now(), 0
	for _, folder := range o.Traces {
		if ctx.Err() != nil {
			break
		}
		t, err := trace.Read(folder)
		if err != nil {
			return nil, err
		}
		f, err := newFleet(t, o.NodeBytes, o.Seed)
		if err != nil {
			return nil, err
		}
		d, err := newDivision(f, t.Name, o.Horizon)
		if err != nil {
			return nil, err
		}
		o.Screen.Step("%s: %d nodes; %d series are too large for a node, %d have no samples", t.Name, len(f.nodes), f.leftOut, f.unsampled)
		var splits []*split
		tests = append(tests, nil)
		for _, p := range list {
			if ctx.Err() != nil {
				break
			}
			splits = append(splits, d.split(p))
			tests[len(tests)-1] = splits
			done++
			o.Screen.Show(time.Now(), o.progress(began, done, len(list), p.name), o.progress(began, done, len(list), p.name))
		}
	}
	if done == 0 { // what an earlier run wrote is worth more
		return nil, errors.New("interrupted: nothing was predicted, and nothing was written")
	}
	results := summarize(tests)
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return nil, err
	}
	if err := wholefile.WriteJSON(filepath.Join(o.Out, CalibrationsFile), results); err != nil {
		return nil, err
	}
	if err := wholefile.WriteJSON(filepath.Join(o.Out, ResultsFile), rows(results)); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return results, fmt.Errorf("interrupted: %s has %d of %d predictions", filepath.Join(o.Out, ResultsFile), done, len(list)*len(o.Traces))
	}
	return results, nil
}

func (o *Options) check() error {
	switch {
	case len(o.Traces) == 0:
		return errors.New("no trace: want at least one folder")
	case o.Horizon <= 0:
		return fmt.Errorf("horizon %s: want more than 0", o.Horizon)
	case o.NodeBytes <= 0:
		return fmt.Errorf("node memory %d: want more than 0", o.NodeBytes)
	}
	return nil
}

// progress says what is done, and when the rest will be if it takes as long.
func (o *Options) progress(began time.Time, done, each int, name string) func() string {
	total := each * len(o.Traces)
	return func() string {
		left := time.Duration(float64(time.Since(began)) / float64(done) * float64(total-done))
		return fmt.Sprintf("%d of %d predictions, %s left (%s)", done, total, screen.Clock(left), name)
	}
}
