// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"testing"
	"time"
)

func TestProgressSaysWhatIsLeft(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name  string
		after time.Duration
		state state
		want  string
	}{
		{"before the first pod", 0, state{pods: 9}, "0 of 9 pods placed, 0 fit nowhere so far"},
		{
			"too early for a rate", 500 * time.Millisecond, state{pods: 9, placed: 1, began: began, changed: began},
			"1 of 9 pods placed, 0 fit nowhere so far",
		},
		{
			"half-way", 50 * time.Second, state{pods: 2000, placed: 900, unschedulable: 100, began: began, changed: began.Add(50 * time.Second)},
			"900 of 2000 pods placed, 100 fit nowhere so far | 20/s, 0:50 left",
		},
		{
			"settling", 70 * time.Second, state{pods: 2000, placed: 1900, unschedulable: 100, began: began, changed: began.Add(60 * time.Second)},
			"1900 of 2000 pods placed, 100 fit nowhere so far | done in 0:30 unless a pod finds a place after all",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := progressText(began.Add(test.after), test.state, 40*time.Second); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
