// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// settings are what the garbage collector goes by: percent and limit in bytes.
type settings struct {
	percent int
	limit   int64
}

// collecting returns the settings, and leaves them as they are.
func collecting() settings {
	now := settings{debug.SetGCPercent(100), debug.SetMemoryLimit(-1)}
	debug.SetGCPercent(now.percent)
	return now
}

func TestGarbageIsCollectedLateAndAsUsualFromThenOn(t *testing.T) {
	before := collecting()
	collectLate(func(string) string { return "" })
	if got, want := collecting(), (settings{-1, firstCollection}); got != want {
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
