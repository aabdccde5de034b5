// SPDX-License-Identifier: Apache-2.0

package prometheus_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

func at(bytes int64, age time.Duration) sample.Measurement {
	return sample.Measurement{Bytes: bytes, Time: now.Add(-age)}
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRead(t *testing.T) {
	seconds := func(count int) time.Duration { return time.Duration(count) * time.Second }
	pods := func(name string, measured sample.Measurement) map[types.NamespacedName]sample.Pod {
		return map[types.NamespacedName]sample.Pod{{Namespace: "default", Name: name}: {Measurement: measured}}
	}
	n1 := map[string]sample.Node{"n1": {Measurement: at(5000, seconds(30)), Pods: at(3000, seconds(31))}}
	for _, test := range []struct {
		name    string
		answers server
		want    *sample.Set
	}{
		{"all is there", good(), &sample.Set{Nodes: n1, Pods: pods("a", at(1000, seconds(20)))}},
		{"infos are no warnings", good().with("pods", annotated(`,"infos":["a metric might not be a counter"]`, podLabels("a"), "1")),
			&sample.Set{Nodes: n1, Pods: pods("a", at(1, seconds(20)))}},
		{"it is not partial", good().with("pods", annotated(`,"isPartial":false`, podLabels("a"), "1")),
			&sample.Set{Nodes: n1, Pods: pods("a", at(1, seconds(20)))}},
		{"a node's kubepods are not there", good().with("kubepods", vector(instance("n2:10250"), "1")), &sample.Set{
			Nodes: map[string]sample.Node{"n1": {Measurement: at(5000, seconds(30))}}, Pods: pods("a", at(1000, seconds(20)))}},
		{"a node without its label among others", good().with("nodes", vector(instance("n1:10250"), "5000", `{}`, "5")), &sample.Set{
			Nodes: n1, Pods: pods("a", at(1000, seconds(20))), RefusedCount: map[sample.Reason]int{sample.ReasonUnnamed: 1}}},
		{"two ports of a node's kubepods: the most and the oldest", good().
			with("kubepods", vector(instance("n1:10250"), "3000", instance("n1:9100"), "2999")).
			with("kubepods times", vector(instance("n1:10250"), ago(seconds(31)), instance("n1:9100"), ago(seconds(40)))), &sample.Set{
			Nodes: map[string]sample.Node{"n1": {Measurement: at(5000, seconds(30)), Pods: at(3000, seconds(40))}}, Pods: pods("a", at(1000, seconds(20)))}},
		{"the same the other way round", good().
			with("kubepods", vector(instance("n1:9100"), "2999", instance("n1:10250"), "3000")).
			with("kubepods times", vector(instance("n1:9100"), ago(seconds(40)), instance("n1:10250"), ago(seconds(31)))), &sample.Set{
			Nodes: map[string]sample.Node{"n1": {Measurement: at(5000, seconds(30)), Pods: at(3000, seconds(40))}}, Pods: pods("a", at(1000, seconds(20)))}},
		{"nodes that have their label and no figure", good().with("nodes", vector(instance("n1:10250"), "NaN")), &sample.Set{
			Nodes: map[string]sample.Node{}, Pods: pods("a", at(1000, seconds(20))), RefusedCount: map[sample.Reason]int{sample.ReasonNotANumber: 1}}},
		{"no kubepods at all", good().with("kubepods", vector()), &sample.Set{
			Nodes: map[string]sample.Node{"n1": {Measurement: at(5000, seconds(30))}}, Pods: pods("a", at(1000, seconds(20))),
			RefusedCount: map[sample.Reason]int{prometheus.ReasonNothing: 1}}},
		{"no pods at all", good().with("pods", vector()), &sample.Set{
			Nodes: n1, Pods: map[types.NamespacedName]sample.Pod{}, RefusedCount: map[sample.Reason]int{prometheus.ReasonNothing: 1}}},
		{"poisoned among good", good().with("pods", vector(
			podLabels("nan"), "NaN", podLabels("infinite"), "+Inf", podLabels("huge"), "1e30", podLabels("text"), "lots",
			podLabels("negative"), "-1", podLabels("ageless"), "7", podLabels("a"), "1000", `{"pod":"b"}`, "5", `{}`, "5", `null`, "5",
		)).with("pod times", vector(podLabels("a"), ago(seconds(20)), podLabels("negative"), ago(0), `{"pod":"b"}`, ago(0), `{}`, ago(0))), &sample.Set{
			Nodes: n1, Pods: pods("a", at(1000, seconds(20))), RefusedCount: map[sample.Reason]int{
				sample.ReasonNotANumber: 4, sample.ReasonNegative: 1, sample.ReasonNoTime: 1, sample.ReasonUnnamed: 3,
			}}},
		{"a histogram and half a pair", good().with("pods", plain(`{"status":"success","data":{"resultType":"vector","result":[`+
			`{"metric":`+podLabels("a")+`,"histogram":[1,{"count":"1"}]},{"metric":`+podLabels("a")+`,"value":[1]},{"metric":`+podLabels("a")+`,"value":[1,2]},{"metric":`+podLabels("a")+`,"value":["1,"]}]}}`)),
			&sample.Set{Nodes: n1, Pods: map[types.NamespacedName]sample.Pod{}, RefusedCount: map[sample.Reason]int{sample.ReasonNotANumber: 4}}},
		{"ten minutes ahead", good().with("pod times", vector(podLabels("a"), ago(-10*time.Minute))), &sample.Set{
			Nodes: n1, Pods: map[types.NamespacedName]sample.Pod{}, RefusedCount: map[sample.Reason]int{sample.ReasonFuture: 1}}},
		{"ten minutes old", good().with("pod times", vector(podLabels("a"), ago(10*time.Minute))), &sample.Set{
			Nodes: n1, Pods: pods("a", at(1000, 10*time.Minute))}},
		{"times that are none", good().with("pods", vector(podLabels("a"), "1", podLabels("b"), "1", podLabels("c"), "1", podLabels("d"), "1")).
			with("pod times", vector(podLabels("a"), "NaN", podLabels("b"), "-5", podLabels("c"), "1e30", podLabels("d"), "0")), &sample.Set{
			Nodes: n1, Pods: map[types.NamespacedName]sample.Pod{}, RefusedCount: map[sample.Reason]int{sample.ReasonNoTime: 4}}},
		{"two ports of a node that agree", good().with("nodes", vector(instance("n1:10250"), "5000", instance("n1:9100"), "5000")), &sample.Set{
			Nodes: n1, Pods: pods("a", at(1000, seconds(20)))}},
		{"two ports of a node that do not", good().with("nodes", vector(instance("n1:10250"), "5000", instance("n1:9100"), "4000")), &sample.Set{
			Nodes: map[string]sample.Node{}, Pods: pods("a", at(1000, seconds(20))), RefusedCount: map[sample.Reason]int{sample.ReasonDuplicate: 1}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := start(t, test.answers).Read(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got.Refused = nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoCompleteAnswerIsAnError(t *testing.T) {
	status := func(code int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Location", "http://192.0.2.1/")
			w.WriteHeader(code)
			fmt.Fprint(w, body)
		}
	}
	const head = `{"status":"success","data":{"resultType":"vector","result":[`
	for _, test := range []struct {
		name    string
		handler http.HandlerFunc
		want    string // part of the error
	}{
		{"down", status(503, ""), "503 Service Unavailable"},
		{"a bad query", status(400, `{"status":"error","errorType":"bad_data","error":"parse error"}`), `("parse error")`},
		{"moved", status(302, ""), "redirects are not followed"},
		{"an error with status 200", plain(`{"status":"error","error":"query timed out"}`), `"query timed out"`},
		{"a warning", annotated(`,"warnings":["store gateway is down"]`, instance("n1:1"), "1"), `warns ("store gateway is down")`},
		{"a part, by its own word", annotated(`,"isPartial":true`, instance("n1:1"), "1"), "the answer is partial (isPartial)"},
		{"a matrix", plain(`{"status":"success","data":{"resultType":"matrix","result":[]}}`), `gives a "matrix"`},
		{"a matrix, said later", plain(`{"status":"success","data":{"result":[],"resultType":"matrix"}}`), `gives a "matrix"`},
		{"a scalar", plain(`{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}`), `gives a "scalar"`},
		{"no result", plain(`{"status":"success","data":{"resultType":"vector"}}`), "no result"},
		{"no type", plain(`{"status":"success","data":{"result":[]}}`), "no result"},
		{"nothing of ours", plain(`{}`), "the status of the answer"},
		{"a list", plain(`[]`), "found"},
		{"an element of another type", plain(head + `7]}}`), "series 1"},
		{"labels of another type", plain(head + `{"metric":{"pod":7}}]}}`), "series 1"},
		{"cut off", plain(head + `{"metric":{},"value":[1,"1"]}`), "cut off"},
		{"more after it", plain(head + `]}}{}`), "follows the end"},
		{"HTML", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, `type "text/html`},
		{"endless", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, err := fmt.Fprint(w, head+`{"metric":{},"value":[1,"1"]}`)
			for err == nil {
				_, err = fmt.Fprint(w, `,{"metric":{},"value":[1,"1"]}`)
			}
		}, "more than 1048576 bytes"},
	} {
		for query := range good() {
			t.Run(test.name+"/"+query, func(t *testing.T) {
				got, err := start(t, good().with(query, test.handler)).Read(t.Context())
				if err == nil || got != nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("Read = %v, %v, want an error with %q", got, err, test.want)
				}
				if what, _, _ := strings.Cut(query, " "); !strings.Contains(err.Error(), "of "+what) {
					t.Errorf("the error does not name the query %s: %v", query, err)
				}
			})
		}
	}
}

func TestNoNodesAtAllAreAnError(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // part of the error
	}{
		{"no series", vector(), "query for nodes (nodes): it found nothing; the series may be dropped or named otherwise: set another query"},
		{"a series without labels", vector(`{}`, "12345678"), `query for nodes (nodes): no series has the label "instance"; set nodeLabel`},
		{"series with other labels", vector(`{"node":"n1"}`, "5000", `{"node":"n2"}`, "NaN"), `no series has the label "instance"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := start(t, good().with("nodes", test.answer)).Read(t.Context())
			if err == nil || got != nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Read = %v, %v, want an error with %q", got, err, test.want)
			}
		})
	}
}
