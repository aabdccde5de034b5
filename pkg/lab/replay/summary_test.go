// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/report/comparison"
)

func TestATableOfOneSeedHasNoIntervals(t *testing.T) {
	var out strings.Builder
	if err := Print(&out, []Result{rated("headroom", 30, 1, 2), rated("peer", 30, 1, 2), rated("peer", 30, 2, 4)}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	for i, want := range []string{"headroom  2.00                -", "peer      3.00                0.00-15.71"} {
		if !strings.Contains(lines[i+1], want) {
			t.Errorf("the line %q lacks %q", lines[i+1], want)
		}
	}
}

// Where the pods of either policy wait for long a difference is told, and marked as none that is compared.
func TestDifferencesAreToHeadroomAndSayWherePodsWait(t *testing.T) {
	waiting := func(result Result) Result {
		result.PendingHours = float64(result.Pods) // an hour each
		return result
	}
	placed := func(result Result) Result {
		result.PendingHours = 0
		return result
	}
	c := &comparison.Comparison{}
	Summarize(c, []Result{
		placed(rated("headroom", 30, 1, 2)), placed(rated("peer", 30, 1, 5)), waiting(rated("patient", 30, 1, 1)),
		waiting(rated("headroom", 24, 1, 4)), placed(rated("peer", 24, 1, 9)),
		placed(rated("peer", 40, 1, 1)), // where headroom was not played
	})
	want := []comparison.Difference{
		{Trace: "t", Scenario: "base", Policy: "peer", Nodes: 30, Mean: 3, Low: 3, High: 3, Unknown: true},
		{Trace: "t", Scenario: "base", Policy: "patient", Nodes: 30, Mean: -1, Low: -1, High: -1, Unknown: true, Waits: true},
		{Trace: "t", Scenario: "base", Policy: "peer", Nodes: 24, Mean: 5, Low: 5, High: 5, Unknown: true, Waits: true},
	}
	if diff := cmp.Diff(want, c.Paired); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
}
