// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"io"
	"math"

	"github.com/headroom-dev/headroom/pkg/lab/table"
)

// Columns of an arrivals file.
const (
	machineColumn  = "vm"
	arrivalColumn  = "arrival_s"
	batchColumn    = "batch"
	coresColumn    = "cpu_cores"
	shortestColumn = "duration_lo_s"
	longestColumn  = "duration_hi_s"
	censoredColumn = "censored"
)

// Arrival is one machine or pod that somebody started: an arrival process has no usage.
type Arrival struct {
	// ID is unique in the file.
	ID string
	// At is in seconds from the start of the file.
	At float64
	// Batch is the same for what one owner started together.
	Batch int64
	// Cores and Bytes are its size.
	Cores float64
	Bytes int64
	// Shortest and Longest bound its life, in seconds; Longest is exclusive.
	Shortest, Longest float64
	// Censored says that it still ran when the file was made: it lived for at least Shortest.
	Censored bool
}

// ReadArrivals reads arrivals from a CSV file, decompressed if its name ends in .gz, with the columns vm, arrival_s, batch,
// cpu_cores, memory_bytes, duration_lo_s, duration_hi_s and censored (0 or 1). They are in the order of time. Errors are
// those of Read.
func ReadArrivals(path string) ([]Arrival, error) { return table.ReadFile(path, readArrivals) }

func readArrivals(file string, r io.Reader) ([]Arrival, error) {
	t, err := table.New(file, r, machineColumn, arrivalColumn, batchColumn, coresColumn, bytesColumn,
		shortestColumn, longestColumn, censoredColumn)
	if err != nil {
		return nil, err
	}
	seen := map[string]int{}
	before := 0.0 // when the last one came
	return table.Rows(t, "arrival", func(row table.Row) (Arrival, error) {
		arrival, err := readArrival(row, seen)
		if err != nil {
			return Arrival{}, err
		}
		if before > arrival.At {
			return Arrival{}, row.Errorf(arrivalColumn, "the arrival before it is at %s: want them in the order of time", seconds(before))
		}
		before = arrival.At
		return arrival, nil
	})
}

func readArrival(row table.Row, seen map[string]int) (Arrival, error) {
	var a Arrival
	var err error
	if a.ID, err = row.Name(machineColumn, "the name of a machine or pod", seen, checkText); err != nil {
		return Arrival{}, err
	}
	if a.Batch, err = row.Integer(batchColumn, 0, math.MaxInt64); err != nil {
		return Arrival{}, err
	}
	if a.Bytes, err = row.Integer(bytesColumn, 0, most); err != nil {
		return Arrival{}, err
	}
	const mostCores = 1 << 20
	for _, field := range []struct {
		column  string
		value   *float64
		maximum float64
	}{{arrivalColumn, &a.At, longest}, {coresColumn, &a.Cores, mostCores}, {shortestColumn, &a.Shortest, longest}, {longestColumn, &a.Longest, longest}} {
		if *field.value, err = row.Decimal(field.column, field.maximum); err != nil {
			return Arrival{}, err
		}
	}
	if a.Longest <= a.Shortest {
		return Arrival{}, row.Errorf(longestColumn, "want more than the least duration, which is %s", seconds(a.Shortest))
	}
	switch row.Text(censoredColumn) {
	case "0":
	case "1":
		a.Censored = true
	default:
		return Arrival{}, row.Errorf(censoredColumn, "want 0, or 1 if it still ran at the end")
	}
	return a, nil
}
