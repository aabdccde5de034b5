// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

func TestSchedulerConfigChangesTheConnectionAndKeepsTheRest(t *testing.T) {
	tests := []struct {
		name, source   string
		leaderElection bool
		want           string
	}{
		{
			name:   "a configuration that says nothing of either",
			source: "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n",
			want: `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: /lab/kubeconfig, qps: 5000, burst: 5000}
leaderElection: {leaderElect: false}
`,
		},
		{
			name: "leader election kept",
			source: `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
leaderElection: {leaderElect: true, resourceName: mine}
`,
			leaderElection: true,
			want: `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
clientConnection: {kubeconfig: /lab/kubeconfig, qps: 5000, burst: 5000}
leaderElection: {leaderElect: true, resourceName: mine}
`,
		},
		{
			name: "a configuration with settings of its own and arguments of unknown plugins",
			source: `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
parallelism: 4
clientConnection: {kubeconfig: /etc/other, qps: 50, contentType: application/json}
leaderElection: {leaderElect: true, resourceName: mine}
profiles:
- schedulerName: mine
  pluginConfig:
  - name: Unknown
    args: {apiVersion: example.com/v1, kind: UnknownArgs, ratio: 0.25, count: 12345678901}
`,
			want: `
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
parallelism: 4
clientConnection: {kubeconfig: /lab/kubeconfig, qps: 5000, burst: 5000, contentType: application/json}
leaderElection: {leaderElect: false, resourceName: mine}
profiles:
- schedulerName: mine
  pluginConfig:
  - name: Unknown
    args: {apiVersion: example.com/v1, kind: UnknownArgs, ratio: 0.25, count: 12345678901}
`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := schedulerConfig([]byte(test.source), "/lab/kubeconfig", test.leaderElection)
			if err != nil {
				t.Fatal(err)
			}
			var wantConfig, gotConfig any
			if err := yaml.Unmarshal([]byte(test.want), &wantConfig); err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(got, &gotConfig); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(wantConfig, gotConfig); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			if strings.Contains(string(got), "e+") {
				t.Errorf("a whole number became a fraction:\n%s", got)
			}
		})
	}
}

func TestSchedulerConfigRefusesWhatItCannotChange(t *testing.T) {
	const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"
	tests := []struct {
		name, source, want string
	}{
		{name: "another kind", source: "apiVersion: v1\nkind: ConfigMap\n", want: "want kubescheduler.config.k8s.io/v1"},
		{name: "an old version", source: strings.Replace(head, "/v1", "/v1beta3", 1), want: "v1beta3"},
		{name: "no YAML", source: "a: [", want: "yaml"},
		{name: "a key that occurs twice", source: head + "parallelism: 1\nparallelism: 2\n", want: "parallelism"},
		{name: "a field of the wrong type", source: head + "leaderElection: no map\n", want: "leaderElection"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := schedulerConfig([]byte(test.source), "/lab/kubeconfig", false)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one that contains %q", err, test.want)
			}
		})
	}
}
