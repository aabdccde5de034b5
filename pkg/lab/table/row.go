// SPDX-License-Identifier: Apache-2.0

package table

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Row is one line of a table below the header.
type Row struct {
	table  *Table
	fields []string
}

// Text is a field as it is written, "" if the file has no such column.
func (r Row) Text(column string) string {
	if i := r.table.column(column); i >= 0 {
		return r.fields[i]
	}
	return ""
}

// Errorf returns an error about the field of a column that the file has: file:line:column: name "text": what is wrong.
func (r Row) Errorf(column, format string, arguments ...any) error {
	i := r.table.column(column)
	line, _ := r.table.reader.FieldPos(i)
	return fmt.Errorf("%s:%d:%d: %s %q: %w", r.table.file, line, i+1, column, r.fields[i], fmt.Errorf(format, arguments...))
}

// Integer is a field that holds a whole number from minimum to maximum, in decimal digits alone.
func (r Row) Integer(column string, minimum, maximum int64) (int64, error) {
	text := r.Text(column)
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, r.Errorf(column, "want a whole number in digits, at least %d", minimum)
	}
	value, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil, value > maximum: // digits alone: an error can only say out of range
		return 0, r.Errorf(column, "too large: want at most %d", maximum)
	case value < minimum:
		return 0, r.Errorf(column, "too small: want at least %d", minimum)
	}
	return value, nil
}

// Decimal is a field that holds a number from 0 to maximum, in digits with at most one point among them.
func (r Row) Decimal(column string, maximum float64) (float64, error) {
	text := r.Text(column)
	if !isDecimal(text) {
		return 0, r.Errorf(column, "want a number in digits, such as 12 or 0.5, at least 0")
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || value > maximum {
		return 0, r.Errorf(column, "too large: want at most %s", strconv.FormatFloat(maximum, 'f', -1, 64))
	}
	return value, nil
}

// isDecimal reports whether a text is digits, or digits on both sides of a point.
func isDecimal(text string) bool {
	whole, fraction, pointed := strings.Cut(text, ".")
	return isDigits(whole) && (!pointed || isDigits(fraction))
}

func isDigits(text string) bool {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return false
		}
	}
	return text != ""
}

// Name is a field that names an object: neither empty, nor invalid by validate, nor seen above. kind is what an error
// wants where the name is empty; seen holds the line of each name and is filled.
func (r Row) Name(column, kind string, seen map[string]int, validate func(string) []string) (string, error) {
	name := r.Text(column)
	if name == "" {
		return "", r.Errorf(column, "the name is empty: want %s", kind)
	}
	if problems := validate(name); len(problems) > 0 {
		return "", r.Errorf(column, "not a valid name: %s", problems[0])
	}
	if line, twice := seen[name]; twice {
		return "", r.Errorf(column, "line %d has the same name: want each once", line)
	}
	seen[name] = r.table.line
	return name, nil
}

// Add returns sum plus the field's value, which has to stay an int64: summaries add up columns.
func (r Row) Add(column string, sum, value int64) (int64, error) {
	if value > math.MaxInt64-sum {
		return 0, r.Errorf(column, "too large: the sum of the column is more than %d", int64(math.MaxInt64))
	}
	return sum + value, nil
}
