// SPDX-License-Identifier: Apache-2.0

// Package table reads CSV files, and its errors say where: file, line and column.
package table

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
	"strings"
)

const (
	// bufferSize is how many bytes are read at once.
	bufferSize = 64 << 10
	// recordLimit bounds what is kept of a line that does not end, or of a quote that is not closed.
	recordLimit = 1 << 20
)

// Table is a CSV file whose first line names the columns, in any order. Lines may end in carriage return and newline, and
// a byte order mark may begin the file. All its errors name the file, and those about its text the line.
type Table struct {
	file   string
	source *bounded
	reader *csv.Reader
	header []string
	// line is the last one that was read.
	line int
}

// bounded fails when one record takes more than recordLimit bytes.
type bounded struct {
	reader io.Reader
	// taken counts bytes since the last record ended.
	taken int
}

var errLongRecord = fmt.Errorf("the row is longer than %d bytes: does it lack the end of a line or of a quote?", recordLimit)

func (b *bounded) Read(p []byte) (int, error) {
	if b.taken > recordLimit {
		return 0, errLongRecord
	}
	n, err := b.reader.Read(p)
	b.taken += n
	return n, err //nolint:wrapcheck // a reader's end has to stay io.EOF
}

// ReadFile reads a file with read, to which it is called path; one whose name ends in .gz is decompressed.
func ReadFile[T any](path string, read func(file string, r io.Reader) (T, error)) (T, error) {
	file, err := os.Open(path)
	if err != nil {
		var nothing T
		return nothing, err // it names the path
	}
	defer file.Close()
	return Decompressed(path, file, read)
}

// Decompressed reads what r holds with read, decompressed if the name of the file ends in .gz.
func Decompressed[T any](file string, r io.Reader, read func(file string, r io.Reader) (T, error)) (T, error) {
	if !strings.HasSuffix(file, ".gz") {
		return read(file, r)
	}
	decompressed, err := gzip.NewReader(bufio.NewReaderSize(r, bufferSize))
	if err != nil {
		var nothing T
		return nothing, fmt.Errorf("%s: the name ends in .gz, but the content is not gzip: %w", file, err)
	}
	return read(file, decompressed)
}

// New reads the header, which must have the required columns, and no column twice. file is what errors call the source.
func New(file string, r io.Reader, required ...string) (*Table, error) {
	source := &bounded{reader: r}
	buffered := bufio.NewReaderSize(source, bufferSize)
	byteOrderMark := []byte("\uFEFF") // spreadsheets write it
	if start, err := buffered.Peek(len(byteOrderMark)); err == nil && bytes.Equal(start, byteOrderMark) {
		if _, err := buffered.Discard(len(byteOrderMark)); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	t := &Table{file: file, source: source, reader: csv.NewReader(buffered)}
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
	t.reader.ReuseRecord = true // from here on: the header stays
	return t, nil
}

// Header is the names of the columns, in the order of the file. It must not be changed.
func (t *Table) Header() []string { return t.header }

// Line is the number of the last line that was read; a row of several lines counts by its first.
func (t *Table) Line() int { return t.line }

// Next returns the next row, or io.EOF after the last one. A row is valid until the next one is read; its texts stay.
func (t *Table) Next() (Row, error) {
	fields, err := t.read()
	if err != nil {
		return Row{}, err
	}
	switch got, want := len(fields), len(t.header); {
	case got < want:
		return Row{}, fmt.Errorf("%s:%d:%d: the row has %d fields, want %d: %s is the first one missing",
			t.file, t.line, got+1, got, want, t.header[got])
	case got > want:
		return Row{}, fmt.Errorf("%s:%d:%d: the row has %d fields, want %d: nothing follows %s",
			t.file, t.line, want+1, got, want, t.header[want-1])
	}
	return Row{table: t, fields: fields}, nil
}

// Each hands on what is left of a table row by row, until see has an error.
func (t *Table) Each(see func(Row) error) error {
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := see(row); err != nil {
			return err
		}
	}
}

// Rows reads what is left of a table row by row. There has to be a row: what is the word for one in the error.
func Rows[T any](t *Table, what string, read func(Row) (T, error)) ([]T, error) {
	var all []T
	if err := t.Each(func(row Row) error {
		one, err := read(row)
		all = append(all, one)
		return err
	}); err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s:%d: no row follows the header: want at least one %s", t.file, t.line, what)
	}
	return all, nil
}

func (t *Table) read() ([]string, error) {
	t.source.taken = 0
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
	case errors.Is(err, errLongRecord):
		return nil, fmt.Errorf("%s:%d: %w", t.file, t.line+1, err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil, fmt.Errorf("%s:%d: the compressed data ends within this line: the file was cut, copy it again", t.file, t.line+1)
	default: // damaged compressed data, or a disk error
		return nil, fmt.Errorf("%s:%d: the file cannot be read beyond this line: %w", t.file, t.line+1, err)
	}
}

// column is the index of a column, -1 if the file has none of that name.
func (t *Table) column(name string) int { return slices.Index(t.header, name) }
