// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// display is what a terminal of a width shows, as far as Show uses one.
type display struct {
	width       int
	wraps       bool
	rows        []string
	row, column int
}

var control = regexp.MustCompile(`^\x1b\[(\??)([0-9]*)([A-Za-z])`)

func (d *display) write(text string) {
	for text != "" {
		if match := control.FindStringSubmatch(text); match != nil {
			switch match[1] + match[3] {
			case "A":
				up, _ := strconv.Atoi(match[2])
				d.row = max(d.row-up, 0)
			case "K":
				d.rows[d.row] = d.rows[d.row][:min(d.column, len(d.rows[d.row]))]
			case "?l", "?h":
				d.wraps = match[3] == "h"
			}
			text = text[len(match[0]):]
			continue
		}
		d.put(text[0])
		text = text[1:]
	}
}

func (d *display) put(character byte) {
	if character == '\n' || (d.column == d.width && d.wraps) {
		d.row, d.column = d.row+1, 0
	}
	for len(d.rows) <= d.row {
		d.rows = append(d.rows, "")
	}
	if character == '\n' {
		return
	}
	at := min(d.column, d.width-1) // without wrapping the last column is written over
	d.rows[d.row] = d.rows[d.row][:min(at, len(d.rows[d.row]))] + string(character)
	d.column = min(d.column+1, d.width)
}

func TestRowsThatAreWiderThanTheTerminalAreDrawnOver(t *testing.T) {
	d := &display{width: 10, wraps: true, rows: []string{""}}
	var out strings.Builder
	s := New(&out, true)
	for _, digit := range []string{"1", "2", "3"} {
		table := func() string { return "head " + digit + "\n" + strings.Repeat(digit, 15) }
		s.Show(time.Time{}, table, table)
	}
	s.Step("a step that is long")
	d.write(out.String())
	// The last column is as the terminal leaves it.
	if diff := cmp.Diff([]string{"head 3", "333333333" + "3", "a step tha", "t is long", ""}, d.rows); diff != "" {
		t.Errorf("the terminal shows (-want +got):\n%s", diff)
	}
}
