// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// How the factor of a row was found.
const (
	// Uncalibrated: there is none; judged over the whole time.
	Uncalibrated = "none"
	// FirstHalf: on the first half of the time, and judged on the second.
	FirstHalf = "first-half"
	// AllTraces: the largest that the first half of any of the traces asks for; judged on the second half of each.
	AllTraces = "all-traces"
	// SameData: on what it is judged by, the whole time. It shows what is possible, not what would have been seen.
	SameData = "same-data"
)

// Result is how well a predictor foretold the peaks of one trace.
type Result struct {
	Trace        string  `json:"trace"`
	Predictor    string  `json:"predictor"`
	HorizonHours float64 `json:"horizonHours"`
	// Violation is the share of node-steps with a peak above what was foretold, Severity the mean of by how much as a share
	// of the peak, Savings the mean of what was foretold less than requested as a share of the requests.
	Violation float64 `json:"violation"`
	Severity  float64 `json:"severity"`
	Savings   float64 `json:"savings"`
	// Calibration is how Factor, which predictions are multiplied by, was found for at most TargetViolation.
	Calibration     string  `json:"calibration"`
	TargetViolation float64 `json:"targetViolation,omitempty"`
	Factor          float64 `json:"factor"`
	// NodeSteps is how many predictions were judged.
	NodeSteps int `json:"nodeSteps"`
}

// Row is what is agreed on for results of predictors: the figures that a Result has by the same names, with the factor for shown of
// violations that was found on the first half of the time.
type Row struct {
	Trace        string  `json:"trace"`
	Predictor    string  `json:"predictor"`
	HorizonHours float64 `json:"horizonHours"`
	Violation    float64 `json:"violation"`
	Severity     float64 `json:"severity"`
	Savings      float64 `json:"savings"`
}

// shown is the target violation of rows and of the table.
const shown = 0.01

// rows returns one row for each trace and predictor.
func rows(results []Result) []Row {
	chosen := []Row{}
	for i := range results {
		if r := &results[i]; r.Calibration == FirstHalf && r.TargetViolation == shown {
			chosen = append(chosen, Row{r.Trace, r.Predictor, r.HorizonHours, r.Violation, r.Severity, r.Savings})
		}
	}
	return chosen
}

// targets are the violation rates that factors are found for.
func targets() []float64 { return []float64{0.05, shown, 0.001} }

// summarize makes rows of what was foretold on each trace. Traces may lack predictors at the end.
func summarize(tests [][]*split) []Result {
	results := []Result{}
	for _, splits := range tests {
		for i, s := range splits {
			results = append(results, s.result(&s.all, Uncalibrated, 0, 1))
			for _, rate := range targets() {
				shared := 0.0
				for _, others := range tests {
					if i < len(others) {
						shared = max(shared, others[i].first.calibrate(rate))
					}
				}
				results = append(
					results,
					s.result(&s.second, FirstHalf, rate, s.first.calibrate(rate)),
					s.result(&s.second, AllTraces, rate, shared),
					s.result(&s.all, SameData, rate, s.all.calibrate(rate)),
				)
			}
		}
	}
	return results
}

func (s *split) result(judged *judged, calibration string, target, factor float64) Result {
	m := judged.measure(factor)
	return Result{
		Trace: s.trace, Predictor: s.predictor, HorizonHours: s.hours,
		Violation: m.violation, Severity: m.severity, Savings: m.savings,
		Calibration: calibration, TargetViolation: target, Factor: factor, NodeSteps: len(judged.peak),
	}
}

// WriteTable writes, for each trace and predictor, violations and savings as percentages: as it is, and with the factors for
// 1 % of violations.
func WriteTable(out io.Writer, results []Result) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TRACE\tPREDICTOR\tNO FACTOR\tSAVES\tFIRST HALF 1 %\tSAVES\tALL TRACES 1 %\tSAVES\tSAME DATA 1 %\tSAVES")
	for i := range results {
		r := &results[i]
		switch {
		case r.Calibration == Uncalibrated:
			fmt.Fprintf(w, "%s\t%s\t%.2f\t%.1f", r.Trace, r.Predictor, 100*r.Violation, 100*r.Savings)
		case r.TargetViolation == shown:
			fmt.Fprintf(w, "\t%.2f\t%.1f", 100*r.Violation, 100*r.Savings)
			if r.Calibration == SameData {
				fmt.Fprintln(w)
			}
		}
	}
	return w.Flush()
}
