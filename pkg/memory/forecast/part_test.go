// SPDX-License-Identifier: Apache-2.0

package forecast_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// A part that is left out stays out, however long pods are observed, and nothing else goes with it.
func TestALearnerDoesWithoutWhatIsLeftOut(t *testing.T) {
	web := forecast.Workload{Owner: "web"}
	for _, test := range []struct {
		name string
		part forecast.Part
		// at is what is expected at one o'clock and at two, in MiB, of a pod that held 100 and 400 then.
		at   [2]int
		from forecast.Source
	}{
		{"nothing", forecast.NoPart, [2]int{100, 400}, forecast.SourceSiblings},
		{"the hours", forecast.PartHours, [2]int{400, 400}, forecast.SourceSiblings},
		{"everything", forecast.PartAll, [2]int{1000, 1000}, forecast.SourceLimit},
	} {
		t.Run(test.name, func(t *testing.T) {
			learner := forecast.NewLearner(fixedPrior{})
			learner.LeaveOut(test.part)
			for day := range 5 {
				for hour, mib := range []int64{100, 400} {
					learner.Begin(time.Date(2026, 1, 1+day, 1+hour, 30, 0, 0, time.UTC))
					learner.Observe(web, mib*mi, 24*time.Hour)
					learner.Publish()
				}
			}
			demand := learner.Adjust(fixedPrior{}.Demand(nil), web)
			var sums [forecast.Hours]float64
			course := demand.Course(0)
			course.AddTo(&sums, 1)
			got := [2]int{int(sums[1]+1) >> 20, int(sums[2]+1) >> 20}
			if diff := cmp.Diff(test.at, got); diff != "" || demand.PeakSource != test.from {
				t.Errorf("by %s, want by %s; MiB (-want +got):\n%s", demand.PeakSource, test.from, diff)
			}
		})
	}
}
