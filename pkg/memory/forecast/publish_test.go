// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// What is published is not made anew each time for all workloads: here is what makes it change.
func TestWhatIsPublishedFollowsWhatIsLearned(t *testing.T) {
	asks := forecast.Demand{RequestBytes: 100 * mi, FirmBytes: 100 * mi, PeakBytes: 100 * mi, PeakSource: forecast.SourceRequest}
	unknown, known, merged := shopWorkload(99), shopWorkload(0), shopWorkload(50)
	for _, test := range []struct {
		name   string
		change func(*forecast.Learner)
		of     forecast.Workload
		want   forecast.Source
		peak   int64 // Mi, at least
	}{
		{"nothing happens", func(*forecast.Learner) {}, unknown, forecast.SourceNamespace, 200},
		{"a workload holds more", func(l *forecast.Learner) { l.Observe(known, 900*mi, time.Minute) }, known, forecast.SourceSiblings, 900},
		{"those of the namespace hold more", func(l *forecast.Learner) {
			for i := range 20 {
				l.Observe(shopWorkload(i), 300*mi, time.Minute)
			}
		}, unknown, forecast.SourceNamespace, 300},
		{"those of the namespace request less", func(l *forecast.Learner) {
			for i := range 20 {
				l.Requested(shopWorkload(i), 50*mi)
			}
		}, unknown, forecast.SourceNamespace, 400},
		{"a workload comes from another learner", func(l *forecast.Learner) {
			other := forecast.NewLearner(fixedPrior{})
			other.Begin(noon)
			other.Observe(merged, 700*mi, time.Hour)
			l.Merge(other.Records(), noon.Add(time.Minute))
		}, merged, forecast.SourceSiblings, 700},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			learner.Begin(noon)
			for i := range 20 {
				learner.Observe(shopWorkload(i), 200*mi, time.Hour)
				learner.Requested(shopWorkload(i), 100*mi)
			}
			learner.Publish()
			before := learner.Adjust(asks, test.of)
			learner.Begin(noon.Add(time.Minute))
			test.change(learner)
			if got := learner.Adjust(asks, test.of); got.PeakBytes != before.PeakBytes || got.PeakSource != before.PeakSource {
				t.Errorf("before it is published it is %dMi by %s, and was %dMi by %s", got.PeakBytes/mi, got.PeakSource, before.PeakBytes/mi, before.PeakSource)
			}
			learner.Publish()
			if got := learner.Adjust(asks, test.of); got.PeakSource != test.want || got.PeakBytes < test.peak*mi || got.PeakBytes > test.peak*mi*5/4 {
				t.Errorf("%dMi by %s, want %dMi or a margin more by %s", got.PeakBytes/mi, got.PeakSource, test.peak, test.want)
			}
		})
	}
}
