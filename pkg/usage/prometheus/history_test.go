// SPDX-License-Identifier: Apache-2.0

package prometheus_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

const day = 24 * time.Hour

// byTime answers by the time parameter, and with an empty vector otherwise.
func byTime(answers map[time.Time]http.HandlerFunc) http.HandlerFunc {
	byText := map[string]http.HandlerFunc{}
	for when, answer := range answers {
		byText[strconv.FormatInt(when.Unix(), 10)] = answer
	}
	return func(w http.ResponseWriter, request *http.Request) {
		answer, ok := byText[request.URL.Query().Get("time")]
		if !ok {
			answer = vector()
		}
		answer(w, request)
	}
}

func TestHistory(t *testing.T) {
	source := start(t, server{"peaks[86400s]": byTime(map[time.Time]http.HandlerFunc{
		now.Add(-2 * day): vector(podLabels("a"), "300", podLabels("b"), "NaN"),
		now:               vector(podLabels("a"), "500", podLabels("a"), "600", podLabels("c"), "7", `{}`, "1", podLabels("d"), "-1"),
	})})
	got, err := source.History(t.Context(), 2*day+time.Hour, day) // three steps, the second of which knows nothing
	if err != nil {
		t.Fatal(err)
	}
	name := func(name string) types.NamespacedName { return types.NamespacedName{Namespace: "default", Name: name} }
	want := &prometheus.History{
		Pods: map[types.NamespacedName][]prometheus.Peak{
			name("a"): {{Bytes: 300, Since: now.Add(-3 * day), Until: now.Add(-2 * day)}, {Bytes: 500, Since: now.Add(-day), Until: now}},
			name("c"): {{Bytes: 7, Since: now.Add(-day), Until: now}},
		},
		RefusedCount: map[sample.Reason]int{sample.ReasonNotANumber: 1, sample.ReasonDuplicate: 1, sample.ReasonUnnamed: 1, sample.ReasonNegative: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestAHistoryThatIsNotWholeIsAnError(t *testing.T) {
	answers := server{"peaks[86400s]": byTime(map[time.Time]http.HandlerFunc{
		now:               vector(podLabels("a"), "1"),
		now.Add(-3 * day): plain(`{"status":"error","error":"query processing would load too many samples into memory"}`),
	})}
	for _, test := range []struct {
		name         string
		answers      server
		window, step time.Duration
		want         string // part of the error; "": none
	}{
		{"good", answers, day, day, ""},
		{"a step fails", answers, 4 * day, day, "too many samples"},
		{"nothing is known", server{"peaks[86400s]": vector()}, day, day, "found nothing"},
		{"no such path", server{}, day, day, "400 Bad Request"},
		{"a step of nothing", answers, day, 0, "want a step"},
		{"a step of half a second", answers, day, time.Second / 2, "want a step"},
		{"a step longer than the window", answers, day, 2 * day, "want a step"},
		{"too many steps", answers, 367 * day, day, "at most 366 times"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := start(t, test.answers).History(t.Context(), test.window, test.step)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || got != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("History = %v, %v, want an error with %q", got, err, test.want)
			}
		})
	}
}
