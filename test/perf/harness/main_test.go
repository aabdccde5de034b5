// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	_ "k8s.io/component-base/logs/json/register"
	perf "k8s.io/kubernetes/test/integration/scheduler_perf"
	"sigs.k8s.io/yaml"

	testperf "github.com/headroom-dev/headroom/test/perf"
	"github.com/headroom-dev/headroom/test/perf/arms"
)

// What "make bench" asks of one run of this binary.
const (
	armVariable    = "HEADROOM_BENCH_ARM"    // an arm of test/perf
	configVariable = "HEADROOM_BENCH_CONFIG" // a file of config/ that the arms config and headroom run
	turnsVariable  = "HEADROOM_BENCH_TURNS"  // in how many turns with other processes pods are created
	resultVariable = "HEADROOM_BENCH_RESULT" // where the measurement is written
)

func TestMain(m *testing.M) {
	if err := perf.InitTests(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	m.Run()
}

// BenchmarkScheduling runs one workload; choose it by -bench, for example '^BenchmarkScheduling$/^selective$/^1000Nodes$'.
func BenchmarkScheduling(b *testing.B) {
	arm := testperf.Arm(os.Getenv(armVariable))
	if arm == "" {
		b.Skipf("started by make bench, which sets %s", armVariable)
	}
	turns, gate, err := turnsOf(os.Getenv(turnsVariable))
	if err != nil {
		b.Fatal(err)
	}
	measure := newMeasurement(b, arm, turns, gate)
	configuration, err := arms.Configuration(arm, os.Getenv(configVariable), measure.metrics, stopwatchName)
	if err != nil {
		b.Fatal(err)
	}
	cases := withConfig(b, "workloads.yaml", configuration, turns)
	if path := os.Getenv(resultVariable); path != "" {
		// As soon as it is known: what follows is the end of the API server, for which nobody has to wait.
		measure.whenDone = func(result *testperf.Measured) error { return testperf.WriteMeasured(path, result) }
	}
	perf.RunBenchmarkPerfScheduling(b, cases, "headroom", measure.registry(), perf.WithNodeUpdateFn(measure.nodesCreated),
		perf.WithPodsSchedulingTimeout(gateLimit))
	if err := measure.finished(); err != nil {
		b.Fatal(err)
	}
}

// withConfig copies the test cases of a file, with the scheduler's configuration added to each and their pods in so many turns, and
// returns the copy's path.
func withConfig(b *testing.B, path string, configuration []byte, turns int) string {
	b.Helper()
	folder := b.TempDir()
	configPath := filepath.Join(folder, "scheduler-config.yaml")
	if err := os.WriteFile(configPath, configuration, 0o600); err != nil {
		b.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	var cases []map[string]any
	if err := yaml.Unmarshal(text, &cases); err != nil {
		b.Fatal(err)
	}
	for _, testCase := range cases {
		testCase["schedulerConfigPath"] = configPath
		operations, _ := testCase["workloadTemplate"].([]any)
		if testCase["workloadTemplate"], err = inTurns(operations, turns); err != nil {
			b.Fatalf("%s: %v: %v", path, testCase["name"], err)
		}
	}
	text, err = yaml.Marshal(cases)
	if err != nil {
		b.Fatal(err)
	}
	copied := filepath.Join(folder, "workloads.yaml")
	if err := os.WriteFile(copied, text, 0o600); err != nil {
		b.Fatal(err)
	}
	return copied
}
