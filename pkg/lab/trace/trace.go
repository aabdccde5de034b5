// SPDX-License-Identifier: Apache-2.0

// Package trace reads, writes and generates memory traces.
//
// A trace is a folder of two CSV files: series.csv has a row for each pod, machine or container, usage.csv.gz (or
// usage.csv) its samples. Times are in seconds since the start of the trace, memory in bytes.
package trace

import (
	"slices"
)

// The files of a trace.
const (
	SeriesFile          = "series.csv"
	UsageFile           = "usage.csv"
	CompressedUsageFile = "usage.csv.gz"
	NotesFile           = "README.md"
)

// Columns of the two files. series.csv may have more; see Series.Extra.
const (
	idColumn      = "series_id"
	requestColumn = "requested_bytes"
	sourceColumn  = "request_source"
	startColumn   = "start_s"
	endColumn     = "end_s"

	timeColumn  = "t_seconds"
	bytesColumn = "memory_bytes"
)

// WorkloadColumn is a further column of series.csv, where it is known: what owns the series. Series of one workload are
// siblings, such as the replicas of a Deployment.
const WorkloadColumn = "workload"

// LimitColumn is a further column of series.csv, where it is known: the memory limit in bytes, 0 for none.
const LimitColumn = "limit_bytes"

// Open is the End of a series that the trace does not see end.
const Open = -1

// Trace is memory over time of many series.
type Trace struct {
	// Name is the base name of the folder.
	Name string
	// Series are in the order of series.csv.
	Series []Series
	// Window is the length of the trace in whole seconds: the largest end, where a series without one ends a step after
	// its last sample.
	Window int64
	// Step is the median distance of the samples of a series, in seconds; 0 when no series has two.
	Step float64
	// Facts are about the files that were read.
	Facts Facts
	// Notes say where the trace is from and what its figures mean: README.md, which may be missing. Of a long one the
	// first 64 KiB are read.
	Notes string
}

// Series is the life of one pod, machine or container.
type Series struct {
	// ID is unique in the trace, and has no control characters.
	ID string
	// RequestBytes is the memory request, 0 for none.
	RequestBytes int64
	// RequestSource says how honest the request is: "provisioned" if somebody asked for so much; "synthetic-" or
	// "nominal-" and a rule if whoever made the trace did.
	RequestSource string
	// Start and End are seconds from the start of the trace. End is exclusive; below 0 the series has none.
	Start, End float64
	// Times are when it was sampled, in seconds from the start of the trace: ascending, none twice, all within life.
	// There are none if it was never sampled.
	Times []float64
	// Bytes are what each sample says.
	Bytes []int64
	// Extra is further columns by name; empty fields are left out.
	Extra map[string]string
}

// Facts are what a report says of a trace.
type Facts struct {
	// Samples counts the rows of usage.csv, Unsampled the series that have none.
	Samples, Unsampled int
	// Files are what was read.
	Files []File
}

// File is one file as it was read.
type File struct {
	Name string
	// Bytes is its size on disk, compressed or not.
	Bytes int64
	// SHA256 is the checksum of the same bytes, in lower-case hexadecimal digits.
	SHA256 string
}

// Alive reports whether the series lives at second t.
func (s *Series) Alive(t float64) bool { return t >= s.Start && (s.End < 0 || t < s.End) }

// At is the last sample at or before second t. It is unknown, and ok false, outside of life and before the first sample.
func (s *Series) At(t float64) (bytes int64, ok bool) {
	if !s.Alive(t) {
		return 0, false
	}
	i, exact := slices.BinarySearch(s.Times, t)
	if exact {
		return s.Bytes[i], true
	}
	if i == 0 {
		return 0, false
	}
	return s.Bytes[i-1], true
}

// Summarize sets what follows from the series: Window, Step, and the counts of Facts.
func (t *Trace) Summarize() {
	t.Facts.Samples, t.Facts.Unsampled = 0, 0
	for i := range t.Series {
		t.Facts.Samples += len(t.Series[i].Times)
		if len(t.Series[i].Times) == 0 {
			t.Facts.Unsampled++
		}
	}
	t.Step = step(t.Series)
	t.Window = window(t.Series, t.Step)
}
