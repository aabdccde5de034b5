// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

func writePage(t *testing.T, c *Comparison) string {
	t.Helper()
	var page bytes.Buffer
	if err := WriteHTML(&page, c); err != nil {
		t.Fatal(err)
	}
	return page.String()
}

func parse(t *testing.T, page string) *html.Node {
	t.Helper()
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	return tree
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

func TestThePageAsksNothingFromOutside(t *testing.T) {
	page := writePage(t, usual())
	for _, word := range []string{"://", "url(", "@import", "image-set(", "src=", "href=", "srcset"} {
		if strings.Contains(page, word) {
			t.Errorf("the page contains %q", word)
		}
	}
	if !strings.Contains(page, `content="default-src 'none'; style-src 'unsafe-inline'"`) {
		t.Error("the page does not forbid what it does not need")
	}
	allowed := []string{
		"html", "head", "meta", "title", "style", "body", "main", "header", "section", "footer", "div", "span", "p", "h1", "h2", "h3", "b", "code",
		"small", "ul", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "script", "details",
		"summary", "svg", "g", "path", "rect", "circle",
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

func TestEqualComparisonsGiveEqualPages(t *testing.T) {
	first, second := writePage(t, usual()), writePage(t, usual())
	if first != second {
		t.Error("two pages of one comparison differ")
	}
}

func TestThePageHoldsTheComparisonAsJSON(t *testing.T) {
	want := small()
	for node := range parse(t, writePage(t, want)).Descendants() {
		if node.Type != html.ElementNode || attribute(node, "id") != "run-data" {
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(text(node)))
		decoder.DisallowUnknownFields()
		got := &Comparison{}
		if err := decoder.Decode(got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("data (-want +got):\n%s", diff)
		}
		return
	}
	t.Error("the page has no element run-data")
}

func TestResultsHaveTheAgreedNames(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out", "replay")
	for range 2 { // the second time over the first
		if err := WriteFiles(dir, small()); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		ResultsFile: `[
  {
    "trace": "t",
    "scenario": "base",
    "policy": "headroom",
    "nodes": 3,
    "seed": 7,
    "podHours": 12.5,
    "evictions": 2,
    "oomKills": 1,
    "pendingHours": 0.25,
    "unplaced": 4,
    "nodeUseP50": 0.5,
    "nodeUseP99": 0.75
  }
]
`,
		PredictorsFile: `[
  {
    "trace": "t",
    "predictor": "headroom",
    "horizonHours": 24,
    "violation": 0.0099,
    "severity": 0.05,
    "savings": 0.664
  },
  {
    "trace": "t",
    "predictor": "constant",
    "horizonHours": 24,
    "violation": 0.01,
    "severity": 0.1,
    "savings": 0.552
  }
]
`,
		PageFile: writePage(t, small()),
	} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
		t.Errorf("the folder holds %v (%v), want three files", entries, err)
	}
}

func TestNamesStayText(t *testing.T) {
	const name = `</script><img src=x onerror="alert(1)">'{{.}}`
	c := small()
	c.Title, c.Command, c.Commit, c.Parameters[0].Value = name, name, name, name
	for i := range c.Curves {
		c.Curves[i].Trace, c.Curves[i].Scenario = name, c.Curves[i].Scenario+name
	}
	c.Curves[1].Policy, c.Stories[0].Nodes[0].Node, c.Stories[0].Worst[0].Words = name, name, name
	c.Predictors[0].Predictor = name
	count := func(page string) map[string]int {
		elements := map[string]int{}
		for node := range parse(t, page).Descendants() {
			if node.Type == html.ElementNode {
				elements[node.Data]++
			}
			for _, a := range node.Attr {
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("<%s> has the attribute %s", node.Data, a.Key)
				}
			}
		}
		return elements
	}
	plain := small()
	for i := range plain.Curves { // the paired differences find no chart there either
		plain.Curves[i].Trace, plain.Curves[i].Policy = "other", []string{"headroom", "some", "headroom"}[i]
	}
	if diff := cmp.Diff(count(writePage(t, plain)), count(writePage(t, c))); diff != "" {
		t.Errorf("names change the elements (-plain +with names):\n%s", diff)
	}
}

func TestWhatCannotBeShownIsRefusedWithThePlace(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Comparison)
		want   string
	}{
		{"nothing", func(c *Comparison) { *c = Comparison{} }, "neither curves nor predictors"},
		{"a curve twice", func(c *Comparison) { c.Curves[1].Policy = "headroom" }, "curves[1]: there is one of t, base, headroom already"},
		{"a curve without points", func(c *Comparison) { c.Curves[1].Points = nil }, "curves[1]: it has no points"},
		{"a curve without a name", func(c *Comparison) { c.Curves[2].Scenario = "" }, "curves[2]: a trace, a scenario"},
		{"points that descend", func(c *Comparison) { c.Curves[0].Points[1].Nodes = 3 }, "curves[0]: points[1] is of 3 nodes after 3"},
		{"a mean of nothing", func(c *Comparison) { c.Curves[0].Points[0].Mean = math.NaN() }, "curves[0]: points[0]: the figure NaN"},
		{"a mean outside of its interval", func(c *Comparison) { c.Curves[0].Points[0].Low = 0.6 }, "the interval from 0.6 to 0.75 does not hold the mean 0.5"},
		{"a difference of nothing", func(c *Comparison) { c.Paired[1].High = math.Inf(1) }, "paired[1]: the figure +Inf"},
		{"a result below nothing", func(c *Comparison) { c.Results[0].Evictions = -1 }, "results[0]: the figure -1"},
		{"a story without time", func(c *Comparison) { c.Stories[0].Span = 0 }, "stories[0]: want a span above 0"},
		{"nodes of different lengths", func(c *Comparison) { c.Stories[0].Nodes[1].Shares = []float64{1} }, "node node-2 has 1 shares, the first one 3"},
		{"a share of nothing", func(c *Comparison) { c.Stories[0].Nodes[1].Shares[0] = math.NaN() }, "node node-2: the figure NaN"},
		{"a predictor without a name", func(c *Comparison) { c.Predictors[0].Predictor = "" }, "predictors[0]: a trace"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := small()
			test.change(c)
			dir := filepath.Join(t.TempDir(), "out")
			if err := WriteFiles(dir, c); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want it to contain %q", err, test.want)
			}
			if _, err := os.Stat(dir); err == nil {
				t.Error("something was written in spite of the error")
			}
		})
	}
}
