// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// compressed is text as a checkpoint holds it.
func compressed(tb testing.TB, text string) []byte {
	tb.Helper()
	var data bytes.Buffer
	writer := gzip.NewWriter(&data)
	if _, err := writer.Write([]byte(text)); err != nil {
		tb.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		tb.Fatal(err)
	}
	return data.Bytes()
}

// figures is a JSON list of the same figure for each hour.
func figures(figure string) string {
	return "[" + strings.Repeat(figure+",", forecast.Hours-1) + figure + "]"
}

const header = `{"version":1,"written":"2026-01-02T12:00:00Z"}` + "\n"

// lineOf is a good line in which text was replaced.
func lineOf(old, replacement string) string {
	good := `{"namespace":"shop","kind":"ReplicaSet","owner":"web","template":"abc","seen":1767355200,"warmSeconds":3600,"levelKiB":204800,` +
		`"lastDay":20455,"daysBefore":` + figures("0") + `,"peaksKiB":` + figures("409600") + "}\n"
	return strings.Replace(good, old, replacement, 1)
}

// restarted is a learner that was given what another one had learned by noon, all of it, through a checkpoint.
func restarted(t *testing.T, learner *forecast.Learner) *forecast.Learner {
	t.Helper()
	records := learner.Records()
	data, kept, err := forecast.Encode(records, noon)
	if err != nil || kept != len(records) {
		t.Fatalf("%d of %d workloads are written, %v, want all", kept, len(records), err)
	}
	restored, err := restore(fixedPrior{}, data)
	if err != nil {
		t.Fatal(err)
	}
	return restored
}

func TestWhatWasLearnedSurvives(t *testing.T) {
	web := forecast.Workload{Namespace: "shop", Kind: "ReplicaSet", Owner: "web", Template: "abc"}
	restored, err := restore(fixedPrior{}, compressed(t, header+lineOf("", "")))
	if err != nil {
		t.Fatal(err)
	}
	got := restored.Adjust(fixedPrior{}.Demand(nil), web)
	if peak := got.PeakBytes / mi; peak < 460 || peak > 464 || got.PeakSource != forecast.SourceSiblings {
		t.Errorf("expected: %dMi from %s, want the 400Mi that were learned with a margin of 15 %%, and hardly anything of the prior", peak, got.PeakSource)
	}
	if after := restarted(t, restored).Adjust(fixedPrior{}.Demand(nil), web); !near(after.PeakBytes, got.PeakBytes) || !near(after.FirmBytes, got.FirmBytes) {
		t.Errorf("written and read again: %+v, want %+v", after, got)
	}
}

func TestACheckpointThatIsNotWholeIsRefused(t *testing.T) {
	whole := compressed(t, header+lineOf("", ""))
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-5] ^= 1 // of the checksum
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "not compressed by gzip"},
		{"text", []byte(header), "not compressed by gzip"},
		{"an empty text", compressed(t, ""), "empty"},
		{"cut off", whole[:len(whole)-9], "unexpected EOF"},
		{"changed", flipped, "checksum"},
		{"too large", make([]byte, forecast.MaxCheckpointBytes+1), "want at most 655360"},
		{"a newer version", compressed(t, `{"version":2}`+"\n"), "line 1: it is of version 2, this program reads version 1"},
		{"no version", compressed(t, "{}\n"), "line 1: it is of version 0"},
		{"a line that is no JSON", compressed(t, header+"web 400Mi\n"), "line 2: "},
		{"a line that does not end", compressed(t, header+strings.Repeat(" ", 5000)), "after line 1: "},
		{"a line without figures", compressed(t, header+lineOf(figures("409600"), "[]")), "line 2: daysBefore has 24 figures and peaksKiB 0"},
		{"more than a learner holds", compressed(t, header+strings.Repeat(lineOf("", ""), 20_001)), "line 20002: more than 20000 workloads"},
		{"a peak below nothing", compressed(t, header+lineOf("[409600", "[-1")), "line 2: hour 0: daysBefore is 0 and peaksKiB -1"},
		{"a peak above all numbers", compressed(t, header+lineOf("[409600", "[9007199254740993")), "line 2: hour 0"},
		{"a peak of a day that never was", compressed(t, header+lineOf("[0,", "[-1,")), "line 2: hour 0: daysBefore is -1 and peaksKiB 409600"},
		{"a level below nothing", compressed(t, header+lineOf("204800", "-1")), "line 2: levelKiB is -1"},
		{"a request below nothing", compressed(t, header+lineOf(`"levelKiB":`, `"requestKiB":-1,"levelKiB":`)), "line 2: requestKiB is -1"},
		{"a time below nothing", compressed(t, header+lineOf("3600", "-1")), "line 2: warmSeconds is -1"},
		{"ends without a time", compressed(t, header+lineOf(`"levelKiB":`, `"ends":1,"levelKiB":`)), "line 2: ends is 1 and ended 0"},
		{"less than nothing expected of the hour", compressed(t, header+lineOf(`"levelKiB":`, `"hour":490932,"hourKiB":-1,"levelKiB":`)), "line 2: hourKiB is -1"},
		{"an hour before 1970", compressed(t, header+lineOf(`"levelKiB":`, `"hour":-1,"hourKiB":1,"levelKiB":`)), "line 2: hour is -1"},
		{"more ends than are counted", compressed(t, header+lineOf(`"levelKiB":`, `"ended":1767355200,"ends":8,"levelKiB":`)), "line 2: ends is 8"},
		{"a day before all days", compressed(t, header+lineOf("20455", "-1")), "line 2: lastDay is -1"},
		{"a day after all days", compressed(t, header+lineOf("20455", "2147483647")), "line 2: lastDay is 2147483647"},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner, err := restore(fixedPrior{}, test.data)
			if err == nil || learner != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("learner %v, error %v, want an error with %q", learner, err, test.want)
			}
		})
	}
}

// 60 MB in 120 KB.
func TestACheckpointThatUnfoldsWithoutEndIsRefused(t *testing.T) {
	data := compressed(t, header+strings.Repeat(lineOf(`"web"`, `"`+strings.Repeat("w", 3000)+`"`), 19_000))
	if _, err := forecast.Decode(data); err == nil || !strings.Contains(err.Error(), "more than 33554432 bytes of text") {
		t.Errorf("%d bytes that hold 60 MB: %v, want them refused", len(data), err)
	}
}

func TestTheLargestWorkloadsAreKeptWhereNotAllFit(t *testing.T) {
	learner := forecast.NewLearner(fixedPrior{})
	random := rand.New(rand.NewPCG(1, 2))
	for hour := range forecast.Hours {
		learner.Begin(noon.Add(time.Duration(hour) * time.Hour))
		for i := range 20_000 {
			learner.Observe(workloadNumber(i), int64(i+1)*mi+random.Int64N(int64(i+1)*mi/10), time.Hour)
		}
	}
	data, kept, err := forecast.Encode(learner.Records(), noon)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d of 20000 workloads in %d bytes", kept, len(data))
	checkpoint, err := forecast.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > forecast.MaxCheckpointBytes || len(checkpoint.Records) != kept || kept < 5000 {
		t.Errorf("%d bytes with %d workloads, said to be %d: want at most %d bytes, and 5000 workloads at least", len(data), len(checkpoint.Records), kept, forecast.MaxCheckpointBytes)
	}
	written := map[forecast.Workload]bool{}
	for i := range checkpoint.Records {
		written[checkpoint.Records[i].Workload()] = true
	}
	if !written[workloadNumber(19_999)] || written[workloadNumber(0)] {
		t.Error("want the largest workload in it, and not the smallest")
	}
}

func TestNamesWithoutEndAreLeftOut(t *testing.T) {
	learner := forecast.NewLearner(fixedPrior{})
	learner.Begin(noon)
	learner.Observe(forecast.Workload{Kind: strings.Repeat("x", 100_000)}, 2*mi, time.Hour)
	learner.Observe(forecast.Workload{Owner: "web"}, mi, time.Hour)
	data, kept, err := forecast.Encode(learner.Records(), noon)
	if err != nil || kept != 1 {
		t.Fatalf("%d written, %v, want the one workload of a sensible name", kept, err)
	}
	if checkpoint, err := forecast.Decode(data); err != nil || len(checkpoint.Records) != 1 || checkpoint.Records[0].Workload().Owner != "web" {
		t.Errorf("read again: %+v, %v", checkpoint, err)
	}
}

// A clock that was ahead must not make all that comes later count for nothing.
func TestWhatIsSaidOfTheFutureCountsForNow(t *testing.T) {
	ahead := forecast.NewLearner(fixedPrior{})
	web := forecast.Workload{Owner: "web"}
	ahead.Begin(noon.Add(1000 * 24 * time.Hour))
	ahead.Observe(web, 800*mi, time.Hour)
	learner := forecast.NewLearner(fixedPrior{})
	learner.Merge(ahead.Records(), noon)
	learner.Begin(noon.Add(24 * time.Hour))
	learner.Observe(web, 100*mi, 10*time.Hour)
	learner.Begin(noon.Add(25 * time.Hour))
	learner.Publish()
	if got := learner.Adjust(fixedPrior{}.Demand(nil), web).PeakBytes / mi; got < 459 || got > 460 {
		t.Errorf("a day later %dMi are expected, want half of the 800Mi with the margin: 460Mi", got)
	}
}

func TestMergingCountsTheLargerPeakAndTheLatestLevel(t *testing.T) {
	web := forecast.Workload{Owner: "web"}
	known := func(before time.Duration, held int64) *forecast.Learner {
		learner := forecast.NewLearner(fixedPrior{})
		learner.Begin(noon.Add(-before))
		learner.Observe(web, held*mi, 10*time.Hour)
		return learner
	}
	for _, test := range []struct {
		name             string
		own, other       *forecast.Learner
		wantPeak, wantAt int64 // Mi, at most and of late
	}{
		{"nothing of one's own", forecast.NewLearner(fixedPrior{}), known(0, 600), 690, 600},
		{"less, and later, elsewhere", known(time.Minute, 800), known(0, 600), 920, 600},
		{"more, and a day ago in this hour, elsewhere: it may still come", known(0, 100), known(24*time.Hour, 800), 920, 500},
		{"more, and a day ago in an earlier hour, elsewhere", known(0, 100), known(26*time.Hour, 800), 460, 500},
		{"so long ago that it would be forgotten", known(0, 100), known(9*24*time.Hour, 8000), 115, 500},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.own.Merge(test.other.Records(), noon)
			test.own.Begin(noon)
			test.own.Publish()
			got := test.own.Adjust(fixedPrior{}.Demand(nil), web)
			if peak, firm := (got.PeakBytes+mi-1)/mi, (got.FirmBytes+mi-1)/mi; peak != test.wantPeak || firm != test.wantAt {
				t.Errorf("expected at most %dMi, and %dMi at once, want %dMi and %dMi", peak, firm, test.wantPeak, test.wantAt)
			}
		})
	}
}

// A history tells what was held in past hours, not what is held of late: it takes nothing from one who knows, whichever comes first.
func TestAHistoryDoesNotEraseWhatAnEvictionTold(t *testing.T) {
	web := forecast.Workload{Owner: "web"}
	evicted, history := forecast.NewLearner(fixedPrior{}), forecast.NewLearner(fixedPrior{})
	evicted.Begin(noon.Add(-10 * time.Minute))
	evicted.Ended(web, 8000*mi, noon.Add(-10*time.Minute))
	history.Begin(noon)
	history.Recall(web, 8000*mi, noon.Add(-time.Minute), 10*time.Hour)
	for name, order := range map[string][]*forecast.Learner{"history last": {evicted, history}, "history first": {history, evicted}} {
		learner := forecast.NewLearner(fixedPrior{})
		for _, other := range order {
			learner.Merge(other.Records(), noon)
		}
		learner.Begin(noon)
		learner.Publish()
		// 9600Mi, halved after ten minutes beyond the first five.
		if got := learner.Adjust(fixedPrior{}.Demand(nil), web).FirmBytes / mi; got < 6000 || got > 8000 {
			t.Errorf("%s: %dMi are asked for at once, want about 7000Mi", name, got)
		}
	}
}

// Whatever was learned, it is expected again within half a percent, and to write it once more changes nothing.
func TestRoundTrip(t *testing.T) { rapid.Check(t, roundTrip) }

func FuzzRoundTrip(f *testing.F) { f.Fuzz(rapid.MakeFuzz(roundTrip)) }

func roundTrip(t *rapid.T) {
	learner := forecast.NewLearner(fixedPrior{})
	name := rapid.StringMatching(`[a-z0-9-]{0,20}`)
	now := noon
	var workloads []forecast.Workload
	for range rapid.IntRange(0, 20).Draw(t, "observations") {
		workload := forecast.Workload{Namespace: name.Draw(t, "namespace"), Kind: name.Draw(t, "kind"), Owner: name.Draw(t, "owner"), Template: name.Draw(t, "template")}
		workloads = append(workloads, workload)
		now = now.Add(time.Duration(rapid.IntRange(0, 30).Draw(t, "hours")) * time.Hour)
		learner.Begin(now)
		learner.Observe(workload, rapid.Int64Range(0, 1<<50).Draw(t, "bytes"), time.Duration(rapid.IntRange(0, 1e6).Draw(t, "seconds"))*time.Second)
	}
	learner.Publish()
	data, kept, err := forecast.Encode(learner.Records(), now)
	if err != nil || kept > len(workloads) || len(data) > forecast.MaxCheckpointBytes {
		t.Fatalf("%d of %d workloads in %d bytes, %v", kept, len(workloads), len(data), err)
	}
	restored, err := restore(fixedPrior{}, data)
	if err != nil {
		t.Fatal(err)
	}
	for _, workload := range workloads {
		want, got := learner.Adjust(fixedPrior{}.Demand(nil), workload), restored.Adjust(fixedPrior{}.Demand(nil), workload)
		if want.PeakSource != got.PeakSource || !near(want.PeakBytes, got.PeakBytes) || !near(want.FirmBytes, got.FirmBytes) {
			t.Fatalf("%+v: %+v, want about %+v", workload, got, want)
		}
	}
	once, _, _ := forecast.Encode(restored.Records(), now)
	if restored, err = restore(fixedPrior{}, once); err != nil {
		t.Fatal(err)
	}
	if twice, _, err := forecast.Encode(restored.Records(), now); err != nil || !bytes.Equal(once, twice) {
		t.Fatalf("written once more: other bytes, %v", err)
	}
}

// near: within half a percent, and a KiB, which is the smallest step.
func near(a, b int64) bool {
	difference := max(a-b, b-a)
	return difference <= max(a, b)/200+2048
}

func FuzzDecode(f *testing.F) {
	f.Add(compressed(f, header+lineOf("", "")))
	f.Add(compressed(f, header))
	f.Add([]byte(header))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, compressed(t, string(data)), compressed(t, header+string(data))} {
			checkpoint, err := forecast.Decode(data)
			if err != nil {
				continue
			}
			learner := forecast.NewLearner(fixedPrior{})
			learner.Merge(checkpoint.Records, noon)
			learner.Begin(noon)
			learner.Publish()
			if _, _, err := forecast.Encode(learner.Records(), noon); err != nil {
				t.Errorf("what was read cannot be written: %v", err)
			}
		}
	})
}

// restore returns a learner that knows what a checkpoint says, as of when it was written: what a scheduler with that prior has learned.
func restore(prior forecast.Estimator, data []byte) (*forecast.Learner, error) {
	checkpoint, err := forecast.Decode(data)
	if err != nil {
		return nil, err
	}
	learner := forecast.NewLearner(prior)
	learner.Begin(checkpoint.Written)
	learner.Merge(checkpoint.Records, checkpoint.Written)
	learner.Publish()
	return learner, nil
}
