// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

func TestANodesAnnotationTellsItsThreshold(t *testing.T) {
	for _, test := range []struct {
		name, annotation string
		wantThreshold    int64
		wantOrigin       threshold.Origin
		wantProblem      bool
	}{
		{"a quantity", "500Mi", 500 * mi, threshold.OriginAnnotation, false},
		{"malformed: the assumption stands, and the line says why", "much", 100 * mi, threshold.OriginAssumed, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			annotated := node("n1")
			annotated.Annotations = map[string]string{threshold.EvictionHardAnnotation: test.annotation}
			line := ledger.NewBuilder(options).Build(ledger.Input{Now: now, Nodes: []*corev1.Node{annotated}, Samples: samples(mi, 0, nil)}).Nodes[0]
			if line.Thresholds.EvictionHard != test.wantThreshold || line.Thresholds.EvictionHardOrigin != test.wantOrigin {
				t.Errorf("threshold = %d by %s, want %d by %s", line.Thresholds.EvictionHard, line.Thresholds.EvictionHardOrigin, test.wantThreshold, test.wantOrigin)
			}
			if got := line.Problem != ""; got != test.wantProblem {
				t.Errorf("problem = %q, want one: %v", line.Problem, test.wantProblem)
			}
		})
	}
}
