// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

const withoutElection = "configuration: {leaderElection: {leaderElect: false}}\n"

// Two schedulers of the same names would both place pods.
func TestWithoutLeaderElectionOneRuns(t *testing.T) {
	for values, want := range map[string]appsv1.DeploymentStrategyType{
		"":                              appsv1.RollingUpdateDeploymentStrategyType,
		"replicas: 1":                   appsv1.RollingUpdateDeploymentStrategyType,
		withoutElection + "replicas: 1": appsv1.RecreateDeploymentStrategyType,
		withoutElection + "replicas: 0": appsv1.RecreateDeploymentStrategyType,
	} {
		strategy := Find[*appsv1.Deployment](render(t, Release{"r", "n"}, values))[0].Spec.Strategy
		if strategy.Type != want || (strategy.RollingUpdate != nil) != (want == appsv1.RollingUpdateDeploymentStrategyType) {
			t.Errorf("%q: strategy %v, want %s", values, strategy, want)
		}
	}
}

func TestValuesThatCannotWorkAreRefused(t *testing.T) {
	for _, test := range []struct{ name, values, want string }{
		{"two without leader election", withoutElection, "both place pods"},
		{"standbys that are not ready", "configuration: {delayCacheUntilActive: true}", "configuration.delayCacheUntilActive"},
		{"beside the default scheduler under its name", "schedulerNames: [default-scheduler]", "would place the same pods"},
		{"a profile that has its name for want of one", "configuration: {profiles: [{plugins: {}}]}", "would place the same pods"},
		{"no profile, which is one of its name", "configuration: {profiles: []}", "would place the same pods"},
		{"instead of it with another lease", "{mode: replace, leaderElection: {resourceName: other}}", "would place the same pods"},
		{"instead of it with no lease", "{mode: replace, replicas: 1, " + strings.TrimSpace(withoutElection) + "}", "would place the same pods"},
		{"a lease that nobody is elected for", "featureGates: {CoordinatedLeaderElection: true}", "featureGates.CoordinatedLeaderElection"},
		{"the same with all beta features", "featureGates: {AllBeta: true}", "featureGates.CoordinatedLeaderElection"},
		{"feature gates that the chart does not see", "extraArgs: [--feature-gates=CoordinatedLeaderElection=true]", "extraArgs: --feature-gates=CoordinatedLeaderElection=true"},
		{"two by a flag that wins over the configuration", "extraArgs: [--leader-elect=false]", "extraArgs: --leader-elect=false"},
		{"a lease that nobody may renew", "extraArgs: [--leader-elect-resource-name=other]", "extraArgs: --leader-elect-resource-name=other"},
		{"another configuration", "extraArgs: [--config=/other.yaml]", "extraArgs: --config=/other.yaml"},
		{"a port that no probe asks", "extraArgs: [--secure-port=10260]", "extraArgs: --secure-port=10260"},
		{"arguments in two places", "pluginConfig: [{name: HeadroomMemory, args: {filter: Soft}}]", "pluginConfig: arguments of HeadroomMemory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Render(chartFolder, Release{"r", "n"}, test.values)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

// What is near to what is refused works.
func TestValuesThatCanWorkAreNotRefused(t *testing.T) {
	for _, values := range []string{
		"{mode: replace, featureGates: {CoordinatedLeaderElection: true}}",
		"featureGates: {AllBeta: true, CoordinatedLeaderElection: false}",
		"schedulerNames: [mine]",
		"extraArgs: [--tls-min-version=VersionTLS13, --authentication-tolerate-lookup-failure=false]",
		"{schedulerNames: [default-scheduler], leaderElection: {resourceName: kube-scheduler, resourceNamespace: kube-system}}",
	} {
		if _, err := Render(chartFolder, Release{"r", "n"}, values); err != nil {
			t.Errorf("%s: %v", values, err)
		}
	}
}

func TestNotesNameTheProfilesThatRun(t *testing.T) {
	for values, want := range map[string]string{
		"":                                "Headroom schedules pods with schedulerName: headroom-scheduler.",
		"schedulerNames: [first, second]": "Headroom schedules pods with schedulerName: first or second.",
		"mode: replace":                   "Headroom schedules default-scheduler and headroom-scheduler as soon as",
		"configuration: {profiles: [{schedulerName: mine}, {schedulerName: yours}]}":                                                   "Headroom schedules pods with schedulerName: mine or yours.",
		"{leaderElection: {resourceName: kube-scheduler, resourceNamespace: kube-system}, configuration: {profiles: [{plugins: {}}]}}": "Headroom schedules pods with schedulerName: default-scheduler.",
	} {
		rendered, err := Render(chartFolder, Release{"r", "n"}, values)
		if err != nil {
			t.Fatal(err)
		}
		if notes := rendered.Info.Notes; !strings.Contains(notes, want) {
			t.Errorf("%q: the notes are\n%s\nwant %q in them", values, notes, want)
		}
	}
}

// The notes show the lease that is there, and do not send away the only scheduler.
func TestNotesTellWhoLeadsAndTheWayBack(t *testing.T) {
	const restart = "once the default scheduler is started again"
	for _, test := range []struct {
		values              string
		contain, notContain []string
	}{
		{"", []string{"kubectl -n n get lease r-headroom-scheduler\n"}, []string{restart}},
		{"leaderElection: {resourceName: l, resourceNamespace: m}", []string{"kubectl -n m get lease l\n"}, []string{restart}},
		{"mode: replace", []string{"kubectl -n kube-system get lease kube-scheduler\n", restart}, nil},
		{withoutElection + "replicas: 1", nil, []string{"get lease", "leads"}},
	} {
		rendered, err := Render(chartFolder, Release{"r", "n"}, test.values)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range test.contain {
			if !strings.Contains(rendered.Info.Notes, text) {
				t.Errorf("%q: the notes are\n%s\nwant %q in them", test.values, rendered.Info.Notes, text)
			}
		}
		for _, text := range test.notContain {
			if strings.Contains(rendered.Info.Notes, text) {
				t.Errorf("%q: the notes are\n%s\nwant no %q in them", test.values, rendered.Info.Notes, text)
			}
		}
	}
}

// Whoever installs the chart is told what it needs and does not bring along.
func TestNotesTellOfMetricsServerWhereItIsTheSource(t *testing.T) {
	for values, want := range map[string]bool{"": true, "memory: {source: {type: Kubelet}}": false} {
		rendered, err := Render(chartFolder, Release{"r", "n"}, values)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(rendered.Info.Notes, "kubectl top nodes"); got != want {
			t.Errorf("%q: the notes tell of it: %t, want %t:\n%s", values, got, want, rendered.Info.Notes)
		}
	}
}
