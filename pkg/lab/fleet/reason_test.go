// SPDX-License-Identifier: Apache-2.0

package fleet

import "testing"

func TestReasonKeepsKindsAndDropsCounts(t *testing.T) {
	for _, test := range []struct{ name, message, want string }{
		{
			"two kinds and a word on preemption",
			"0/9 nodes are available: 3 Insufficient cpu, 6 Insufficient memory. preemption: 0/9 nodes are available: 9 Preemption is not helpful for scheduling.",
			"Insufficient cpu; Insufficient memory",
		},
		{"the order of counts does not matter", "0/9 nodes are available: 6 Insufficient memory, 9 Insufficient cpu.", "Insufficient cpu; Insufficient memory"},
		{"one kind without preemption", "0/1523 nodes are available: 1523 Insufficient memory.", "Insufficient memory"},
		{
			"a kind with a comma in it",
			"0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) had a, and b. no new claims to deallocate, preemption: x",
			"node(s) had a, and b; node(s) had untolerated taint(s)",
		},
		{"a reason for all nodes", "0/3 nodes are available: pod has no claim. preemption: 0/3 nodes are available", "pod has no claim"},
		{"another form", "no nodes available to schedule pods", "no nodes available to schedule pods"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := reason(test.message); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
