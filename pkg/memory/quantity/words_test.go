// SPDX-License-Identifier: Apache-2.0

package quantity_test

import (
	"math"
	"testing"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

func TestBytesInWords(t *testing.T) {
	for _, test := range []struct {
		bytes int64
		want  string
	}{
		{0, "0"},
		{1023, "1023"},
		{1024, "1Ki"},
		{1536 << 20, "1.5Gi"},
		{-(200 << 20), "-200Mi"},
		{3 << 40, "3Ti"},
		{math.MaxInt64, "8388608Ti"},
		{math.MinInt64, "-8388608Ti"},
	} {
		if got := quantity.InWords(test.bytes); got != test.want {
			t.Errorf("%d = %s, want %s", test.bytes, got, test.want)
		}
	}
}
