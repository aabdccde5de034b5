// SPDX-License-Identifier: Apache-2.0

package prometheus_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

func podName(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: name}
}

// matrix answers with elements: labels as JSON and values as JSON in turn.
func matrix(labelsAndValues ...string) http.HandlerFunc {
	var elements []string
	for i := 0; i < len(labelsAndValues); i += 2 {
		elements = append(elements, fmt.Sprintf(`{"metric":%s,"values":%s}`, labelsAndValues[i], labelsAndValues[i+1]))
	}
	return plain(`{"status":"success","data":{"resultType":"matrix","result":[` + strings.Join(elements, ",") + `]}}`)
}

// startRange returns a source that asks a server which answers ranges.
func startRange(t *testing.T, answer http.HandlerFunc, seen *map[string][]string) *prometheus.Source {
	t.Helper()
	started := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/prefix/api/v1/query_range" {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if seen != nil {
			*seen = request.URL.Query()
		}
		answer(w, request)
	}))
	t.Cleanup(started.Close)
	source, err := prometheus.New(options(started.URL))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(source.CloseIdleConnections)
	return source
}

func TestPeaksAreThoseOfTheStepsBefore(t *testing.T) {
	at := func(seconds int, value string) string {
		return fmt.Sprintf(`[%d,"%s"]`, now.Unix()+int64(seconds), value)
	}
	var asked map[string][]string
	source := startRange(t, matrix(
		podLabels("a"), "["+at(0, "5")+","+at(60, "7")+","+at(60, "8")+","+at(120, "NaN")+"]",
		podLabels("b"), `[["soon","1"],["1767323045.5","1"],[1767323045.5,"2"]]`,
		`{"pod":"c"}`, "["+at(0, "5")+"]",
		podLabels("d"), "["+at(60, "-1")+"]",
	), &asked)
	got, err := source.Peaks(t.Context(), now, now.Add(2*time.Minute), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	minute := func(n int) time.Time { return now.Add(time.Duration(n) * time.Minute) }
	half := time.UnixMilli(1767323045500)
	want := &prometheus.Peaks{
		Pods: map[types.NamespacedName][]prometheus.Peak{
			podName("a"): {{Bytes: 5, Since: minute(-1), Until: minute(0)}, {Bytes: 7, Since: minute(0), Until: minute(1)}},
			podName("b"): {{Bytes: 2, Since: half.Add(-time.Minute), Until: half}},
		},
		RefusedCount: map[sample.Reason]int{
			sample.ReasonDuplicate: 1, sample.ReasonNotANumber: 1, sample.ReasonNoTime: 2, sample.ReasonUnnamed: 1, sample.ReasonNegative: 1,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("peaks (-want +got):\n%s", diff)
	}
	wantAsked := map[string][]string{
		"query": {"peaks[60s]"}, "start": {"1767323045"}, "end": {"1767323165"}, "step": {"60"}, "partial_response": {"false"},
	}
	if diff := cmp.Diff(wantAsked, asked); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
}

func TestPeaksThatAreNotWholeAreAnError(t *testing.T) {
	good := matrix(podLabels("a"), `[[1767323045,"5"]]`)
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		end    time.Time
		step   time.Duration
		want   string // part of the error; "": none
	}{
		{"good", good, now, time.Minute, ""},
		{"nothing", matrix(), now, time.Minute, ""},
		{"a vector", vector(podLabels("a"), "1"), now, time.Minute, `gives a "vector", want a matrix`},
		{"too many samples for the server", plain(`{"status":"error","error":"query processing would load too many samples"}`), now, time.Minute, "too many samples"},
		{"a warning", plain(`{"status":"success","warnings":["half"],"data":{"resultType":"matrix","result":[]}}`), now, time.Minute, "part of the answer may be missing"},
		{"cut", plain(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{`), now, time.Minute, "unexpected EOF"},
		{"too many values", matrix(podLabels("a"), "["+strings.Repeat(`[1,"1"],`, 11_000)+`[1,"1"]]`), now, time.Minute, "11001 values"},
		{"a step of nothing", good, now, 0, "want a step of whole seconds"},
		{"half a second", good, now, time.Second / 2, "want a step of whole seconds"},
		{"an end before the start", good, now.Add(-time.Second), time.Second, "want a step"},
		{"too many steps", good, now.Add(11_000 * time.Second), time.Second, "at most 10999 times"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := startRange(t, test.answer, nil).Peaks(t.Context(), now, test.end, test.step)
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || got != nil {
				t.Errorf("%v and error %v, want one that contains %q", got, err, test.want)
			}
		})
	}
}

const (
	infoQuery       = `max by (namespace, pod, priority_class) (max_over_time(kube_pod_info[3600s]))`
	requestQuery    = `sum by (namespace, pod) (max by (namespace, pod, container) (max_over_time(kube_pod_container_resource_requests{resource="memory"}[3600s])))`
	classQuery      = `max by (namespace, pod, qos_class) (max_over_time(kube_pod_status_qos_class[3600s])) == 1`
	replicaSetQuery = `max by (namespace, replicaset, owner_kind, owner_name) (max_over_time(kube_replicaset_owner[3600s]))`
	jobQuery        = `max by (namespace, job_name, owner_kind, owner_name) (max_over_time(kube_job_owner[3600s]))`
	podOwnerQuery   = `max by (namespace, pod, owner_kind, owner_name) (max_over_time(kube_pod_owner{owner_is_controller="true"}[3600s]))`
)

// stateMetrics answers as kube-state-metrics' series do.
func stateMetrics() server {
	owned := func(of, kind, name string) string {
		return fmt.Sprintf(`{"namespace":"default",%s,"owner_kind":"%s","owner_name":"%s"}`, of, kind, name)
	}
	return server{
		infoQuery:       vector(`{"namespace":"default","pod":"web-1","priority_class":"high"}`, "1", podLabels("job-1"), "1", podLabels("lone-1"), "1", podLabels("bare"), "1", podLabels("strange"), "1"),
		requestQuery:    vector(podLabels("web-1"), "1048576", podLabels("gone"), "5", podLabels("strange"), "NaN"),
		classQuery:      vector(`{"namespace":"default","pod":"web-1","qos_class":"Burstable"}`, "1"),
		replicaSetQuery: vector(owned(`"replicaset":"web"`, "Deployment", "site"), "1", owned(`"replicaset":"lone"`, "<none>", "<none>"), "1"),
		jobQuery:        vector(owned(`"job_name":"job"`, "CronJob", "nightly"), "1"),
		podOwnerQuery:   vector(owned(`"pod":"web-1"`, "ReplicaSet", "web"), "1", owned(`"pod":"job-1"`, "Job", "job"), "1", owned(`"pod":"lone-1"`, "ReplicaSet", "lone"), "1"),
	}
}

func TestFactsOfPods(t *testing.T) {
	got, err := start(t, stateMetrics()).Facts(t.Context(), now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	want := map[types.NamespacedName]prometheus.Facts{
		podName("web-1"):  {RequestBytes: 1 << 20, OwnerKind: "Deployment", OwnerName: "site", QOSClass: "Burstable", PriorityClass: "high"},
		podName("job-1"):  {OwnerKind: "CronJob", OwnerName: "nightly"},
		podName("lone-1"): {OwnerKind: "ReplicaSet", OwnerName: "lone"}, // which nobody owns
		podName("bare"):   {},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}

// A server may compute for long over a range, and should not over a moment.
func TestOnlyRangesAreWaitedForLong(t *testing.T) {
	clock := clocktesting.NewFakeClock(now)
	slow := func(w http.ResponseWriter, request *http.Request) {
		clock.Step(2 * time.Minute)
		vector()(w, request)
	}
	silent := func(_ http.ResponseWriter, request *http.Request) { // An answer could be read before the time is seen to be over.
		clock.Step(2 * time.Minute)
		<-request.Context().Done()
	}
	ticking := func(o *prometheus.Options) { o.Clock = clock }
	if _, err := start(t, stateMetrics().with(infoQuery, slow), ticking).Facts(t.Context(), now, time.Hour); err != nil {
		t.Errorf("facts over an hour: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // only where nobody gives up
	defer cancel()
	if _, err := start(t, good().with("nodes", silent), ticking).Read(ctx); err == nil || !strings.Contains(err.Error(), "the server sent nothing for 15s") {
		t.Errorf("a read: error %v, want that the server was too slow", err)
	}
}

func TestFactsOfWhichAQueryFailsAreAnError(t *testing.T) {
	source := start(t, stateMetrics().with(classQuery, plain(`{"status":"error","error":"out of memory"}`)))
	if got, err := source.Facts(t.Context(), now, time.Hour); err == nil || !strings.Contains(err.Error(), "out of memory") || got != nil {
		t.Errorf("facts %v and error %v, want the server's", got, err)
	}
}
