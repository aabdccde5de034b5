// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	seriesHeader = "series_id,requested_bytes,request_source,start_s,end_s\n"
	usageHeader  = "series_id,t_seconds,memory_bytes\n"
	twoSeries    = seriesHeader + "a,100,provisioned,0,600\nb,0,nominal-none,300,\n"
)

// folder makes a folder of files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "some-trace")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func compressed(t *testing.T, text string) string {
	t.Helper()
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func TestReadATrace(t *testing.T) {
	const usage = usageHeader + "a,0,10\na,300.5,20\nb,300,0\n"
	want := []Series{
		{ID: "a", RequestBytes: 100, RequestSource: "provisioned", End: 600, Times: []float64{0, 300.5}, Bytes: []int64{10, 20}},
		{ID: "b", RequestSource: "nominal-none", Start: 300, End: Open, Times: []float64{300}, Bytes: []int64{0}},
	}
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []Series
	}{
		{"plain", map[string]string{SeriesFile: twoSeries, UsageFile: usage}, want},
		{"compressed", map[string]string{SeriesFile: twoSeries, CompressedUsageFile: compressed(t, usage)}, want},
		{
			"byte order mark, carriage returns, quotes, no newline at the end, columns in another order",
			map[string]string{
				SeriesFile: "\uFEFF" + strings.ReplaceAll(twoSeries, "\n", "\r\n"),
				UsageFile:  "\uFEFFmemory_bytes,series_id,t_seconds\r\n10,\"a\",0.0\r\n20,a,300.5\r\n0,b,300",
			},
			want,
		},
		{
			"further columns; empty fields are left out",
			map[string]string{
				SeriesFile: "workload,series_id,requested_bytes,request_source,start_s,end_s,app\n\"w, x\",a,1,provisioned,,,\n,b,2,provisioned,,,y\n",
				UsageFile:  usageHeader,
			},
			[]Series{
				{ID: "a", RequestBytes: 1, RequestSource: "provisioned", End: Open, Extra: map[string]string{"workload": "w, x"}},
				{ID: "b", RequestBytes: 2, RequestSource: "provisioned", End: Open, Extra: map[string]string{"app": "y"}},
			},
		},
		{
			"samples in another order than the series, and a series without",
			map[string]string{SeriesFile: twoSeries, UsageFile: usageHeader + "b,300,7\n"},
			[]Series{
				{ID: "a", RequestBytes: 100, RequestSource: "provisioned", End: 600},
				{ID: "b", RequestSource: "nominal-none", Start: 300, End: Open, Times: []float64{300}, Bytes: []int64{7}},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Read(folder(t, test.files))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Series); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
			if got.Name != "some-trace" {
				t.Errorf("name %q, want the folder's", got.Name)
			}
		})
	}
}

func TestFactsAreThoseOfTheFilesOnDisk(t *testing.T) {
	got, err := Read(folder(t, map[string]string{SeriesFile: twoSeries, UsageFile: usageHeader + "a,0,10\na,300,20\n"}))
	if err != nil {
		t.Fatal(err)
	}
	want := Facts{Samples: 2, Unsampled: 1, Files: []File{
		{Name: "series.csv", Bytes: 101, SHA256: "e7455bd016318ed2f012cd221da3e9b1a077f05697ea5b8382bd66e5a9be53d3"},
		{Name: "usage.csv", Bytes: 49, SHA256: "d830750a99988c34f458f690b9bbb69ee94cc0a0c515ba39a95f2619c5b473ec"},
	}}
	if diff := cmp.Diff(want, got.Facts); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
	if got.Step != 300 || got.Window != 600 {
		t.Errorf("step %v and window %d, want 300 and 600", got.Step, got.Window)
	}
}

func TestReadRefusesASeriesThatBreaksARule(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an empty file", "", "series.csv:1: the file is empty: want a header with the columns series_id"},
		{"no series", seriesHeader, "series.csv:1: no row follows the header: want at least one series"},
		{"a missing column", "series_id,start_s\n", "series.csv:1: the header has no column requested_bytes"},
		{"a column twice", "series_id,series_id\n", `series.csv:1:2: the header has the column "series_id" twice`},
		{"a column of several lines", "\"x\ny\"," + seriesHeader, `series.csv:1: column "x\ny" of the header: want no control characters`},
		{"no id", seriesHeader + ",1,provisioned,0,1\n", `series.csv:2:1: series_id "": the name is empty`},
		{"an id twice", twoSeries + "a,1,provisioned,0,1\n", `series.csv:4:1: series_id "a": line 2 has the same name`},
		{"an id of several lines", seriesHeader + "\"a\nb\",1,provisioned,0,1\n", `series.csv:2:1: series_id "a\nb": not a valid name: want no control`},
		{"an id that is no text", seriesHeader + "\xff,1,provisioned,0,1\n", `series.csv:2:1: series_id "\xff": not a valid name: want UTF-8`},
		{"no request", seriesHeader + "a,,provisioned,0,1\n", `series.csv:2:2: requested_bytes "": want a whole number in digits, at least 0`},
		{"a request with a unit", seriesHeader + "a,1Gi,provisioned,0,1\n", `series.csv:2:2: requested_bytes "1Gi": want a whole number`},
		{"a request of more than any machine", seriesHeader + "a,1125899906842625,provisioned,0,1\n", `too large: want at most 1125899906842624`},
		{"no source", seriesHeader + "a,1,,0,1\n", `series.csv:2:3: request_source "": want how honest the request is`},
		{"a source that is no text", seriesHeader + "a,1,\"x\ty\",0,1\n", `series.csv:2:3: request_source "x\ty": want no control characters`},
		{"a start that is no number", seriesHeader + "a,1,provisioned,NaN,1\n", `series.csv:2:4: start_s "NaN": want a number in digits, such as 12 or 0.5, at least 0`},
		{"a negative start", seriesHeader + "a,1,provisioned,-1,1\n", `series.csv:2:4: start_s "-1": want a number in digits`},
		{"a start since 1970", seriesHeader + "a,1,provisioned,1376438400,\n", `series.csv:2:4: start_s "1376438400": too large: want at most 315360000`},
		{"an end with the start", seriesHeader + "a,1,provisioned,5,5.0\n", `series.csv:2:5: end_s "5.0": want an end after the start, which is 5`},
		{"an infinite end", seriesHeader + "a,1,provisioned,5,Inf\n", `series.csv:2:5: end_s "Inf": want a number in digits`},
		{"a further column that is no text", "x," + seriesHeader + "\"\x00\",a,1,provisioned,0,1\n", `series.csv:2:1: x "\x00": want no control characters`},
		{"too few fields", seriesHeader + "a,1,provisioned,0\n", "series.csv:2:5: the row has 4 fields, want 5: end_s is the first one missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, map[string]string{SeriesFile: test.text, UsageFile: usageHeader}, test.want)
		})
	}
}

func TestReadRefusesLimitsThatAreNoNumbers(t *testing.T) {
	const header = "series_id,requested_bytes,request_source,start_s,end_s,limit_bytes\n"
	for _, test := range []struct{ name, text, want string }{
		{"with a unit", header + "a,1,provisioned,,,\nb,1,provisioned,,,1Gi\n", `series.csv:3:6: limit_bytes "1Gi": want a whole number in digits, at least 0`},
		{"below nothing", header + "a,1,provisioned,,,-1\n", `series.csv:2:6: limit_bytes "-1": want a whole number`},
		{"more than any machine has", header + "a,1,provisioned,,,9000000000000000\n", `series.csv:2:6: limit_bytes "9000000000000000": too large`},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, map[string]string{SeriesFile: test.text, UsageFile: usageHeader}, test.want)
		})
	}
}

func TestReadRefusesSamplesThatBreakARule(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an empty file", "", "usage.csv:1: the file is empty: want a header with the columns series_id, t_seconds, memory_bytes"},
		{"a series that is not known", usageHeader + "a,0,1\nc,0,1\n", `usage.csv:3:1: series_id "c": series.csv has no such series`},
		{"no series", usageHeader + ",0,1\n", `usage.csv:2:1: series_id "": series.csv has no such series`},
		{"a series in two parts", usageHeader + "a,0,1\nb,300,1\na,1,1\n", `usage.csv:4:1: series_id "a": samples of this series stand from line 2 on`},
		{"a time that descends", usageHeader + "a,9,1\na,8.5,1\n", `usage.csv:3:2: t_seconds "8.5": the sample before it is at 9: want times that ascend`},
		{"a time twice", usageHeader + "a,9,1\na,9.0,1\n", `usage.csv:3:2: t_seconds "9.0": the series has a sample at 9 already`},
		{"before life", usageHeader + "b,299,1\n", `usage.csv:2:2: t_seconds "299": the series starts at 300: want its samples within life`},
		{"at the end of life", usageHeader + "a,600,1\n", `usage.csv:2:2: t_seconds "600": the series ends at 600, exclusive`},
		{"a negative time", usageHeader + "a,-1,1\n", `usage.csv:2:2: t_seconds "-1": want a number in digits`},
		{"an exponent", usageHeader + "a,1e2,1\n", `usage.csv:2:2: t_seconds "1e2": want a number in digits`},
		{"a point without digits", usageHeader + "a,1.,1\n", `usage.csv:2:2: t_seconds "1.": want a number in digits`},
		{"no time", usageHeader + "a,,1\n", `usage.csv:2:2: t_seconds "": want a number in digits`},
		{"no memory", usageHeader + "a,0,\n", `usage.csv:2:3: memory_bytes "": want a whole number in digits, at least 0`},
		{"negative memory", usageHeader + "a,0,-5\n", `usage.csv:2:3: memory_bytes "-5": want a whole number in digits, at least 0`},
		{"memory that is no number", usageHeader + "a,0,NaN\n", `usage.csv:2:3: memory_bytes "NaN": want a whole number`},
		{"a fraction of a byte", usageHeader + "a,0,1.5\n", `usage.csv:2:3: memory_bytes "1.5": want a whole number`},
		{"memory of more than any machine", usageHeader + "a,0,9000000000000000\n", `usage.csv:2:3: memory_bytes "9000000000000000": too large`},
		{"too many fields", usageHeader + "a,0,1,1\n", "usage.csv:2:4: the row has 4 fields, want 3: nothing follows memory_bytes"},
		{"a quote that is not closed", usageHeader + "a,0,1\n\"a,0,1\n", "usage.csv:"},
		{"a line without an end", usageHeader + "a,0,1\n" + strings.Repeat("a", 2<<20), "usage.csv:3: the row is longer than 1048576 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantError(t, map[string]string{SeriesFile: twoSeries, UsageFile: test.text}, test.want)
		})
	}
}

func TestReadRefusesFilesThatAreNotWhole(t *testing.T) {
	var long strings.Builder
	long.WriteString(usageHeader)
	for i := range 500 {
		fmt.Fprintf(&long, "a,%d,%d\n", i, i*7919)
	}
	whole := compressed(t, long.String())
	for _, test := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"no series", map[string]string{UsageFile: usageHeader}, "series.csv: no such file"},
		{"no samples", map[string]string{SeriesFile: twoSeries}, "there is neither usage.csv.gz nor usage.csv"},
		{"samples twice", map[string]string{SeriesFile: twoSeries, UsageFile: usageHeader, CompressedUsageFile: whole}, "usage.csv: there is usage.csv.gz beside it: remove one"},
		{"cut", map[string]string{SeriesFile: twoSeries, CompressedUsageFile: whole[:len(whole)/2]}, "the compressed data ends within this line: the file was cut"},
		{"cut in the checksum", map[string]string{SeriesFile: twoSeries, CompressedUsageFile: whole[:len(whole)-3]}, "usage.csv.gz:502: the compressed data ends"},
		{"damaged", map[string]string{SeriesFile: twoSeries, CompressedUsageFile: whole[:len(whole)-8] + "damaged!"}, "usage.csv.gz:502: the file cannot be read beyond this line: gzip: invalid checksum"},
		{"something behind", map[string]string{SeriesFile: twoSeries, CompressedUsageFile: whole + "more"}, "usage.csv.gz:502: "},
		{"not compressed", map[string]string{SeriesFile: twoSeries, CompressedUsageFile: usageHeader}, "usage.csv.gz: the name ends in .gz, but the content is not gzip"},
	} {
		t.Run(test.name, func(t *testing.T) { wantError(t, test.files, test.want) })
	}
}

func wantError(t *testing.T, files map[string]string, want string) {
	t.Helper()
	got, err := Read(folder(t, files))
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want it to contain %q", err, want)
	}
	if got != nil {
		t.Errorf("an error and a trace: %v", got)
	}
}

func BenchmarkRead(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "trace")
	generated := Generate(1, Workloads(250), Days(7))
	if err := Write(dir, generated); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Read(dir); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(generated.Facts.Samples)*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
}
