// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

var update = flag.Bool("update", false, "write the golden files anew")

// smallRun has one of everything: two nodes and one, samples and none, both kinds of event, a node without a threshold.
func smallRun() Run {
	threshold := 4*gib - 100*mib
	return Run{
		Title:    "Small run",
		Started:  time.Date(2026, 3, 4, 9, 30, 0, 0, time.FixedZone("", 3600)),
		Duration: 2 * time.Minute,
		Seed:     7,
		Facts:    []Fact{{"Kubernetes", "v1.37.2"}},
		Workload: []Workload{{"web", "Deployment", 3, 256 * mib, 0, gib, "grows", "zone in (a, b)"}},
		Pools: []Pool{
			{
				Name: "default", Scheduler: "default-scheduler",
				Summary: Summary{PodsPlaced: 4, PodsRunning: 3, Evictions: 1, OOMKills: 1, PendingSeconds: 2.5, NodeUseP50: 0.5, NodeUseP99: 0.998},
				Nodes: []NodeSeries{
					{"default-0", threshold, 4 * gib, []Point{{0, gib}, {time.Minute, threshold + mib}, {2 * time.Minute, 2 * gib}}},
					{"default-1", 0, 4 * gib, nil},
				},
				Events: []Event{
					{time.Minute, KindEviction, "default-0", "web-1", gib, "memory.available below 100Mi"},
					{62 * time.Second, KindOOMKill, "default-0", "web-2", 0, "limit"},
				},
			},
			{
				Name: "headroom", Scheduler: "headroom-scheduler",
				Summary: Summary{PodsPlaced: 3, PodsRunning: 3, NodeUseP50: 0.5, NodeUseP99: 0.7},
				Nodes:   []NodeSeries{{"headroom-0", threshold, 4 * gib, []Point{{30 * time.Second, 2 * gib}}}},
			},
		},
	}
}

func writePage(t *testing.T, run Run) string {
	t.Helper()
	var page bytes.Buffer
	if err := WriteHTML(&page, run); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func TestPageOfASmallRunIsAsRecorded(t *testing.T) {
	golden := filepath.Join("testdata", "small.html")
	got := writePage(t, smallRun())
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("page differs; run the test with -update if that is meant (-want +got):\n%s", diff)
	}
}

func TestEqualRunsGiveEqualPages(t *testing.T) {
	first, second := writePage(t, sampleRun(3)), writePage(t, sampleRun(3))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two pages of the same run differ:\n%s", diff)
	}
}

func TestPageRefersToNothingOutside(t *testing.T) {
	page := writePage(t, sampleRun(2))
	for _, word := range []string{"://", "url(", "@import", "image-set(", "src=", "href="} {
		if strings.Contains(page, word) {
			t.Errorf("the page contains %q", word)
		}
	}
	allowed := []string{
		"html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "div", "span", "p", "h1", "h2", "h3", "b", "code",
		"ul", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "script",
		"svg", "path", "rect", "text",
	}
	for node := range parse(t, page).Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		if !slices.Contains(allowed, node.Data) {
			t.Errorf("the page has a <%s>", node.Data)
		}
		if node.Data == "script" && attribute(node, "type") != "application/json" {
			t.Errorf("the page has a script of type %q", attribute(node, "type"))
		}
	}
}

func TestHostileNamesStayText(t *testing.T) {
	const (
		pod    = "</script><b>"
		reason = "</style><img src=x onerror=alert(1)>"
		node   = "\"'><svg onload=alert(1)>"
		fact   = "{{.}}${x}\\u2028\u2028--><!--"
	)
	run := smallRun()
	run.Title, run.Facts[0].Value = pod, fact
	run.Workload[0].Name = pod
	run.Pools[0].Name = node
	run.Pools[0].Nodes[0].Name = node
	for i := range run.Pools[0].Events {
		run.Pools[0].Events[i].Node, run.Pools[0].Events[i].Pod, run.Pools[0].Events[i].Reason = node, pod, reason
	}
	tree := parse(t, writePage(t, run))

	if diff := cmp.Diff(elements(parse(t, writePage(t, smallRun()))), elements(tree)); diff != "" {
		t.Errorf("names changed the elements of the page (-want +got):\n%s", diff)
	}
	var cells []string
	for n := range tree.Descendants() {
		if n.Type == html.ElementNode && n.Data == "td" {
			cells = append(cells, text(n))
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has the attribute %s", n.Data, a.Key)
			}
		}
	}
	for _, want := range []string{pod, node, reason} {
		if !slices.Contains(cells, want) {
			t.Errorf("no cell of a table reads %q", want)
		}
	}
	data := embedded(t, tree)
	got := []string{data.Title, data.Facts[0].Value, data.Pools[0].Name, data.Pools[0].Events[0].Pod, data.Pools[0].Events[0].Reason}
	if diff := cmp.Diff([]string{pod, fact, node, pod, reason}, got); diff != "" {
		t.Errorf("names in the embedded JSON (-want +got):\n%s", diff)
	}
}

func TestEmbeddedJSONHoldsTheRun(t *testing.T) {
	run := smallRun()
	got := embedded(t, parse(t, writePage(t, run)))
	if diff := cmp.Diff("2026-03-04T08:30:00Z", got.StartedAt); diff != "" {
		t.Errorf("startedAt (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(run.Pools[0].Summary, got.Pools[0].Summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
	want := [][2]float64{{0, float64(gib)}, {60, float64(4*gib - 99*mib)}, {120, float64(2 * gib)}}
	if diff := cmp.Diff(want, got.Pools[0].Nodes[0].Points); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(eventData{60, KindEviction, "default-0", "web-1", gib, "memory.available below 100Mi"}, got.Pools[0].Events[0]); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

func TestLargeRunsAreCutAndThePageSaysSo(t *testing.T) {
	run := smallRun()
	pool := &run.Pools[0]
	for i := 2; i < 500; i++ {
		pool.Nodes = append(pool.Nodes, NodeSeries{fmt.Sprintf("default-%d", i), 4*gib - 100*mib, 4 * gib, []Point{{0, int64(i) * mib}}})
	}
	for i := range 2000 {
		pool.Events = append(pool.Events, Event{Offset: 70 * time.Second, Kind: KindOOMKill, Node: "default-400", Pod: fmt.Sprintf("pod-%d", i)})
	}
	page := writePage(t, run)
	if limit := 1_000_000; len(page) > limit {
		t.Errorf("the page has %d bytes, want at most %d", len(page), limit)
	}
	for _, want := range []string{
		"default: 60 of 500 nodes are drawn,",
		"default: the first 300 of 2,002 events are listed;",
		"default: the summary counts 1 eviction and 1 OOM kill; the events seen are 1 eviction and 2,001 OOM kills.",
		"2,001 OOM kills", "default-400", "default-499", "default-0",
	} {
		if !strings.Contains(plainSpaces(page), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	// default-0 and default-400 have events, the other 58 are those with the highest peaks.
	if strings.Contains(page, "<b>default-441</b>") || !strings.Contains(page, "<b>default-442</b>") {
		t.Error("the nodes drawn are not those with the highest peaks")
	}
}

func TestRunWithoutEventsSaysSo(t *testing.T) {
	run := smallRun()
	run.Pools[0].Events, run.Pools[0].Summary.Evictions, run.Pools[0].Summary.OOMKills = nil, 0, 0
	if page := writePage(t, run); !strings.Contains(page, "No pod was evicted or OOM-killed in this run.") {
		t.Error("the page does not say that nothing happened")
	}
	run.Pools[0].Summary.Evictions = 1
	if page := writePage(t, run); strings.Contains(page, "No pod was evicted") {
		t.Error("the page says that nothing happened although the summary counts an eviction")
	}
}

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// elements counts the elements of a page by name.
func elements(tree *html.Node) map[string]int {
	count := map[string]int{}
	for node := range tree.Descendants() {
		if node.Type == html.ElementNode {
			count[node.Data]++
		}
	}
	return count
}

func embedded(t *testing.T, tree *html.Node) pageData {
	t.Helper()
	for node := range tree.Descendants() {
		if node.Type == html.ElementNode && attribute(node, "id") == "run-data" {
			decoder := json.NewDecoder(strings.NewReader(text(node)))
			decoder.DisallowUnknownFields()
			var data pageData
			if err := decoder.Decode(&data); err != nil {
				t.Fatalf("embedded JSON: %v", err)
			}
			return data
		}
	}
	t.Fatal("the page has no element run-data")
	return pageData{}
}

func attribute(node *html.Node, key string) string {
	for _, a := range node.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func text(node *html.Node) string {
	var b strings.Builder
	for child := range node.Descendants() {
		if child.Type == html.TextNode {
			b.WriteString(child.Data)
		}
	}
	return b.String()
}
