// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"bufio"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
)

const (
	// MaxCheckpointBytes bounds a checkpoint. An object of the API may have 1 MiB of data, and it travels as base64, which adds a
	// third (k8s.io/api core/v1 ConfigMap; k8s.io/kubernetes pkg/apis/core/types.go, MaxSecretSize).
	MaxCheckpointBytes = 640 << 10

	// checkpointVersion is raised when a reader of an older version would misunderstand what is written.
	checkpointVersion = 1
	// maxLine and maxText bound a line and all lines, uncompressed, in bytes. A line is about 400.
	maxLine = 4 << 10
	maxText = 32 << 20
	// checkpointBatch is how many lines are compressed before it is looked whether there is room for more.
	checkpointBatch = 64
	// gzipFrame is more than what compression adds to a batch at most, its header and trailer included.
	gzipFrame = 128
	// maxKiB bounds a figure; more is no number of bytes.
	maxKiB = math.MaxInt64 >> 10
)

// Checkpoint is what a learner had learned when it was written.
type Checkpoint struct {
	Written time.Time
	Records []Record
}

// checkpointHeader is the first line of a checkpoint's text. The others are of one workload each.
type checkpointHeader struct {
	Version int       `json:"version"`
	Written time.Time `json:"written"`
}

// checkpointLine is what is written of a workload. Figures have three digits: nobody knows a peak better.
type checkpointLine struct {
	Namespace   string  `json:"namespace"`
	Kind        string  `json:"kind,omitempty"`
	Owner       string  `json:"owner,omitempty"`
	Template    string  `json:"template"`
	Seen        int64   `json:"seen"` // seconds since 1970
	WarmSeconds int64   `json:"warmSeconds"`
	LevelKiB    int64   `json:"levelKiB"`
	RequestKiB  int64   `json:"requestKiB,omitempty"` // of a pod; 0: not known
	Ended       int64   `json:"ended,omitempty"`      // when a pod was last ended for want of memory, seconds since 1970; 0: none was
	Ends        int     `json:"ends,omitempty"`       // how many times in a row
	Hour        int64   `json:"hour,omitempty"`       // that goes on, hours since 1970, and what is expected of it
	HourKiB     int64   `json:"hourKiB,omitempty"`
	LastDay     int32   `json:"lastDay"`    // days since 1970
	DaysBefore  []int32 `json:"daysBefore"` // that day, for each hour of the day (UTC); -1: never seen
	PeaksKiB    []int64 `json:"peaksKiB"`
}

// Encode writes records as compressed lines of JSON, those of the workloads whose pods hold most first, as many as fit into
// MaxCheckpointBytes. kept is how many those are.
func Encode(records []Record, written time.Time) (data []byte, kept int, err error) {
	records = slices.Clone(records)
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(b.hourly.most.Most(), a.hourly.most.Most()), b.seen.Compare(a.seen), compareWorkloads(a.workload, b.workload))
	})
	var compressed, batch bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	if err := appendLine(&batch, checkpointHeader{Version: checkpointVersion, Written: written.UTC()}); err != nil {
		return nil, 0, err
	}
	for text := 0; ; {
		pending := 0
		for pending < checkpointBatch && len(records) > 0 && kept+pending < maxWorkloads {
			if err := appendLine(&batch, records[0].line()); err == nil { // One that is too long is left out, as those are for which there is no room.
				pending++
			}
			records = records[1:]
		}
		text += batch.Len()
		if batch.Len() == 0 || compressed.Len()+batch.Len()+gzipFrame > MaxCheckpointBytes || text > maxText {
			break
		}
		// Writes into memory do not fail.
		_, _ = batch.WriteTo(writer)
		_ = writer.Flush()
		kept += pending
	}
	_ = writer.Close()
	return compressed.Bytes(), kept, nil
}

// appendLine appends a line, or nothing if it is longer than is read again: names of others' kinds may be of any length.
func appendLine(batch *bytes.Buffer, line any) error {
	text, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if len(text) >= maxLine {
		return fmt.Errorf("checkpoint: a line of %d bytes, want less than %d: %.100s", len(text), maxLine, text)
	}
	batch.Write(text)
	batch.WriteByte('\n')
	return nil
}

func compareWorkloads(a, b Workload) int {
	return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Owner, b.Owner), strings.Compare(a.Template, b.Template))
}

// Decode reads what Encode has written. Nothing of a checkpoint that is not whole, is of a newer version or has figures that
// cannot be is taken: the error says what is wrong and in which line. It takes no more memory than the most workloads that a
// learner remembers, whatever the data.
func Decode(data []byte) (*Checkpoint, error) {
	if len(data) > MaxCheckpointBytes {
		return nil, fmt.Errorf("checkpoint of %d bytes: want at most %d", len(data), MaxCheckpointBytes)
	}
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("checkpoint: not compressed by gzip: %w", err)
	}
	defer reader.Close()
	limited := &io.LimitedReader{R: reader, N: maxText + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(make([]byte, maxLine), maxLine)
	checkpoint := &Checkpoint{}
	number := 0
	for lines.Scan() {
		if limited.N <= 0 {
			return nil, fmt.Errorf("checkpoint: more than %d bytes of text", maxText)
		}
		number++
		if number == 1 {
			err = checkpoint.readHeader(lines.Bytes())
		} else {
			err = checkpoint.readLine(lines.Bytes())
		}
		if err != nil {
			return nil, fmt.Errorf("checkpoint, line %d: %w", number, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("checkpoint, after line %d: %w", number, err)
	}
	if number == 0 {
		return nil, errors.New("checkpoint: empty")
	}
	return checkpoint, nil
}

func (c *Checkpoint) readHeader(text []byte) error {
	var header checkpointHeader
	if err := json.Unmarshal(text, &header); err != nil {
		return err
	}
	if header.Version != checkpointVersion {
		return fmt.Errorf("it is of version %d, this program reads version %d", header.Version, checkpointVersion)
	}
	c.Written = header.Written
	return nil
}

func (c *Checkpoint) readLine(text []byte) error {
	if len(c.Records) == maxWorkloads {
		return fmt.Errorf("more than %d workloads", maxWorkloads)
	}
	var line checkpointLine
	if err := json.Unmarshal(text, &line); err != nil {
		return err
	}
	record, err := line.record()
	if err != nil {
		return err
	}
	c.Records = append(c.Records, record)
	return nil
}
