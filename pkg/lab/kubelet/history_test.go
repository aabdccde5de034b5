// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"testing"
	"time"
)

func TestThePeakIsTheHighestFromAMomentOn(t *testing.T) {
	history := newHistory(began)
	for i, bytes := range []int64{9, 3, 7, 5} {
		history.record(began.Add(time.Duration(i)*time.Second), "n1", 100, 80, bytes)
	}
	for since, want := range map[time.Duration]int64{0: 9, time.Second: 7, 2 * time.Second: 7, 2500 * time.Millisecond: 5, time.Minute: 0} {
		if got, threshold := history.Peak("n1", since); got != want || threshold != 80 {
			t.Errorf("since %s: peak %d of %d, want %d of 80", since, got, threshold, want)
		}
	}
	if got, threshold := history.Peak("n2", 0); got != 0 || threshold != 0 {
		t.Errorf("peak %d of %d of a node that nobody knows, want zeros", got, threshold)
	}
}
