// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// Write writes series.csv, usage.csv.gz and, if there are notes, README.md into folder, which it makes below a folder that exists. It
// appears whole or not at all; one that is there already is refused unless it is empty, and gets series.csv last. What Write takes is
// what Read returns: an error names the series that breaks a rule. Equal traces give equal bytes; Name, Window, Step and Facts are not
// written.
func Write(folder string, t *Trace) (err error) {
	folder = filepath.Clean(folder)
	if err := checkVacant(folder); err != nil {
		return err
	}
	columns, err := t.check()
	if err != nil {
		return fmt.Errorf("%s: %w", folder, err)
	}
	unfinished, err := makeUnfinished(folder)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", folder, err), os.RemoveAll(unfinished))
		}
	}()
	if err := writeFile(filepath.Join(unfinished, SeriesFile), func(w io.Writer) error { return writeSeries(w, t, columns) }); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(unfinished, CompressedUsageFile), func(w io.Writer) error {
		compressed := gzip.NewWriter(w)
		if err := writeUsage(compressed, t); err != nil {
			return err
		}
		return compressed.Close()
	}); err != nil {
		return err
	}
	if t.Notes != "" {
		if err := writeFile(filepath.Join(unfinished, NotesFile), func(w io.Writer) error {
			_, err := io.WriteString(w, t.Notes)
			return err
		}); err != nil {
			return err
		}
	}
	return finish(unfinished, folder)
}

// CheckWritable returns an error if Write could not write folder, for which it makes a temporary folder and removes it: worth asking
// before a long work.
func CheckWritable(folder string) error {
	folder = filepath.Clean(folder)
	if err := checkVacant(folder); err != nil {
		return err
	}
	unfinished, err := makeUnfinished(folder)
	if err != nil {
		return err
	}
	return os.Remove(unfinished)
}

// makeUnfinished makes the temporary folder: in the one that is there already, for it may be a volume, which nothing replaces, or
// beside the one that will be.
func makeUnfinished(folder string) (string, error) {
	where, words := filepath.Dir(folder), "beside"
	if isThere(folder) {
		where, words = folder, "in"
	}
	unfinished, err := os.MkdirTemp(where, "."+filepath.Base(folder)+".*")
	if err != nil {
		return "", fmt.Errorf("%s: making a temporary folder %s it: %w", folder, words, err)
	}
	return unfinished, nil
}

func isThere(folder string) bool {
	_, err := os.Stat(folder)
	return err == nil
}

// finish puts what is in the temporary folder where it belongs.
func finish(unfinished, folder string) error {
	if filepath.Dir(unfinished) != folder {
		if err := os.Chmod(unfinished, 0o755); err != nil {
			return err
		}
		return os.Rename(unfinished, folder)
	}
	for _, name := range []string{NotesFile, CompressedUsageFile, SeriesFile} {
		if err := os.Rename(filepath.Join(unfinished, name), filepath.Join(folder, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return os.Remove(unfinished)
}

// checkVacant returns an error if Write would refuse folder because of what is there.
func checkVacant(folder string) error {
	switch entries, err := os.ReadDir(folder); {
	case err == nil && len(entries) > 0:
		return fmt.Errorf("%s: there is something in it already: name another folder, or remove it", folder)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("want a folder that is not there yet: %w", err) // it names the path
	}
	return nil
}

func writeFile(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		return errors.Join(err, file.Close())
	}
	return file.Close()
}

// check returns the further columns, by name, or what keeps the trace from being written.
func (t *Trace) check() ([]string, error) {
	if len(t.Series) == 0 {
		return nil, errors.New("the trace has no series: want at least one")
	}
	seen, columns := map[string]bool{}, map[string]bool{}
	for i := range t.Series {
		s := &t.Series[i]
		if seen[s.ID] {
			return nil, fmt.Errorf("series %q is there twice: want each once", s.ID)
		}
		seen[s.ID] = true
		if err := s.check(); err != nil {
			return nil, fmt.Errorf("series %q (%d of %d): %w", s.ID, i+1, len(t.Series), err)
		}
		for name := range s.Extra {
			columns[name] = true
		}
	}
	further := slices.Sorted(maps.Keys(columns))
	for _, name := range further {
		if problems := checkText(name); name == "" || slices.Contains(ownColumns(), name) || len(problems) > 0 {
			return nil, fmt.Errorf("a further column %q: want a name without control characters that is none of %q", name, ownColumns())
		}
	}
	return further, nil
}

// ownColumns are those that every series.csv has.
func ownColumns() []string {
	return []string{idColumn, requestColumn, sourceColumn, startColumn, endColumn}
}

func writeSeries(w io.Writer, t *Trace, further []string) error {
	rows := csv.NewWriter(w)
	record := append(ownColumns(), further...)
	if err := rows.Write(record); err != nil {
		return err
	}
	for _, s := range t.Series {
		end := ""
		if s.End >= 0 {
			end = seconds(s.End)
		}
		record = append(record[:0], s.ID, strconv.FormatInt(s.RequestBytes, 10), s.RequestSource, seconds(s.Start), end)
		for _, name := range further {
			record = append(record, s.Extra[name])
		}
		if err := rows.Write(record); err != nil {
			return err
		}
	}
	rows.Flush()
	return rows.Error()
}

func writeUsage(w io.Writer, t *Trace) error {
	rows := csv.NewWriter(w)
	record := []string{idColumn, timeColumn, bytesColumn}
	if err := rows.Write(record); err != nil {
		return err
	}
	for _, s := range t.Series {
		for i := range s.Times {
			record[0], record[1], record[2] = s.ID, seconds(s.Times[i]), strconv.FormatInt(s.Bytes[i], 10)
			if err := rows.Write(record); err != nil {
				return err
			}
		}
	}
	rows.Flush()
	return rows.Error()
}
