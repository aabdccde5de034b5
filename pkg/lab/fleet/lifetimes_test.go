// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMostAtOnceFollowsStartsAndEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		pods []Pod
		want Amount
	}{
		{name: "no pods"},
		{
			name: "pods without times all live at once",
			pods: []Pod{{CPUMilli: 1, RequestedBytes: 10, EndSeconds: neverEnds}, {CPUMilli: 2, RequestedBytes: 20, EndSeconds: neverEnds}},
			want: Amount{Pods: 2, CPUMilli: 3, MemoryBytes: 30},
		},
		{
			name: "an end makes room for a start of the same second",
			pods: []Pod{{CPUMilli: 1, RequestedBytes: 10, StartSeconds: 5, EndSeconds: 9}, {CPUMilli: 2, RequestedBytes: 20, EndSeconds: 5}},
			want: Amount{Pods: 1, CPUMilli: 2, MemoryBytes: 20},
		},
		{
			name: "each figure has a time of its own",
			pods: []Pod{
				{CPUMilli: 1, RequestedBytes: 1, StartSeconds: 0, EndSeconds: 3}, {CPUMilli: 1, RequestedBytes: 1, StartSeconds: 1, EndSeconds: 3},
				{CPUMilli: 9, RequestedBytes: 9, StartSeconds: 4, EndSeconds: 5},
			},
			want: Amount{Pods: 2, CPUMilli: 9, MemoryBytes: 9},
		},
		{name: "what ends as it starts never lived", pods: []Pod{{CPUMilli: 1, RequestedBytes: 1, StartSeconds: 3, EndSeconds: 3}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, mostAtOnce(test.pods)); diff != "" {
				t.Errorf("most at once (-want +got):\n%s", diff)
			}
		})
	}
}
