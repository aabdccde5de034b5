// SPDX-License-Identifier: Apache-2.0

// Package monitoring checks the alerts and the dashboard of the chart with Prometheus' own parser, and that every metric that
// they name is one that the scheduler serves.
package monitoring

import (
	"encoding/json"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	k8smetrics "k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
	_ "k8s.io/component-base/metrics/prometheus/clientgo" // as the binary has
	schedulermetrics "k8s.io/kubernetes/pkg/scheduler/metrics"

	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

const files = "../../../manifests/charts/headroom-scheduler/files/"

// expressions returns the PromQL of the alerts and of the dashboard, by where it is.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, rule := range alerts(t) {
		all["alert "+rule.Alert] = rule.Expr
	}
	text, err := os.ReadFile(files + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string `json:"title"`
			Targets []struct {
				Expr string `json:"expr"`
			} `json:"targets"`
		} `json:"panels"`
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	// What Grafana fills in.
	variables := strings.NewReplacer("$__rate_interval", "5m", "$job", ".*")
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all["panel "+panel.Title+": "+target.Expr] = variables.Replace(target.Expr)
		}
	}
	return all
}

func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	groups, errs := rulefmt.ParseFile(files+"alerts.yaml", false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Fatal(err)
	}
	var rules []rulefmt.Rule
	for _, group := range groups.Groups {
		rules = append(rules, group.Rules...)
	}
	if len(rules) == 0 {
		t.Fatal("there is no alert")
	}
	return rules
}

func TestEachAlertSaysWhatToDo(t *testing.T) {
	for _, alert := range alerts(t) {
		for _, annotation := range []string{"summary", "description", "runbook"} {
			if alert.Annotations[annotation] == "" {
				t.Errorf("%s has no %s", alert.Alert, annotation)
			}
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, alert.Labels["severity"]) {
			t.Errorf("%s has the severity %q, want critical, warning or info", alert.Alert, alert.Labels["severity"])
		}
	}
}

// served tells whether the scheduler serves a metric: then no other can be registered under its name.
func served(name string) bool {
	if slices.Contains(memory.MetricNames(), name) {
		return true
	}
	probe := k8smetrics.NewGauge(&k8smetrics.GaugeOpts{Name: name, Help: "a probe", StabilityLevel: k8smetrics.ALPHA})
	err := legacyregistry.Register(probe)
	return err != nil
}

func TestEveryMetricThatIsNamedIsServed(t *testing.T) {
	schedulermetrics.Register()
	named := 0
	for where, expression := range expressions(t) {
		parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			named++
			name := selector.Name
			for _, matcher := range selector.LabelMatchers {
				if matcher.Name == model.MetricNameLabel {
					name = matcher.Value
				}
			}
			series := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				series = strings.TrimSuffix(series, suffix)
			}
			if !served(name) && !served(series) {
				t.Errorf("%s names %s, which the scheduler does not serve", where, name)
			}
			return nil
		})
	}
	if named == 0 {
		t.Error("no metric is named")
	}
	if served("headroom_memory_no_such_metric") {
		t.Error("every name is taken for one that is served")
	}
}

func TestEveryMetricOfHeadroomIsExplained(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range memory.MetricNames() {
		if !strings.Contains(string(text), "`"+name) {
			t.Errorf("%s is not in docs/operating.md", name)
		}
	}
}

// A metric of Headroom that nobody sees is of no use.
func TestEveryMetricOfHeadroomIsShown(t *testing.T) {
	var all strings.Builder
	for _, expression := range expressions(t) {
		all.WriteString(expression + "\n")
	}
	for _, name := range memory.MetricNames() {
		if !strings.Contains(all.String(), name) {
			t.Errorf("%s is in no panel and no alert", name)
		}
	}
}
