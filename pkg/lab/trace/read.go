// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/headroom-dev/headroom/pkg/lab/table"
)

// Read reads series.csv, and usage.csv.gz or usage.csv, from folder. An error names the file, and where it is about its
// text, the line and the number of the CSV field: file:line:column. It refuses what breaks a rule of Series, samples of
// series that series.csv does not have, samples of one series that are not together, and a trace without series.
func Read(folder string) (*Trace, error) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", folder, err)
	}
	t := &Trace{Name: filepath.Base(absolute)}
	var fact File
	t.Series, fact, err = readFile(filepath.Join(folder, SeriesFile), readSeries)
	if err != nil {
		return nil, err
	}
	t.Facts.Files = append(t.Facts.Files, fact)
	usage, err := usageFile(folder)
	if err != nil {
		return nil, err
	}
	t.Series, fact, err = readFile(usage, func(file string, r io.Reader) ([]Series, error) {
		return readUsage(file, r, t.Series)
	})
	if err != nil {
		return nil, err
	}
	t.Facts.Files = append(t.Facts.Files, fact)
	if t.Notes, err = readNotes(filepath.Join(folder, NotesFile)); err != nil {
		return nil, err
	}
	t.Summarize()
	return t, nil
}

func readNotes(path string) (string, error) {
	const most = 64 << 10
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err // it names the path
	}
	defer file.Close()
	notes, err := io.ReadAll(io.LimitReader(file, most))
	return string(notes), err
}

// usageFile is the path of the samples. Two files could differ, so there must be one.
func usageFile(folder string) (string, error) {
	plain, compressed := filepath.Join(folder, UsageFile), filepath.Join(folder, CompressedUsageFile)
	_, compressedErr := os.Stat(compressed)
	_, plainErr := os.Stat(plain)
	switch {
	case compressedErr == nil && plainErr == nil:
		return "", fmt.Errorf("%s: there is %s beside it: remove one of them", plain, CompressedUsageFile)
	case compressedErr == nil:
		return compressed, nil
	case plainErr == nil:
		return plain, nil
	case errors.Is(compressedErr, fs.ErrNotExist):
		return "", fmt.Errorf("%s: there is neither %s nor %s: want the samples of the series in one of them",
			folder, CompressedUsageFile, UsageFile)
	}
	return "", compressedErr // it names the path
}

// readFile reads a file, and its facts on the way.
func readFile[T any](path string, read func(file string, r io.Reader) (T, error)) (T, File, error) {
	fact := File{Name: filepath.Base(path)}
	var content, nothing T
	file, err := os.Open(path)
	if err != nil {
		return nothing, fact, err // it names the path
	}
	defer file.Close()
	sum := sha256.New()
	counted := &counter{reader: io.TeeReader(file, sum)}
	if content, err = table.Decompressed(path, counted, read); err != nil {
		return nothing, fact, err
	}
	fact.Bytes, fact.SHA256 = counted.bytes, hex.EncodeToString(sum.Sum(nil))
	return content, fact, nil
}

// counter counts what is read.
type counter struct {
	reader io.Reader
	bytes  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.reader.Read(p)
	c.bytes += int64(n)
	return n, err //nolint:wrapcheck // a reader's end has to stay io.EOF
}
