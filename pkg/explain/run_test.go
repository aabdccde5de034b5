// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

// running is a configuration of one profile that runs a plugin, with arguments or what else there is of the profile.
func running(plugin, rest string) string {
	return "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- schedulerName: own\n" +
		"  plugins: {multiPoint: {enabled: [{name: " + plugin + "}], disabled: [{name: AzureDiskLimits}]}}\n" + rest
}

func argumentsOf(plugin, arguments string) string {
	return "  pluginConfig: [{name: " + plugin + ", args: {" + arguments + "}}]\n"
}

// What the scheduler accepts is valid, whatever a plugin asks when it is made, and what it does not know it does not mind.
func TestCheckRefusesWhatTheSchedulerDoes(t *testing.T) {
	for _, test := range []struct {
		name, plugin, rest string
		want               string // of the problem; "": the configuration is valid
	}{
		{"metrics of the cluster", "TargetLoadPacking", "", ""},
		{"of a provider", "LoadVariationRiskBalancing", argumentsOf("LoadVariationRiskBalancing", "metricProvider: {type: Prometheus, address: http://127.0.0.1:9}"), ""},
		{"of a watcher", "LowRiskOverCommitment", argumentsOf("LowRiskOverCommitment", "watcherAddress: http://127.0.0.1:9"), ""},
		{"of nobody", "Peaks", "", "WatcherAddress: want the address of a load watcher"},
		{"of a watcher alone", "Peaks", argumentsOf("Peaks", "WatcherAddress: http://127.0.0.1:9"), ""},
		{"of another provider", "TargetLoadPacking", argumentsOf("TargetLoadPacking", "metricProvider: {type: Datadog}"), `metricProvider.type: "Datadog": want Kubern`},
		{"no number", "TargetLoadPacking", argumentsOf("TargetLoadPacking", `defaultRequestsMultiplier: "much"`), "defaultRequestsMultiplier: "},
		{"a plugin that lists pods before it is made", "NodeResourceTopologyMatch", argumentsOf("NodeResourceTopologyMatch", "cacheResyncPeriodSeconds: 5"), ""},
		{"arguments of a plugin that is not there", "SchedulingGates", argumentsOf("Coscheduling", ""), ""},
		{"arguments of a plugin that Kubernetes has no more", "SchedulingGates", argumentsOf("AzureDiskLimits", ""), "was invalid in version"},
		{"a plugin that is not there", "AzureDiskLimits", "", `there is no plugin "AzureDiskLimits"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			report := Check(t.Context(), "own.yaml", []byte(running(test.plugin, test.rest)))
			var refused []string
			for _, problem := range report.Problems {
				if problem.Refused {
					refused = append(refused, problem.Text)
				}
			}
			got := strings.Join(refused, "; ")
			if report.Valid != (test.want == "") || report.Valid != (got == "") || !strings.Contains(got, test.want) {
				t.Errorf("valid %t, refused for %q, want %q", report.Valid, got, test.want)
			}
		})
	}
}

func TestAPluginThatCannotBeAskedFromHereIsALoss(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // this is no pod
	t.Setenv("KUBE_CONFIG", "")
	for _, plugin := range []string{"TargetLoadPacking", "SySched"} {
		t.Run(plugin, func(t *testing.T) { isALoss(t, plugin) })
	}
}

func isALoss(t *testing.T, plugin string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "own.yaml")
	if err := os.WriteFile(file, []byte(running(plugin, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	with, err := profile.OfFile(file)
	if err != nil {
		t.Fatal(err)
	}
	pod := pending("web", "1Gi", func(pod *corev1.Pod) { pod.Spec.SchedulerName = "own" })
	scheduler := openAs(t, with, func(*corev1.Node) {}, pod)
	placement, err := scheduler.Explain(t.Context(), pod, 0)
	if err != nil {
		t.Fatal(err)
	}
	var losses []string
	for _, loss := range placement.Basis.Losses {
		losses = append(losses, loss.String())
	}
	if diff := cmp.Diff([]string{plugin + " cannot be asked from here: its points are missing"}, losses); diff != "" {
		t.Errorf("losses (-want +got):\n%s", diff)
	}
	if placement.Winner != "a" || !placement.Fits {
		t.Errorf("winner %q, fits %t; want a, and that it fits", placement.Winner, placement.Fits)
	}
}

// Programs read the report: a list stays one where it is empty.
func TestAnExtensionPointWithoutPluginsIsAnEmptyList(t *testing.T) {
	text := "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles:\n- plugins: {postFilter: {disabled: [{name: '*'}]}}\n"
	report := Check(t.Context(), "own.yaml", []byte(text))
	written, err := json.Marshal(report)
	if err != nil || len(report.Problems) > 0 || len(report.Profiles) != 1 {
		t.Fatalf("%v, %+v", err, report)
	}
	if !strings.Contains(string(written), `"postFilter":[]`) || strings.Contains(string(written), "null") {
		t.Errorf("%s, want an empty list of postFilter", written)
	}
}
