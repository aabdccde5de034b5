// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

func TestATableShortensNamesUntilItFits(t *testing.T) {
	for _, test := range []struct {
		name string
		wide bool
		rows []string // of two names and a figure, separated by |
		want []string
	}{
		{"it fits", false, []string{"a|b|1"}, []string{"NODE  POD  HELD", "a     b       1"}},
		{
			"the longer name goes first", false, []string{strings.Repeat("n", 20) + "|" + strings.Repeat("p", 70) + "|7.9Gi"},
			[]string{"NODE                  POD" + strings.Repeat(" ", 51) + "HELD", strings.Repeat("n", 20) + "  " + strings.Repeat("p", 50) + "~  7.9Gi"},
		},
		{
			"both in turn", false, []string{strings.Repeat("n", 60) + "|" + strings.Repeat("p", 60) + "|7.9Gi"},
			[]string{"NODE" + strings.Repeat(" ", 33) + "POD" + strings.Repeat(" ", 36) + "HELD", strings.Repeat("n", 34) + "~  " + strings.Repeat("p", 35) + "~  7.9Gi"},
		},
		{
			"a wide page is as wide as it is", true, []string{strings.Repeat("n", 60) + "|" + strings.Repeat("p", 60) + "|7.9Gi"}, nil,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := &page{wide: test.wide, headers: true}
			made := &table{headers: []string{"NODE", "POD", ">HELD"}}
			for _, row := range test.rows {
				made.add(strings.Split(row, "|")...)
			}
			p.table(made)
			got := strings.Split(strings.TrimSuffix(p.text.String(), "\n"), "\n")
			for _, line := range got {
				if (len(line) > pageWidth) != test.wide {
					t.Errorf("a line of %d characters: %q", len(line), line)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" && !test.wide {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Names as clouds and Deployments make them, and every figure at its longest.
func TestPagesAreNarrowWithUsualNames(t *testing.T) {
	const node = "ip-10-123-45-67.eu-central-1.compute.internal"
	s := newShop()
	s.node(node, "7600Mi", map[string]string{"zone": "z"}, func(node *corev1.Node) {
		node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionTrue}}
	})
	s.running(node, "1023Mi", pod("recommendation-service-api-7d4b9c6f58-xk2p5", "1Gi"))
	s.objects = append(s.objects, pod("recommendation-service-worker-7d4b9c6f58-mn4q8", "1023Mi", requiring(in("zone", "z"))))
	for _, arguments := range [][]string{{"nodes"}, {"victims", node}, {"explain", "-A"}, {"explain", "recommendation-service-worker-7d4b9c6f58-mn4q8"}} {
		t.Run(arguments[0], func(t *testing.T) {
			stdout, stderr, code := s.run(t, arguments...)
			if code == codeError || stdout == "" {
				t.Fatalf("exit %d: %s", code, stderr)
			}
			wantNarrow(t, stdout)
			if arguments[0] == "nodes" && !strings.Contains(stdout, "! ip-10-") {
				t.Errorf("no word of the node that is under pressure:\n%s", stdout)
			}
		})
	}
}
