// SPDX-License-Identifier: Apache-2.0

package figure

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	mib = int64(1) << 20
	gib = int64(1) << 30
)

func TestBytesAreFormattedInBinaryUnits(t *testing.T) {
	for _, tc := range []struct {
		name  string
		bytes int64
		want  string
	}{
		{"nothing", 0, "0 B"},
		{"below a kibibyte", 1023, "1023 B"},
		{"a kibibyte", 1024, "1 KiB"},
		{"half kibibytes", 1536, "1.5 KiB"},
		{"whole mebibytes", 100 * mib, "100 MiB"},
		{"just below a gibibyte does not print 1024 MiB", gib - 1, "1.00 GiB"},
		{"gibibytes keep two decimals", 7*gib + 924*mib, "7.90 GiB"},
		{"rounding does not leave a third decimal place", 9*gib + 1023*mib, "10.0 GiB"},
		{"tens of gibibytes", 62*gib + 512*mib, "62.5 GiB"},
		{"hundreds of gibibytes", 755 * gib, "755 GiB"},
		{"tebibytes", 3 * 512 * gib, "1.50 TiB"},
		{"the largest figure", math.MaxInt64, "8.00 EiB"},
		{"the smallest figure", math.MinInt64, "-8.00 EiB"},
		{"a difference", -512 * mib, "-512 MiB"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Bytes(tc.bytes)); diff != "" {
				t.Errorf("Bytes(%d) (-want +got):\n%s", tc.bytes, diff)
			}
		})
	}
	if diff := cmp.Diff("not set", BytesOrUnset(0)); diff != "" {
		t.Errorf("BytesOrUnset(0) (-want +got):\n%s", diff)
	}
}

func TestSharesAreNotRoundedAcrossFullOrEmpty(t *testing.T) {
	for _, tc := range []struct {
		name  string
		share float64
		want  string
	}{
		{"none", 0, "0%"},
		{"next to none", 0.0001, "<0.1%"},
		{"less than a percent", 0.0042, "0.4%"},
		{"usual", 0.876, "88%"},
		{"99 percent", 0.99, "99%"},
		{"nearly full", 0.9996, "99.9%"},
		{"full", 1, "100%"},
		{"hardly over", 1.0001, "100.1%"},
		{"over", 1.274, "127%"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Share(tc.share)); diff != "" {
				t.Errorf("Share(%v) (-want +got):\n%s", tc.share, diff)
			}
		})
	}
}

func TestTimesAreFormattedForPeople(t *testing.T) {
	for _, tc := range []struct {
		name              string
		offset            time.Duration
		wantClock, wantIn string
	}{
		{"the start", 0, "00:00", "0 s"},
		{"parts of a second", 400 * time.Millisecond, "00:00", "0.4 s"},
		{"seconds", 9 * time.Second, "00:09", "9 s"},
		{"rounding up to ten", 9960 * time.Millisecond, "00:09", "10 s"},
		{"rounding up to a minute", 59600 * time.Millisecond, "00:59", "1 min 0 s"},
		{"minutes", 220 * time.Second, "03:40", "3 min 40 s"},
		{"hours", time.Hour + 2*time.Minute + 3*time.Second, "1:02:03", "1 h 2 min"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.wantClock, Clock(tc.offset)); diff != "" {
				t.Errorf("Clock(%v) (-want +got):\n%s", tc.offset, diff)
			}
			if diff := cmp.Diff(tc.wantIn, Seconds(tc.offset.Seconds())); diff != "" {
				t.Errorf("Seconds(%v) (-want +got):\n%s", tc.offset.Seconds(), diff)
			}
		})
	}
}

func TestCountsAreGroupedByThreeDigits(t *testing.T) {
	for count, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 8152: "8,152", 1234567: "1,234,567", -100: "-100", -1000: "-1,000"} {
		if diff := cmp.Diff(want, Count(count)); diff != "" {
			t.Errorf("Count(%d) (-want +got):\n%s", count, diff)
		}
	}
}
