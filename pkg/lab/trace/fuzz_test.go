// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"bytes"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// place is how every error about a text begins: the file and the line, mostly with the column.
var place = regexp.MustCompile(`^fuzz\.csv:[1-9]\d*(:[1-9]\d*)?: `)

func FuzzReadSeries(f *testing.F) {
	for _, seed := range []string{
		twoSeries, seriesHeader + "a,1,provisioned,0.5,65.2\n", "\uFEFF" + seriesHeader + "\"a\",1,x,,\r\n", seriesHeader, "",
		"series_id,vm_id,requested_bytes,request_source,start_s,end_s,cpu_cores\nfs1-0,1,68719476736,provisioned,0,604800,4\n",
		seriesHeader + "a,1,provisioned,NaN,Inf\n", "\x1f\x8b", "series_id\n\"", seriesHeader + "\"a\nb\",1,x,0,1\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		series, err := readSeries("fuzz.csv", bytes.NewReader(text))
		if failed(t, err) {
			return
		}
		trace := &Trace{Series: series}
		columns, err := trace.check()
		if err != nil {
			t.Fatalf("what was read breaks a rule: %v", err)
		}
		var again bytes.Buffer
		if err := writeSeries(&again, trace, columns); err != nil {
			t.Fatal(err)
		}
		got, err := readSeries("again.csv", &again)
		if err != nil {
			t.Fatalf("what was read is refused when written: %v", err)
		}
		if diff := cmp.Diff(series, got); diff != "" {
			t.Errorf("series (-first +second reading):\n%s", diff)
		}
	})
}

func FuzzReadUsage(f *testing.F) {
	for _, seed := range []string{
		usageHeader + "a,0,10\na,300.5,20\nb,300,0\n", "\uFEFFmemory_bytes,series_id,t_seconds\r\n10,\"a\",0.0\r\n", usageHeader, "",
		usageHeader + "a,0,1\nb,300,1\na,1,1\n", usageHeader + "a,5,1\na,4,1\n", usageHeader + "a,NaN,-1\n", usageHeader + "c,0,1\n", "\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		known := []Series{{ID: "a", RequestSource: "x", End: 600}, {ID: "b", RequestSource: "x", Start: 300, End: Open}}
		series, err := readUsage("fuzz.csv", bytes.NewReader(text), known)
		if failed(t, err) {
			return
		}
		trace := &Trace{Series: series}
		if _, err := trace.check(); err != nil {
			t.Fatalf("what was read breaks a rule: %v", err)
		}
		var again bytes.Buffer
		if err := writeUsage(&again, trace); err != nil {
			t.Fatal(err)
		}
		got, err := readUsage("again.csv", &again, known)
		if err != nil {
			t.Fatalf("what was read is refused when written: %v", err)
		}
		if diff := cmp.Diff(series, got); diff != "" {
			t.Errorf("series (-first +second reading):\n%s", diff)
		}
	})
}

func FuzzReadArrivals(f *testing.F) {
	for _, seed := range []string{
		arrivalsHeader + "0,0,0,8,15032385536,300,600,0\n1,300,1,0.5,805306368,0,300,1\n", arrivalsHeader, "",
		arrivalsHeader + "x,5,0,1,1,0,1,0\ny,4,0,1,1,0,1,0\n", arrivalsHeader + "x,0,0,1,1,7,7,2\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		arrivals, err := readArrivals("fuzz.csv", bytes.NewReader(text))
		if failed(t, err) {
			return
		}
		if len(arrivals) == 0 || !slices.IsSortedFunc(arrivals, func(a, b Arrival) int { return int(a.At - b.At) }) {
			t.Errorf("arrivals %v, want some, in the order of time", arrivals)
		}
		for _, a := range arrivals {
			if a.Bytes < 0 || !isTime(a.At) || !isTime(a.Shortest) || a.Shortest >= a.Longest {
				t.Errorf("arrival %+v breaks a rule", a)
			}
		}
	})
}

// failed reports whether there is an error, and asserts that it says where.
func failed(t *testing.T, err error) bool {
	t.Helper()
	if err != nil && !place.MatchString(err.Error()) {
		t.Errorf("error %q does not begin with file and line", err)
	}
	return err != nil
}
