// SPDX-License-Identifier: Apache-2.0

package explain_test

import (
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/explain"
)

func TestAgesAreThoseOfKubectl(t *testing.T) {
	for age, want := range map[time.Duration]string{
		-5 * time.Second:  "0s", // by another clock
		90 * time.Second:  "90s",
		5 * time.Minute:   "5m",
		330 * time.Second: "5m30s",
		26 * time.Hour:    "26h",
		72 * time.Hour:    "3d",
	} {
		if got := explain.Age(age); got != want {
			t.Errorf("%s: got %q, want %q", age, got, want)
		}
	}
}
