// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

func TestPodsAreCreatedInTurnsEachAfterAGate(t *testing.T) {
	read := func(text string) []any {
		var operations []any
		if err := yaml.Unmarshal([]byte(text), &operations); err != nil {
			t.Fatal(err)
		}
		return operations
	}
	got, err := inTurns(read(`
- {opcode: createNodes, count: 3}
- {opcode: createPods, count: 2, skipWaitToCompletion: true}
- {opcode: createPods, count: 5, collectMetrics: true}
- {opcode: barrier}
`), 2)
	if err != nil {
		t.Fatal(err)
	}
	want := read(`
- {opcode: createNodes, count: 3}
- {opcode: createPods, count: 1, podTemplatePath: templates/pod-gate.yaml}
- {opcode: createPods, count: 2, skipWaitToCompletion: true}
- {opcode: createPods, count: 5}
- {opcode: barrier}
- {opcode: createPods, count: 1, podTemplatePath: templates/pod-gate.yaml}
- {opcode: createPods, count: 2, skipWaitToCompletion: true}
- {opcode: createPods, count: 5, collectMetrics: true}
- {opcode: barrier}
`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
	if _, err := inTurns(read("- {opcode: createNodes, count: 3}"), 2); err == nil {
		t.Error("a workload without pods is taken")
	}
}

func TestAGateOpensWhenItIsThisProcessesTurn(t *testing.T) {
	letting, let, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ready, telling, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer ready.Close()
	defer letting.Close()
	gate := &gate{let: letting, ready: telling}
	passed := make(chan error)
	go func() {
		for _, pod := range []types.UID{"one", "one", "two"} { // one is tried once more
			passed <- gate.pass(pod)
		}
		passed <- gate.pass("three")
	}()
	for _, tried := range []int{2, 1} {
		if _, err := ready.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-passed:
			t.Fatalf("passed before its turn: %v", err)
		default:
		}
		if _, err := let.Write([]byte{'.'}); err != nil {
			t.Fatal(err)
		}
		for range tried {
			if err := <-passed; err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := let.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-passed; err == nil {
		t.Error("a gate opens though nobody will ever let it")
	}
	if err := telling.Close(); err != nil {
		t.Fatal(err)
	}
}
