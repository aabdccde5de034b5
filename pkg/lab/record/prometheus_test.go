// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

// now is where a recording of Prometheus ends: four hours, which are two parts.
var now = time.Date(2026, 1, 2, 4, 0, 0, 0, time.UTC)

// fakePrometheus knows three pods: web-1 from an hour ago on, db-0 all the time but for half an hour, and stray, of which
// kube-state-metrics knows nothing.
type fakePrometheus struct {
	// fails is the number of the range query that is answered by an error, 1 the first; interrupt is called before it.
	fails     int
	interrupt func()
	ranges    int
	// away is when the server has no figures. nil: never.
	away func(ago time.Duration) bool
}

func (f *fakePrometheus) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	query := request.URL.Query()
	if request.URL.Path == "/api/v1/query" {
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, f.vector(query.Get("query")))
		return
	}
	if f.ranges++; f.ranges == f.fails {
		if f.interrupt != nil {
			f.interrupt()
		}
		fmt.Fprint(w, `{"status":"error","error":"query timed out"}`)
		return
	}
	number := func(name string) int64 {
		value, err := strconv.ParseInt(query.Get(name), 10, 64)
		if err != nil {
			panic(err)
		}
		return value
	}
	var series []string
	for pod, alive := range map[string]func(ago time.Duration) bool{
		"web-1": func(ago time.Duration) bool { return ago < time.Hour },
		"db-0":  func(ago time.Duration) bool { return ago >= 90*time.Minute || ago < time.Hour },
		"stray": func(time.Duration) bool { return true },
	} {
		var values []string
		for at := number("start"); at <= number("end"); at += number("step") {
			if ago := now.Sub(time.Unix(at, 0)); alive(ago) && (f.away == nil || !f.away(ago)) {
				values = append(values, fmt.Sprintf(`[%d,"%d"]`, at, 1000+int64(ago/time.Minute)))
			}
		}
		series = append(series, fmt.Sprintf(`{"metric":{"namespace":"shop","pod":"%s"},"values":[%s]}`, pod, strings.Join(values, ",")))
	}
	fmt.Fprintf(w, `{"status":"success","data":{"resultType":"matrix","result":[%s]}}`, strings.Join(series, ","))
}

func (f *fakePrometheus) vector(query string) string {
	element := func(labels, value string) string {
		return fmt.Sprintf(`{"metric":{"namespace":"shop",%s},"value":[0,"%s"]}`, labels, value)
	}
	switch {
	case strings.Contains(query, "kube_pod_info"):
		return element(`"pod":"web-1","priority_class":"high"`, "1") + "," + element(`"pod":"db-0"`, "1")
	case strings.Contains(query, "resource_requests"):
		return element(`"pod":"web-1"`, "4096")
	case strings.Contains(query, "qos_class"):
		return element(`"pod":"web-1","qos_class":"Burstable"`, "1") + "," + element(`"pod":"db-0","qos_class":"BestEffort"`, "1")
	case strings.Contains(query, "kube_pod_owner"):
		return element(`"pod":"db-0","owner_kind":"StatefulSet","owner_name":"db"`, "1")
	}
	return ""
}

// recordFrom records four hours by the two minutes.
func recordFrom(t *testing.T, ctx context.Context, fake *fakePrometheus, change ...func(*Options)) (*trace.Trace, string, error) {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	source, err := prometheus.New(prometheus.Options{Address: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.CloseIdleConnections)
	var shown bytes.Buffer
	o := Options{
		Out: filepath.Join(t.TempDir(), "recorded"), Interval: time.Minute, Duration: 4 * time.Hour,
		Screen: screen.New(&shown, false), Clock: clocktesting.NewFakeClock(now.Add(7 * time.Second)),
	}
	for _, apply := range change {
		apply(&o)
	}
	err = FromPrometheus(ctx, source, o)
	read, readErr := trace.Read(o.Out)
	if err == nil && readErr != nil {
		t.Fatal(readErr)
	}
	return read, shown.String(), err
}

// row is what the tests look at of a series.
type row struct {
	ID                    string
	Request               int64
	Start, End            float64
	Samples               int
	FirstTime, LastTime   float64
	FirstBytes, LastBytes int64
	Workload, QoS, Class  string
}

func rows(read *trace.Trace) []row {
	var all []row
	for _, s := range read.Series {
		last := len(s.Times) - 1
		all = append(all, row{
			ID: s.ID, Request: s.RequestBytes, Start: s.Start, End: s.End, Samples: len(s.Times),
			FirstTime: s.Times[0], LastTime: s.Times[last], FirstBytes: s.Bytes[0], LastBytes: s.Bytes[last],
			Workload: s.Extra["workload"], QoS: s.Extra["qos"], Class: s.Extra["priority_class"],
		})
	}
	return all
}

func TestARecordingOfPrometheus(t *testing.T) {
	read, shown, err := recordFrom(t, t.Context(), &fakePrometheus{})
	if err != nil {
		t.Fatal(err)
	}
	want := []row{
		// Until 90 minutes ago, then from an hour ago on; 0 seconds is four hours ago.
		{ID: "shop/db-0", Start: 0, End: 9060, Samples: 150, FirstTime: 60, LastTime: 9000, FirstBytes: 1239, LastBytes: 1090, Workload: "shop/StatefulSet/db", QoS: "BestEffort"},
		{ID: "shop/db-0#2", Start: 10800, End: trace.Open, Samples: 60, FirstTime: 10860, LastTime: 14400, FirstBytes: 1059, LastBytes: 1000, Workload: "shop/StatefulSet/db", QoS: "BestEffort"},
		{ID: "shop/web-1", Request: 4096, Start: 10800, End: trace.Open, Samples: 60, FirstTime: 10860, LastTime: 14400, FirstBytes: 1059, LastBytes: 1000, QoS: "Burstable", Class: "high"},
	}
	if diff := cmp.Diff(want, rows(read)); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if read.Step != 60 || read.Window != 14460 {
		t.Errorf("step %v and window %d, want a minute and four hours with a step", read.Step, read.Window)
	}
	for _, part := range []string{"second 0 is 2026-01-02T00:00:00Z", "from Prometheus", "1 pod(s) were left out"} {
		if !strings.Contains(read.Notes, part) {
			t.Errorf("the notes lack %q:\n%s", part, read.Notes)
		}
	}
	for _, part := range []string{"120 of 240 steps | 2 pods", "3 pods, 270 samples in 4h1m0s", "1 more pod(s) were left out"} {
		if !strings.Contains(shown, part) {
			t.Errorf("the output lacks %q:\n%s", part, shown)
		}
	}
}

// What all pods miss is the server's, and no pod's end.
func TestAGapOfTheServerEndsNoPod(t *testing.T) {
	for _, test := range []struct {
		name string
		away func(ago time.Duration) bool
		want []string // lives, with their number of samples
	}{
		{"half an hour", func(ago time.Duration) bool { return ago >= 3*time.Hour && ago < 210*time.Minute }, []string{"shop/db-0 0-9060 120", "shop/db-0#2 10800--1 60", "shop/web-1 10800--1 60"}},
		{"while one pod is replaced", func(ago time.Duration) bool { return ago >= time.Hour && ago < 85*time.Minute }, []string{"shop/db-0 0--1 210", "shop/web-1 10800--1 60"}},
		{"from a part to the next", func(ago time.Duration) bool { return ago >= 110*time.Minute && ago < 130*time.Minute }, []string{"shop/db-0 0-9060 130", "shop/db-0#2 10800--1 60", "shop/web-1 10800--1 60"}},
		{"at the end", func(ago time.Duration) bool { return ago < 10*time.Minute }, []string{"shop/db-0 0-9060 150", "shop/db-0#2 10800--1 50", "shop/web-1 10800--1 50"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			read, _, err := recordFrom(t, t.Context(), &fakePrometheus{away: test.away})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range rows(read) {
				got = append(got, fmt.Sprintf("%s %g-%g %d", r.ID, r.Start, r.End, r.Samples))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("lives (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARecordingBeginsWithWhatTheServerKnows(t *testing.T) {
	read, _, err := recordFrom(t, t.Context(), &fakePrometheus{away: func(ago time.Duration) bool { return ago >= 3*time.Hour }})
	if err != nil {
		t.Fatal(err)
	}
	first := rows(read)[0]
	if first.Start != 0 || first.FirstTime != 60 || read.Window != 10860 {
		t.Errorf("%s starts at %g with a sample at %g in a trace of %d s, want 0, 60 and three hours with a step", first.ID, first.Start, first.FirstTime, read.Window)
	}
	if want := "second 0 is 2026-01-02T01:00:00Z"; !strings.Contains(read.Notes, want) {
		t.Errorf("the notes lack %q:\n%s", want, read.Notes)
	}
}

func TestAnAnonymousRecordingNamesNothing(t *testing.T) {
	read, _, err := recordFrom(t, t.Context(), &fakePrometheus{}, func(o *Options) { o.Anonymize = true })
	if err != nil {
		t.Fatal(err)
	}
	if a, b := read.Series[0].Extra["workload"], read.Series[1].Extra["workload"]; a != b || !strings.HasPrefix(a, "workload-") {
		t.Errorf("workloads %q and %q, want one hash", a, b)
	}
	for _, s := range read.Series {
		said := fmt.Sprint(s.ID, s.Extra, read.Notes)
		for _, name := range []string{"shop", "web-1", "db-0", "StatefulSet", "priority_class:high", "2026"} {
			if strings.Contains(said, name) {
				t.Errorf("%q is in the trace: %s", name, said)
			}
		}
	}
}

func TestARecordingThatEndsEarlyKeepsThePartsThatAreComplete(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, test := range []struct {
		name    string
		fake    *fakePrometheus
		err     string // "": none
		samples int
		note    string
	}{
		{"the server fails in the second part", &fakePrometheus{fails: 2}, "query timed out", 120, "ended early: Prometheus did not answer"},
		{"an interrupt in the second part", &fakePrometheus{fails: 2, interrupt: cancel}, "", 120, "ended early: interrupted"},
		{"the server fails at once", &fakePrometheus{fails: 1}, "query timed out", 0, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx := ctx
			if test.fake.interrupt == nil {
				ctx = t.Context()
			}
			read, _, err := recordFrom(t, ctx, test.fake)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
			if test.samples == 0 {
				if read != nil {
					t.Errorf("a trace of %d samples, want none", read.Facts.Samples)
				}
				return
			}
			if read == nil || read.Facts.Samples != test.samples || !strings.Contains(read.Notes, test.note) {
				t.Errorf("trace %+v, want %d samples and the note %q", read, test.samples, test.note)
			}
		})
	}
}

func TestARecordingThatCannotBeWrittenDoesNotBegin(t *testing.T) {
	taken := t.TempDir()
	if err := os.WriteFile(filepath.Join(taken, "series.csv"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		change func(*Options)
		want   string
	}{
		{"a folder with something in it", func(o *Options) { o.Out = taken }, "there is something in it already"},
		{"where no folder can be made", func(o *Options) { o.Out = filepath.Join(taken, "new", strings.Repeat("x", 250)) }, "making a temporary folder beside it"},
		{"half a second", func(o *Options) { o.Interval = time.Second / 2 }, "interval 500ms: want whole seconds"},
		{"less than an interval", func(o *Options) { o.Duration = time.Second }, "duration 1s: want at least the interval, which is 1m0s"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fake := &fakePrometheus{}
			if _, _, err := recordFrom(t, t.Context(), fake, test.change); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want it to contain %q", err, test.want)
			}
			if fake.ranges > 0 {
				t.Errorf("%d ranges were asked for, want none", fake.ranges)
			}
		})
	}
}

func TestWithoutKnownRequestsNothingIsWritten(t *testing.T) {
	o := Options{Out: filepath.Join(t.TempDir(), "out"), Screen: screen.New(&bytes.Buffer{}, false)}
	r := &recording{lives: []*life{{times: []time.Time{now}, bytes: []int64{1}}}, samples: 1}
	if err := o.finish(r, now, "", ""); err == nil || !strings.Contains(err.Error(), "does Prometheus scrape kube-state-metrics") {
		t.Errorf("error %v, want it to ask for kube-state-metrics", err)
	}
	if _, err := os.Stat(o.Out); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is there (%v)", o.Out, err)
	}
}
