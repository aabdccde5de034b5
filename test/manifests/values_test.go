// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// Paths from here.
const (
	repository  = "../.."
	chartFolder = repository + "/manifests/charts/headroom-scheduler"
)

// combinations are values that change what is rendered. Each is linted, rendered, decoded and admitted.
var combinations = map[string]string{
	"defaults":                         "",
	"instead of the default scheduler": "mode: replace",
	"two profiles":                     "schedulerNames: [first, second]",
	"kubelets": `
memory:
  source: {type: Kubelet, kubelet: {insecureSkipVerify: true}}
  readKubeletConfig: true`,
	"thresholds of kubelets, samples of the metrics API": "memory: {readKubeletConfig: true}",
	"Prometheus": `
memory:
  filter: Soft
  shadow: true
  filterByQOSClass: {BestEffort: "Off"}
  freshFor: 1m30s
  reserve: 256Mi
  maxStallPercent: 0
  source:
    type: Prometheus
    prometheus:
      address: https://prometheus.monitoring:9090
      caFile: /etc/prometheus-ca/ca.crt
      bearerTokenFile: /var/run/secrets/tokens/prometheus
extraVolumes:
  - name: prometheus-ca
    configMap: {name: prometheus-ca}
  - name: token
    projected: {sources: [{serviceAccountToken: {path: prometheus, audience: prometheus}}]}
extraVolumeMounts:
  - {name: prometheus-ca, mountPath: /etc/prometheus-ca, readOnly: true}
  - {name: token, mountPath: /var/run/secrets/tokens, readOnly: true}`,
	"all of monitoring": `
metrics:
  readers: [{name: prometheus-k8s, namespace: monitoring}]
  serviceMonitor: {enabled: true, interval: 15s, labels: {release: prometheus}}
  dashboard: {enabled: true}
  alerts: {enabled: true, labels: {release: prometheus}}`,
	"one replica, nothing optional": `
replicas: 1
podDisruptionBudget: {enabled: false}
rbac: {create: false}
serviceAccount: {create: false, name: scheduler}
priorityClassName: ""
nodeSelector: null
tolerations: []
forecast: {checkpoint: {enabled: false}}`,
	"another lease": "leaderElection: {resourceName: another, resourceNamespace: leases, leaseDuration: 30s, renewDeadline: 20s, retryPeriod: 4s}",
	"everything of a pod": `
image: {repository: example.com/headroom-scheduler, digest: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, pullPolicy: Always}
imagePullSecrets: [{name: pull}]
fullnameOverride: scheduler
podLabels: {team: platform}
podAnnotations: {example.com/note: "yes"}
serviceAccount: {annotations: {example.com/role: scheduler}}
resources: {requests: {cpu: "1", memory: 1Gi}, limits: {memory: 4Gi}}
podDisruptionBudget: {maxUnavailable: 50%}
affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname}]}}
topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]
featureGates: {CoordinatedLeaderElection: false, GenericWorkload: true}
extraArgs: [--tls-min-version=VersionTLS13]
extraEnv: [{name: GOMEMLIMIT, value: 1GiB}]
verbosity: 4`,
	"further plugins": `
plugins:
  score: {enabled: [{name: LowRiskOverCommitment, weight: 1}], disabled: [{name: ImageLocality}]}
  multiPoint: {enabled: [{name: NodeResourcesAllocatable}]}
pluginConfig:
  - name: PodTopologySpread
    args: {defaultingType: List, defaultConstraints: []}
nodeAffinity:
  addedAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms: [{matchExpressions: [{key: pool, operator: In, values: [general]}]}]
configuration: {parallelism: 8, percentageOfNodesToScore: 20, clientConnection: {qps: 200, burst: 400}}
rbac: {extraRules: [{apiGroups: [topology.node.k8s.io], resources: [noderesourcetopologies], verbs: [get, list, watch]}]}`,
	"a configuration of one's own": `
configuration:
  profiles:
    - schedulerName: mine
      plugins: {multiPoint: {enabled: [{name: HeadroomMemory, weight: 3}]}}
      pluginConfig: [{name: HeadroomMemory, args: {source: {type: Kubelet}}}]`,
}

// allCombinations are those above, and the files of manifests/examples/values.
func allCombinations(t *testing.T) map[string]string {
	t.Helper()
	all := maps.Clone(combinations)
	files, err := filepath.Glob(repository + "/manifests/examples/values/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples of values (%v)", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all["the example "+filepath.Base(file)] = string(text)
	}
	return all
}

// Where all below a key is a comment, YAML reads null, and Helm drops the value: what the chart goes by then is nothing, or it says
// which value is missing.
func TestAKeyWithNothingBelowIsNoFault(t *testing.T) {
	text, err := os.ReadFile(chartFolder + "/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]any{}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	for name := range values {
		if _, err := Render(chartFolder, Release{"r", "n"}, name+":"); err != nil && !strings.Contains(err.Error(), "missing property '"+name+"'") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"memory", "nodeAffinity", "plugins", "pluginConfig", "configuration", "featureGates"} {
		render(t, Release{"r", "n"}, name+":")
	}
}

// What an example has as a comment is a value that the chart knows too.
func TestCommentedValuesOfTheExampleOfKubeletsAreRight(t *testing.T) {
	text, err := os.ReadFile(repository + "/manifests/examples/values/kubelet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values := regexp.MustCompile(`(?m)^( +)# (kubelet: .*)$`)
	for _, field := range []string{"caFile", "insecureSkipVerify"} {
		found := false
		for _, match := range values.FindAllSubmatchIndex(text, -1) {
			value := string(text[match[4]:match[5]])
			if !strings.Contains(value, field+": ") {
				continue
			}
			found = true
			given := string(text[:match[0]]) + string(text[match[2]:match[3]]) + value + "\n"
			configuration := Find[*corev1.ConfigMap](render(t, Release{"r", "n"}, given))[0].Data["scheduler-config.yaml"]
			if !strings.Contains(configuration, field+": ") {
				t.Errorf("%s does not reach the configuration:\n%s", value, configuration)
			}
		}
		if !found {
			t.Errorf("the example has no comment with kubelet.%s", field)
		}
	}
}
