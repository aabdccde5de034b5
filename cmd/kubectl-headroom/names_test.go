// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// What -o name prints can be handed to another command: nothing is there of which the answer is no.
func TestExplainNamesTheNodesThatAPodGoesTo(t *testing.T) {
	for _, test := range []struct {
		name      string
		pod       *corev1.Pod
		arguments []string
		want      string
		code      int
	}{
		{"one pod", pod("asked", "1Gi", requiring(in("zone", "b"))), nil, "node/web-2\n", codeYes},
		{"copies, each node once", pod("asked", "2Gi", requiring(in("zone", "a", "b"))), []string{"--replicas", "4"}, "node/web-1\nnode/web-2\n", codeYes},
		{"it fits no node", pod("asked", "1Gi", requiring(in("zone", "d"))), nil, "", codeNo},
		{"it is held back", pod("asked", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
		}), nil, "", codeNo},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			s.objects = append(s.objects, test.pod)
			stdout, stderr, code := s.run(t, append([]string{"explain", "asked", "-o", "name"}, test.arguments...)...)
			if stdout != test.want || code != test.code {
				t.Errorf("it printed %q and ended with %d (%s), want %q and %d", stdout, code, stderr, test.want, test.code)
			}
		})
	}
}

// A file may name a node, and its pod is on none for that.
func TestAPodOfAFileIsOnNoNode(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pod.yaml")
	text := "apiVersion: v1\nkind: Pod\nmetadata: {name: filed}\nspec: {nodeName: web-1, schedulerName: headroom-scheduler, containers: [{name: main, image: example.com/main}]}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout, _, code := newShop().run(t, "explain", "-f", file)
	want := "Pod default/filed: spec.nodeName: web-1 was set by whoever made it, so no\nscheduler judges it, and its kubelet may refuse it; use a required node affinity\n" +
		"to matchFields metadata.name instead.\nIt would go to node web-2, the best of 4 feasible among 6 nodes.\n"
	if code != codeNo || len(stdout) < len(want) || stdout[:len(want)] != want {
		t.Errorf("it ended with %d and\n%s\nwant %d and\n%s", code, stdout, codeNo, want)
	}
}
