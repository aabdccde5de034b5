// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"encoding/csv"
	"io"
	"regexp"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// place is how every error about a text begins: the file and the line, mostly with the column.
var place = regexp.MustCompile(`^fuzz\.csv:[1-9]\d*(:[1-9]\d*)?: `)

// fuzz asserts that read either names the place of an error, or returns rows that are the same when written and read again.
func fuzz[T any](t *testing.T, text []byte, read func(string, io.Reader) ([]T, error), header []string, encode func(T) []string) {
	t.Helper()
	rows, err := read("fuzz.csv", bytes.NewReader(text))
	if err != nil {
		if !place.MatchString(err.Error()) {
			t.Errorf("error %q does not begin with file and line", err)
		}
		if rows != nil {
			t.Errorf("an error and rows: %v", rows)
		}
		return
	}
	if len(rows) == 0 {
		t.Fatal("neither rows nor an error")
	}
	var again bytes.Buffer
	writer := csv.NewWriter(&again)
	records := [][]string{header}
	for _, row := range rows {
		records = append(records, encode(row))
	}
	if err := writer.WriteAll(records); err != nil {
		t.Fatal(err)
	}
	got, err := read("again.csv", &again)
	if err != nil {
		t.Fatalf("what was read is refused when written: %v", err)
	}
	if diff := cmp.Diff(rows, got); diff != "" {
		t.Errorf("rows (-first +second reading):\n%s", diff)
	}
}

func decimal(value int64) string { return strconv.FormatInt(value, 10) }

func FuzzReadNodes(f *testing.F) {
	for _, seed := range []string{
		"node,cpu_milli,memory_bytes\na,4000,8589934592\nb,500,1073741824\n",
		"gpu,memory_bytes,node,cpu_milli\r\n8,200000000,a.b,1\r\n",
		"\uFEFFnode,cpu_milli,memory_bytes\n\"a\",1,104857601",
		"node,cpu_milli,memory_bytes\na,1,9223372036854775807\nb,1,200000000\n",
		"node,cpu_milli,memory_bytes\na,-1,1e9\n", "node,node\n", "node\n\"", "\x1f\x8b", "",
		"m,node,cpu_milli,memory_bytes\n\"x\ny\",a,1,200000000\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fuzz(t, text, ReadNodes, []string{nodeColumn, cpuColumn, capacityColumn}, func(n Node) []string {
			return []string{n.Name, decimal(n.CPUMilli), decimal(n.MemoryBytes)}
		})
	})
}

func FuzzReadPods(f *testing.F) {
	for _, seed := range []string{
		"series_id,cpu_milli,requested_bytes\na,500,1073741824\n",
		"series_id,cpu_milli,requested_bytes,num_gpu,qos,phase,start_s,end_s\na,12000,17179869184,1,LS,Running,0,12537496\nb,0,0,0,BE,Failed,,\n",
		"end_s,series_id,cpu_milli,requested_bytes\n,a,0,0\n7,b,0,0\n",
		"series_id,cpu_milli,requested_bytes,start_s,end_s\na,1,1,10,9\n",
		"series_id,cpu_milli,requested_bytes\ninstance_0,1,1\n", "series_id\n", "\n\n", "\"a",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fuzz(t, text, ReadPods, []string{podColumn, cpuColumn, requestColumn, startColumn, endColumn}, func(p Pod) []string {
			return []string{p.Name, decimal(p.CPUMilli), decimal(p.RequestedBytes), decimal(p.StartSeconds), decimal(p.EndSeconds)}
		})
	})
}
