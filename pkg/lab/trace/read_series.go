// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"io"
	"slices"

	"github.com/headroom-dev/headroom/pkg/lab/table"
)

// readSeries reads series.csv.
func readSeries(file string, r io.Reader) ([]Series, error) {
	own := ownColumns()
	t, err := table.New(file, r, own...)
	if err != nil {
		return nil, err
	}
	var further []string
	for _, name := range t.Header() {
		if problems := checkText(name); len(problems) > 0 {
			return nil, fmt.Errorf("%s:%d: column %q of the header: %s", file, t.Line(), name, problems[0])
		}
		if !slices.Contains(own, name) {
			further = append(further, name)
		}
	}
	seen := map[string]int{}
	return table.Rows(t, "series", func(row table.Row) (Series, error) { return readOne(row, seen, further) })
}

// readOne reads a row of series.csv. further are the columns that go to Extra.
func readOne(row table.Row, seen map[string]int, further []string) (Series, error) {
	s := Series{RequestSource: row.Text(sourceColumn), End: Open}
	var err error
	if s.ID, err = row.Name(idColumn, "the name of a series", seen, checkText); err != nil {
		return Series{}, err
	}
	if s.RequestBytes, err = row.Integer(requestColumn, 0, most); err != nil {
		return Series{}, err
	}
	if s.RequestSource == "" {
		return Series{}, row.Errorf(sourceColumn, "want how honest the request is: provisioned, or synthetic- or nominal- and a rule")
	}
	if row.Text(startColumn) != "" { // else it lived before the trace began
		if s.Start, err = row.Decimal(startColumn, longest); err != nil {
			return Series{}, err
		}
	}
	if row.Text(endColumn) != "" {
		if s.End, err = row.Decimal(endColumn, longest); err != nil {
			return Series{}, err
		}
		if err := checkLife(s.Start, s.End); err != nil {
			return Series{}, row.Errorf(endColumn, "%w", err)
		}
	}
	if err := checkLimitOf(row); err != nil {
		return Series{}, err
	}
	for _, name := range append([]string{sourceColumn}, further...) {
		text := row.Text(name)
		if problems := checkText(text); len(problems) > 0 {
			return Series{}, row.Errorf(name, "%s", problems[0])
		}
		if text != "" && name != sourceColumn {
			if s.Extra == nil {
				s.Extra = map[string]string{}
			}
			s.Extra[name] = text
		}
	}
	return s, nil
}

// checkLimitOf wants the limit of a row to be a number, where there is one.
func checkLimitOf(row table.Row) error {
	if row.Text(LimitColumn) == "" {
		return nil
	}
	_, err := row.Integer(LimitColumn, 0, most)
	return err
}
