// SPDX-License-Identifier: Apache-2.0

package document

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTimeTicksLieAtRoundTimes(t *testing.T) {
	for _, tc := range []struct {
		name string
		end  time.Duration
		want []string
	}{
		{"seconds", 9 * time.Second, []string{"00:00", "00:02", "00:04", "00:06", "00:08"}},
		{"minutes", 220 * time.Second, []string{"00:00", "01:00", "02:00", "03:00"}},
		{"hours", 3 * time.Hour, []string{"00:00", "1:00:00", "2:00:00", "3:00:00"}},
		{"days", 15 * 24 * time.Hour, []string{"00:00", "96:00:00", "192:00:00", "288:00:00"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []string
			for _, tick := range TimeTicks(tc.end) {
				got = append(got, tick.Label)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("ticks (-want +got):\n%s", diff)
			}
		})
	}
}
