// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// drawTrace is a trace that breaks no rule.
func drawTrace(t *rapid.T) *Trace {
	text := rapid.StringMatching(`[ -~äß€]{1,12}`)
	ids := rapid.SliceOfNDistinct(text, 1, 6, rapid.ID[string]).Draw(t, "ids")
	columns := rapid.SliceOfNDistinct(rapid.StringMatching(`x[ -~]{0,5}`), 0, 3, rapid.ID[string]).Draw(t, "columns")
	trace := &Trace{Notes: rapid.StringMatching(`[ -~\n]{0,20}`).Draw(t, "notes")}
	for _, id := range ids {
		s := Series{
			ID:            id,
			RequestBytes:  rapid.Int64Range(0, most).Draw(t, "request"),
			RequestSource: text.Draw(t, "source"),
			Start:         rapid.Float64Range(0, 1000).Draw(t, "start"),
			End:           Open,
		}
		if rapid.Bool().Draw(t, "ends") {
			s.End = s.Start + rapid.Float64Range(0.001, 1e6).Draw(t, "life")
		}
		for _, at := range slices.Sorted(slices.Values(rapid.SliceOfDistinct(rapid.Float64Range(0, 1e6), rapid.ID[float64]).Draw(t, "times"))) {
			if s.Alive(at) {
				s.Times = append(s.Times, at)
				s.Bytes = append(s.Bytes, rapid.Int64Range(0, most).Draw(t, "bytes"))
			}
		}
		for _, column := range columns {
			if value := rapid.StringMatching(`[ -~]{0,5}`).Draw(t, "value"); value != "" {
				if s.Extra == nil {
					s.Extra = map[string]string{}
				}
				s.Extra[column] = value
			}
		}
		trace.Series = append(trace.Series, s)
	}
	return trace
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	parent := t.TempDir()
	count := 0
	rapid.Check(t, func(t *rapid.T) {
		count++
		dir := filepath.Join(parent, fmt.Sprintf("trace-%d", count))
		want := drawTrace(t)
		if err := Write(dir, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Series, got.Series); diff != "" {
			t.Fatalf("series (-written +read):\n%s", diff)
		}
		if got.Notes != want.Notes {
			t.Fatalf("notes %q, want %q", got.Notes, want.Notes)
		}
	})
}

func TestEqualTracesGiveEqualBytes(t *testing.T) {
	var files [2][]byte
	for i := range files {
		dir := filepath.Join(t.TempDir(), "trace")
		if err := Write(dir, Generate(3, Workloads(4), Days(1))); err != nil {
			t.Fatal(err)
		}
		usage, err := os.ReadFile(filepath.Join(dir, CompressedUsageFile))
		if err != nil {
			t.Fatal(err)
		}
		series, err := os.ReadFile(filepath.Join(dir, SeriesFile))
		if err != nil {
			t.Fatal(err)
		}
		files[i] = append(series, usage...)
	}
	if diff := cmp.Diff(files[0], files[1]); diff != "" {
		t.Errorf("files (-first +second):\n%s", diff)
	}
}

func TestWriteRefusesWhatReadWouldRefuse(t *testing.T) {
	with := func(change func(*Series)) *Trace {
		s := Series{ID: "a", RequestSource: "provisioned", End: 100, Times: []float64{0, 50}, Bytes: []int64{1, 2}}
		change(&s)
		return &Trace{Series: []Series{s}}
	}
	for _, test := range []struct {
		name  string
		trace *Trace
		want  string
	}{
		{"no series", &Trace{}, "the trace has no series"},
		{"a series twice", &Trace{Series: []Series{{ID: "a", RequestSource: "x", End: 1}, {ID: "a"}}}, `series "a" is there twice`},
		{"no id", with(func(s *Series) { s.ID = "" }), "want an id"},
		{"an id of several lines", with(func(s *Series) { s.ID = "a\nb" }), `series_id "a\nb": want no control characters`},
		{"no source", with(func(s *Series) { s.RequestSource = "" }), "a request source"},
		{"a negative request", with(func(s *Series) { s.RequestBytes = -1 }), "requested_bytes -1: want from 0"},
		{"a start that is no number", with(func(s *Series) { s.Start = math.NaN() }), "a life from NaN"},
		{"an end that is no number", with(func(s *Series) { s.End = math.NaN() }), "to NaN"},
		{"an infinite end", with(func(s *Series) { s.End = math.Inf(1) }), "to +Inf"},
		{"an end before the start", with(func(s *Series) { s.Start, s.End = 5, 4 }), "want an end after the start"},
		{"fewer figures than times", with(func(s *Series) { s.Bytes = nil }), "2 times and 0 figures"},
		{"times that descend", with(func(s *Series) { s.Times[0] = 60 }), "sample 1 at 50: the sample before it is at 60"},
		{"a time that is no number", with(func(s *Series) { s.Times[1] = math.NaN() }), "sample 1 is at NaN"},
		{"a sample outside of life", with(func(s *Series) { s.End = 50 }), "sample 1 at 50: the series ends at 50"},
		{"negative memory", with(func(s *Series) { s.Bytes[1] = -1 }), "holds -1 bytes"},
		{"a limit that is no number", with(func(s *Series) { s.Extra = map[string]string{"limit_bytes": "1Gi"} }), `limit_bytes "1Gi": want a whole number`},
		{"a further column that is one of ours", with(func(s *Series) { s.Extra = map[string]string{"end_s": "x"} }), `a further column "end_s"`},
		{"a further column without a name", with(func(s *Series) { s.Extra = map[string]string{"": "x"} }), `a further column ""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			dir := filepath.Join(parent, "trace")
			if err := Write(dir, test.trace); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want it to contain %q", err, test.want)
			}
			if entries, err := os.ReadDir(parent); err != nil || len(entries) > 0 {
				t.Errorf("%v is left (%v), want nothing", entries, err)
			}
		})
	}
}

func TestWriteTakesNoFolderThatHoldsSomething(t *testing.T) {
	trace := Generate(1, Workloads(1), Days(1))
	taken := folder(t, map[string]string{"README.md": "mine\n"})
	file := filepath.Join(taken, "README.md")
	for _, test := range []struct{ name, dir, want string }{
		{"a folder with a file", taken, "there is something in it already"},
		{"a file", file, file},
		{"below a folder that is not there", filepath.Join(taken, "absent", "trace"), "making a temporary folder beside it"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, err := range []error{CheckWritable(test.dir), Write(test.dir, trace)} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("error %v, want it to contain %q", err, test.want)
				}
			}
			if entries, err := os.ReadDir(taken); err != nil || len(entries) != 1 {
				t.Errorf("the folder holds %v (%v), want the file alone", entries, err)
			}
		})
	}
}

func TestWriteTakesAnEmptyFolder(t *testing.T) {
	trace := Generate(1, Workloads(1), Days(1))
	t.Run("a check leaves nothing", func(t *testing.T) {
		dir := folder(t, nil)
		for _, vacant := range []string{dir, filepath.Join(dir, "trace")} {
			if err := CheckWritable(vacant); err != nil {
				t.Error(err)
			}
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("the folder holds %v (%v), want nothing", entries, err)
		}
	})
	t.Run("an empty folder is taken, and stays the one that it is", func(t *testing.T) {
		dir := folder(t, nil)
		before, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := Write(dir+"/", trace); err != nil {
			t.Fatal(err)
		}
		if after, err := os.Stat(dir); err != nil || !os.SameFile(before, after) {
			t.Errorf("the folder was replaced (%v), which no volume can be", err)
		}
		if _, err := Read(dir); err != nil {
			t.Error(err)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("the folder holds %v (%v), want the series and their samples", entries, err)
		}
	})
}
