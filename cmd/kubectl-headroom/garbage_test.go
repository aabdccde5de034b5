// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// settings are what the garbage collector goes by: percent and limit in bytes.
type settings struct{ percent, limit uint64 }

// off is the percent of a collector that goes by the limit alone.
const off = math.MaxUint64

// collecting returns the settings by looking only: setting them, as package debug has it, would race with the cleanup that
// does.
func collecting() settings {
	read := []metrics.Sample{{Name: "/gc/gogc:percent"}, {Name: "/gc/gomemlimit:bytes"}}
	metrics.Read(read)
	return settings{read[0].Value.Uint64(), read[1].Value.Uint64()}
}

func TestGarbageIsCollectedLateAndAsUsualFromThenOn(t *testing.T) {
	before := collecting()
	collectLate(func(string) string { return "" })
	if got, want := collecting(), (settings{off, firstCollection}); got != want {
		t.Errorf("until the first collection: %+v, want %+v", got, want)
	}
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		runtime.GC()
		return collecting() == settings{before.percent, math.MaxInt64}, nil
	})
	if err != nil {
		t.Errorf("after a collection: %+v, want what was before: %+v", collecting(), before)
	}
}

func TestWhoSetsHowGarbageIsCollectedDecides(t *testing.T) {
	for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(variable, func(t *testing.T) {
			before := collecting()
			collectLate(func(name string) string {
				if name == variable {
					return "50"
				}
				return ""
			})
			if got := collecting(); got != before {
				t.Errorf("%+v, want what was before: %+v", got, before)
			}
		})
	}
}
