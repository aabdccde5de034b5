// SPDX-License-Identifier: Apache-2.0

package memory

import "testing"

func TestWhatAPodHeldIsReadFromTheMessageOfItsEviction(t *testing.T) {
	const low = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. "
	for _, test := range []struct {
		name, message string
		want          int64
	}{
		{"one container", low + "Container main was using 2080Mi, request is 64Mi, has larger consumption of memory. ", 2080 * mi},
		{"several, of those that used more than they request", low +
			"Container a was using 100Mi, request is 64Mi, has larger consumption of memory. Container b was using 1Gi, request is 0, has larger consumption of memory. ", 1124 * mi},
		{"a pod with resources of its own is told of first, and has its containers in it", low +
			"Pod p was using 3Gi, request is 1Gi, has larger consumption of memory. Container a was using 2Gi, request is 0, has larger consumption of memory. ", 3072 * mi},
		{"none used more than it requests", low, 0},
		{"no quantity", low + "Container main was using much, request is 64Mi, ", 0},
		{"nothing", "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := heldAtEviction(test.message); got != test.want {
				t.Errorf("held = %d, want %d", got, test.want)
			}
		})
	}
}

func FuzzHeldAtEviction(f *testing.F) {
	f.Add("Container a was using 100Mi, request is 64Mi, has larger consumption of memory. ")
	f.Add("Pod p was using 1e9999999, request is 0")
	f.Fuzz(func(t *testing.T, message string) {
		if got := heldAtEviction(message); got < 0 {
			t.Fatalf("held = %d", got)
		}
	})
}
