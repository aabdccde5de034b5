// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// table reads a CSV file whose first line names the columns, in any order. Columns that nobody asks for are ignored.
// All its errors name the file, and those about its text the line.
type table struct {
	file   string
	reader *csv.Reader
	header []string
	// line is the last one that was read.
	line int
}

// row is one line of a table below the header.
type row struct {
	table  *table
	fields []string
}

// readFile reads a file with read; one whose name ends in .gz is decompressed.
func readFile[T any](path string, read func(file string, r io.Reader) ([]T, error)) ([]T, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err // it names the path
	}
	defer file.Close()
	if !strings.HasSuffix(path, ".gz") {
		return read(path, file)
	}
	decompressed, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%s: the name ends in .gz, but the content is not gzip: %w", path, err)
	}
	return read(path, decompressed)
}

// newTable reads the header, which must have the required columns, and no column twice.
func newTable(file string, r io.Reader, required ...string) (*table, error) {
	buffered := bufio.NewReader(r)
	byteOrderMark := []byte("\uFEFF") // spreadsheets write it
	if start, err := buffered.Peek(len(byteOrderMark)); err == nil && bytes.Equal(start, byteOrderMark) {
		if _, err := buffered.Discard(len(byteOrderMark)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	t := &table{file: file, reader: csv.NewReader(buffered)}
	t.reader.FieldsPerRecord = -1 // counted here, for an error that names the columns
	header, err := t.read()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s:1: the file is empty: want a header with the columns %s", file, strings.Join(required, ", "))
	}
	if err != nil {
		return nil, err
	}
	t.header = header
	for i, name := range header {
		switch {
		case name == "":
			return nil, fmt.Errorf("%s:%d:%d: column %d of the header has no name: give it one", file, t.line, i+1, i+1)
		case slices.Contains(header[:i], name):
			return nil, fmt.Errorf("%s:%d:%d: the header has the column %q twice: keep one of them", file, t.line, i+1, name)
		}
	}
	for _, name := range required {
		if t.column(name) < 0 {
			return nil, fmt.Errorf("%s:%d: the header has no column %s: it has %q, want at least %s",
				file, t.line, name, header, strings.Join(required, ", "))
		}
	}
	return t, nil
}

// next returns the next row, or io.EOF after the last one.
func (t *table) next() (row, error) {
	fields, err := t.read()
	if err != nil {
		return row{}, err
	}
	switch got, want := len(fields), len(t.header); {
	case got < want:
		return row{}, fmt.Errorf("%s:%d:%d: the row has %d fields, want %d: %s is the first one missing",
			t.file, t.line, got+1, got, want, t.header[got])
	case got > want:
		return row{}, fmt.Errorf("%s:%d:%d: the row has %d fields, want %d: nothing follows %s",
			t.file, t.line, want+1, got, want, t.header[want-1])
	}
	return row{table: t, fields: fields}, nil
}

func (t *table) read() ([]string, error) {
	fields, err := t.reader.Read()
	var syntax *csv.ParseError
	switch {
	case err == nil:
		t.line, _ = t.reader.FieldPos(0)
		return fields, nil
	case errors.Is(err, io.EOF):
		return nil, io.EOF
	case errors.As(err, &syntax):
		// The parser counts bytes where everything else here counts fields, so it says where in words.
		return nil, fmt.Errorf("%s:%d: this is not CSV, at byte %d of the line: %w", t.file, syntax.Line, syntax.Column, syntax.Err)
	default: // damaged or cut compressed data, or a disk error
		return nil, fmt.Errorf("%s:%d: the file cannot be read beyond this line: %w", t.file, t.line+1, err)
	}
}

// column is the index of a column, -1 if the file has none of that name.
func (t *table) column(name string) int { return slices.Index(t.header, name) }

// text is a field as it is written, "" if the file has no such column.
func (r row) text(column string) string {
	if i := r.table.column(column); i >= 0 {
		return r.fields[i]
	}
	return ""
}

// errorf returns an error about a field: file:line:column: name "text": what is wrong.
func (r row) errorf(column, format string, arguments ...any) error {
	i := r.table.column(column)
	line, _ := r.table.reader.FieldPos(i)
	return fmt.Errorf("%s:%d:%d: %s %q: %w", r.table.file, line, i+1, column, r.fields[i], fmt.Errorf(format, arguments...))
}

// integer is a field that holds a whole number of at least minimum, in decimal digits alone.
func (r row) integer(column string, minimum int64) (int64, error) {
	text := r.text(column)
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, r.errorf(column, "want a whole number in digits, at least %d", minimum)
	}
	value, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil: // digits alone: so it can only be out of range
		return 0, r.errorf(column, "too large: want at most %d", int64(maxInteger))
	case value < minimum:
		return 0, r.errorf(column, "too small: want at least %d", minimum)
	}
	return value, nil
}

// name is a field that names an object: neither empty, nor invalid by validate, nor seen above.
func (r row) name(column string, seen map[string]int, validate func(string) []string) (string, error) {
	name := r.text(column)
	if name == "" {
		return "", r.errorf(column, "the name is empty: want a DNS-1123 subdomain")
	}
	if problems := validate(name); len(problems) > 0 {
		return "", r.errorf(column, "not a valid name: %s", problems[0])
	}
	if line, twice := seen[name]; twice {
		return "", r.errorf(column, "line %d has the same name: want each once", line)
	}
	seen[name] = r.table.line
	return name, nil
}

// add returns sum plus the field's value, which has to stay an int64: the summary adds up columns.
func (r row) add(column string, sum, value int64) (int64, error) {
	if value > maxInteger-sum {
		return 0, r.errorf(column, "too large: the sum of the column is more than %d", int64(maxInteger))
	}
	return sum + value, nil
}
