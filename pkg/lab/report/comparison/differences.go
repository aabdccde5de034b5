// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
)

// against is one difference, drawn from its low to its high end around 0.
type against struct {
	Class          int
	Policy         string
	Reference      string
	Nodes          int
	Text, Interval string
	// Verdict is "fewer", "more" or "no difference" of the policy against the reference, or "not compared" or "one pair".
	Verdict string
	// Left, Width and At are percent of the bar, whose middle is 0.
	Left, Width, At float64
}

// differences of one trace and scenario share a scale.
func differences(paired []Difference, all []policy) []against {
	widest := transformed(linear)
	for _, d := range paired {
		widest = max(widest, transformed(math.Abs(d.Low)), transformed(math.Abs(d.High)))
	}
	place := func(value float64) float64 {
		return 50 + math.Copysign(transformed(math.Abs(value)), value)/widest*48
	}
	var rows []against
	for _, d := range paired {
		left := document.Round(place(d.Low), 2)
		rows = append(rows, against{
			Class: classOf(all, d.Policy), Policy: d.Policy, Reference: cmp.Or(d.Against, reference), Nodes: d.Nodes,
			Text: signed(d.Mean), Interval: d.interval(), Verdict: d.verdict(),
			Left: left, Width: document.Round(max(place(d.High)-left, 0.4), 2), At: document.Round(place(d.Mean), 2),
		})
	}
	return rows
}

const notCompared, onePair, noDifference = "not compared", "one pair", "no difference"

// interval is the text of the difference's interval, a dash where there is none.
func (d Difference) interval() string {
	if d.Unknown {
		return noInterval
	}
	return signed(d.Low) + " to " + signed(d.High)
}

// verdict is what the interval allows to say.
func (d Difference) verdict() string {
	switch {
	case d.Waits: // who leaves pods waiting ends few
		return notCompared
	case d.Unknown:
		return onePair
	case d.Low > 0:
		return "more"
	case d.High < 0:
		return "fewer"
	}
	return noDifference
}

// headline counts the verdicts against the reference, in its own words: where others have more, it has fewer.
func headline(paired []Difference) string {
	fewer, more, total := 0, 0, 0
	seen := map[string]bool{}
	for _, d := range paired {
		if cmp.Or(d.Against, reference) != reference || isBound(d.Policy) || strings.HasPrefix(d.Policy, reference) {
			continue // its own variants are no rivals
		}
		if d.Waits || d.Unknown {
			continue
		}
		total++
		seen[d.Policy] = true
		switch d.verdict() {
		case "more":
			fewer++
		case "fewer":
			more++
		}
	}
	if total == 0 {
		return "Policies compared over replayed traces"
	}
	return fmt.Sprintf("Against %s at equal nodes, Headroom had fewer evictions and OOM kills in %d of %s, more in %d, and no certain difference in %d.",
		plural(len(seen), "policy", "policies"), fewer, plural(total, "comparison", "comparisons"), more, total-fewer-more)
}
