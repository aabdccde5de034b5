// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"io"
	"slices"

	"github.com/headroom-dev/headroom/pkg/lab/table"
)

// samples collects the samples of one series after the other.
type samples struct {
	series []Series
	index  map[string]int
	// began is the line of each series' first sample, 0 for none yet.
	began []int
	// current is the index of the series that is being read, -1 before the first.
	current int
	times   []float64
	bytes   []int64
}

// readUsage returns the series with the samples of usage.csv.
func readUsage(file string, r io.Reader, series []Series) ([]Series, error) {
	t, err := table.New(file, r, idColumn, timeColumn, bytesColumn)
	if err != nil {
		return nil, err
	}
	s := samples{series: slices.Clone(series), index: map[string]int{}, began: make([]int, len(series)), current: -1}
	for i, one := range series {
		s.index[one.ID] = i
	}
	if err := t.Each(func(row table.Row) error { return s.add(row, t.Line()) }); err != nil {
		return nil, err
	}
	s.finish()
	return s.series, nil
}

// add takes one row.
func (s *samples) add(row table.Row, line int) error {
	id := row.Text(idColumn)
	if s.current < 0 || s.series[s.current].ID != id {
		s.finish()
		next, known := s.index[id]
		switch {
		case !known:
			return row.Errorf(idColumn, "%s has no such series", SeriesFile)
		case s.began[next] > 0:
			return row.Errorf(idColumn, "samples of this series stand from line %d on: want those of a series together", s.began[next])
		}
		s.current, s.began[next] = next, line
	}
	t, err := row.Decimal(timeColumn, longest)
	if err != nil {
		return err
	}
	if err := s.series[s.current].checkNext(s.times, t); err != nil {
		return row.Errorf(timeColumn, "%w", err)
	}
	bytes, err := row.Integer(bytesColumn, 0, most)
	if err != nil {
		return err
	}
	s.times, s.bytes = append(s.times, t), append(s.bytes, bytes)
	return nil
}

// finish gives the series that is being read its samples, in slices of just their length.
func (s *samples) finish() {
	if s.current < 0 {
		return
	}
	one := &s.series[s.current]
	one.Times, one.Bytes = slices.Clone(s.times), slices.Clone(s.bytes)
	s.times, s.bytes = s.times[:0], s.bytes[:0]
}
