// SPDX-License-Identifier: Apache-2.0

package table

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNumbersAreDigitsWithinBounds(t *testing.T) {
	type numbers struct {
		Integer int64
		Decimal float64
	}
	for _, test := range []struct {
		name, row string
		want      numbers
		err       string
	}{
		{"whole numbers", "7,7", numbers{7, 7}, ""},
		{"a fraction", "7,0.25", numbers{7, 0.25}, ""},
		{"zeros in front", "007,000.5", numbers{7, 0.5}, ""},
		{"below the minimum", "4,0", numbers{}, `f.csv:2:1: n "4": too small: want at least 5`},
		{"above the maximum", "11,0", numbers{}, `f.csv:2:1: n "11": too large: want at most 10`},
		{"beyond 63 bits", "9223372036854775808,0", numbers{}, `f.csv:2:1: n "9223372036854775808": too large`},
		{"a sign", "+7,0", numbers{}, `f.csv:2:1: n "+7": want a whole number in digits, at least 5`},
		{"a decimal above the maximum", "7,100.5", numbers{}, `f.csv:2:2: d "100.5": too large: want at most 100`},
		{"a decimal beyond all numbers", "7," + strings.Repeat("9", 400), numbers{}, "too large: want at most 100"},
		{"no digits before the point", "7,.5", numbers{}, `f.csv:2:2: d ".5": want a number in digits, such as 12 or 0.5`},
		{"no digits after the point", "7,5.", numbers{}, `f.csv:2:2: d "5."`},
		{"two points", "7,5.5.5", numbers{}, `f.csv:2:2: d "5.5.5"`},
		{"an exponent", "7,1e1", numbers{}, `f.csv:2:2: d "1e1"`},
		{"not a number", "7,NaN", numbers{}, `f.csv:2:2: d "NaN"`},
		{"hexadecimal", "7,0x10", numbers{}, `f.csv:2:2: d "0x10"`},
		{"nothing", "7,", numbers{}, `f.csv:2:2: d "": want a number`},
	} {
		t.Run(test.name, func(t *testing.T) {
			table, err := New("f.csv", strings.NewReader("n,d\n"+test.row+"\n"), "n", "d")
			if err != nil {
				t.Fatal(err)
			}
			row, err := table.Next()
			if err != nil {
				t.Fatal(err)
			}
			var got numbers
			if got.Integer, err = row.Integer("n", 5, 10); err == nil {
				got.Decimal, err = row.Decimal("d", 100)
			}
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("error %v, want it to contain %q", err, test.err)
				}
				return
			}
			if diff := cmp.Diff(test.want, got); err != nil || diff != "" {
				t.Errorf("error %v, numbers (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestNamesAndSumsAreCheckedOverTheWholeTable(t *testing.T) {
	table, err := New("f.csv", strings.NewReader("name,n\na,1\nb,1\na,1\n,1\n"), "name", "n")
	if err != nil {
		t.Fatal(err)
	}
	var problems []string
	seen := map[string]int{}
	sum := int64(math.MaxInt64 - 2)
	for {
		row, err := table.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := row.Name("name", "a letter", seen, func(string) []string { return nil }); err != nil {
			problems = append(problems, err.Error())
		}
		if total, err := row.Add("n", sum, 1); err != nil {
			problems = append(problems, err.Error())
		} else {
			sum = total
		}
	}
	want := []string{
		`f.csv:4:1: name "a": line 2 has the same name: want each once`,
		`f.csv:4:2: n "1": too large: the sum of the column is more than 9223372036854775807`,
		`f.csv:5:1: name "": the name is empty: want a letter`,
		`f.csv:5:2: n "1": too large: the sum of the column is more than 9223372036854775807`,
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

func TestARowThatDoesNotEndIsNotKept(t *testing.T) {
	for _, test := range []struct{ name, start, endless string }{
		{"a line", "a\n1\n", "2"},
		{"a quote over many lines", "a\n1\n\"", "2\n"},
		{"a header", "", "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			source := &endless{start: strings.NewReader(test.start), text: strings.Repeat(test.endless, 1<<10)}
			table, err := New("f.csv", source, "a")
			for err == nil {
				_, err = table.Next()
			}
			if !strings.Contains(err.Error(), "the row is longer than 1048576 bytes") {
				t.Errorf("error %v, want it to say that the row is too long", err)
			}
			if source.given > 2<<20 {
				t.Errorf("%d bytes were taken, want little more than the limit", source.given)
			}
		})
	}
}

// endless never comes to its end.
type endless struct {
	start *strings.Reader
	text  string
	given int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.start.Len() > 0 {
		return e.start.Read(p)
	}
	n := copy(p, e.text)
	e.given += n
	return n, nil
}
