// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Arms that are compared take turns, each in a process of its own: what disturbs the machine for a minute disturbs all of them alike. While
// it is another's turn, an arm's scheduler stands in the cycle of a pod that is its gate, and no pods are created in its API server. What an arm
// does by itself, as reading metrics, goes on.

// gateLabel is the label of the pods before which a turn begins.
const gateLabel = "gate"

// gateLimit is how long the harness may wait for a gate, while the others are made ready and take their turns. It ends a test 30 minutes after
// etcd has started in any case (k8s.io/kubernetes test/integration/scheduler_perf/scheduler_perf.go).
const gateLimit = 30 * time.Minute

// gateTemplate is one of them.
const gateTemplate = "templates/pod-gate.yaml"

// Where "make bench" takes turns between this process and others: it reads a byte before each turn, and writes one when it is ready for it.
const (
	letDescriptor   = 3
	readyDescriptor = 4
)

// turnsOf returns how many turns are to be taken, and what stands before each.
func turnsOf(asked string) (int, *gate, error) {
	if asked == "" { // started by hand
		return 1, &gate{}, nil
	}
	turns, err := strconv.Atoi(asked)
	if err != nil || turns < 1 {
		return 0, nil, fmt.Errorf("%s=%s: want a number of 1 or more", turnsVariable, asked)
	}
	// etcd is not to hold them: "make bench" is told by their end of the end of this process.
	syscall.CloseOnExec(letDescriptor)
	syscall.CloseOnExec(readyDescriptor)
	return turns, &gate{let: os.NewFile(letDescriptor, "let"), ready: os.NewFile(readyDescriptor, "ready")}, nil
}

// gate lets a pod pass when it is this process's turn.
type gate struct {
	let, ready *os.File
	passed     map[types.UID]bool
}

// pass waits until it is this process's turn. It is called by the scheduler's only loop.
func (g *gate) pass(pod types.UID) error {
	if g.let == nil || g.passed[pod] { // tried once more
		return nil
	}
	if _, err := g.ready.Write([]byte{'.'}); err != nil {
		return fmt.Errorf("tell that a turn may begin: %w", err)
	}
	if _, err := g.let.Read(make([]byte, 1)); err != nil {
		return fmt.Errorf("wait for a turn: %w", err)
	}
	if g.passed == nil {
		g.passed = map[types.UID]bool{}
	}
	g.passed[pod] = true
	return nil
}

// inTurns returns the operations of a workload with those from the first pods on repeated, each time after a gate. The harness gathers
// figures of its own, which nobody reads, of one operation at least: the last one that is there to be measured.
func inTurns(operations []any, turns int) ([]any, error) {
	first := slices.IndexFunc(operations, func(operation any) bool {
		fields, ok := operation.(map[string]any)
		return ok && fields["opcode"] == "createPods"
	})
	if first < 0 {
		return nil, errors.New("no operation creates pods")
	}
	repeated := slices.Clone(operations[:first])
	for turn := 1; turn <= turns; turn++ {
		repeated = append(repeated, map[string]any{"opcode": "createPods", "count": float64(1), "podTemplatePath": gateTemplate})
		for _, operation := range operations[first:] {
			if fields, ok := operation.(map[string]any); ok && turn < turns {
				fields = maps.Clone(fields)
				delete(fields, "collectMetrics")
				operation = fields
			}
			repeated = append(repeated, operation)
		}
	}
	return repeated, nil
}
