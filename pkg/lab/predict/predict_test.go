// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// two members: b comes at step 1 and goes at step 3.
func two() *node {
	return &node{members: []member{
		{name: "a", request: 10, first: 0, end: 4, bytes: []float64{1, 5, 2, 3}},
		{name: "b", request: 20, first: 1, end: 3, bytes: []float64{7, 4}},
	}}
}

func TestSumsOfANode(t *testing.T) {
	n, growing := two(), &node{members: []member{{first: 0, end: 4, bytes: []float64{1, 2, 3, 4}}}}
	for _, test := range []struct {
		name      string
		got, want []float64
	}{
		{"requests", n.requests(4), []float64{10, 30, 30, 10}},
		{"held", n.held(4), []float64{1, 12, 6, 3}},
		{"the past forgets who is gone", n.alignedPeak(4, 4), []float64{1, 12, 12, 5}},
		{"a past of two steps", n.alignedPeak(4, 2), []float64{1, 12, 12, 3}},
		{"the oracle does not count who is to come", n.oracle(4, 2), []float64{5, 12, 6, 3}},
		{"the oracle knows a whole horizon", growing.oracle(4, 2), []float64{3, 4, 4, 4}},
	} {
		if diff := cmp.Diff(test.want, test.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestMeasure(t *testing.T) {
	j := judged{}
	j.add(5, 10, 20)
	j.add(10, 5, 20)
	if got, want := j.measure(1), (measures{0.5, 0.5, 0.625}); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := j.calibrate(0); got != 2 || j.measure(got).violation != 0 {
		t.Errorf("factor %v violates %v, want 2 and 0", got, j.measure(got).violation)
	}
}

func TestAFactorIsFoundForAPeakOfAllThatIsRequested(t *testing.T) {
	j := judged{}
	j.add(10, 20, 20)
	if got := j.calibrate(0); got != 2 {
		t.Errorf("factor %v, want 2", got)
	}
	j.add(10, 21, 20) // lost at any factor
	if got := j.calibrate(0.5); got != 2 {
		t.Errorf("factor %v, want 2 with half of the steps lost", got)
	}
}

func TestThePublishedPredictors(t *testing.T) {
	const request = 100
	n := &node{members: []member{{request: request, first: 1, end: 5, bytes: []float64{90, 52, 50, 52}}}}
	near := cmpopts.EquateApprox(0, 1e-9)
	// At its request while it is not warm; then mean and five deviations of 52, and of 50 and 52.
	if diff := cmp.Diff([]float64{0, 100, 52, 56, 56}, nSigma(n, 5, 2, 1), near); diff != "" {
		t.Errorf("n-sigma (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]float64{0, 100, 100, 52, 52}, rcLike(n, 5, 2, 2), near); diff != "" {
		t.Errorf("RC-like (-want +got):\n%s", diff)
	}
}

func TestTheRankOfAQuantile(t *testing.T) {
	for _, test := range []struct {
		n    int
		q    float64
		want int
	}{{1, 0.99, 0}, {2, 0.5, 0}, {3, 0.5, 1}, {100, 0.99, 98}, {101, 0.99, 99}, {10, 1, 9}, {10, 0, 0}} {
		if got := rank(test.n, test.q); got != test.want {
			t.Errorf("rank(%d, %v) = %d, want %d", test.n, test.q, got, test.want)
		}
	}
}

func TestAPodWithoutRequestIsExpectedToHoldTheShippedDefault(t *testing.T) {
	f := &fleet{step: time.Hour, steps: 1, nodes: []node{{members: []member{{name: "a", first: 0, end: 1, bytes: []float64{0}}}}}}
	if diff := cmp.Diff([][]float64{{200 << 20}}, expected(f, 1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoPredictorLooksAhead(t *testing.T) {
	const steps, now = 96, 50
	build := func(future uint64) *fleet {
		f := &fleet{step: time.Hour, steps: steps, nodes: []node{{}}}
		past, ahead := rand.New(rand.NewPCG(1, 1)), rand.New(rand.NewPCG(future, 2))
		for i := range 4 {
			m := member{name: string(rune('a' + i)), request: 1000, first: i * 5, end: steps - ahead.IntN(40)}
			for step := m.first; step < m.end; step++ {
				source := past // each draws as often in both, whatever the ends
				if step > now {
					source = ahead
				}
				m.bytes = append(m.bytes, float64(source.IntN(900)))
			}
			f.nodes[0].members = append(f.nodes[0].members, m)
		}
		return f
	}
	for _, p := range predictors() {
		if p.name == oracleName {
			continue
		}
		one, other := p.predict(build(1), 24), p.predict(build(2), 24)
		if diff := cmp.Diff(one[0][:now+1], other[0][:now+1]); diff != "" {
			t.Errorf("%s depends on the future:\n%s", p.name, diff)
		}
	}
}

func TestMoreForetoldNeverViolatesMoreAndTheOracleNever(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	var predicted, oracle judged
	for range 500 {
		peak := random.Float64() * 10
		predicted.add(random.Float64()*10, peak, 10)
		oracle.add(peak, peak, 10)
	}
	if got := oracle.measure(1).violation; got != 0 {
		t.Errorf("the oracle violates %v", got)
	}
	last := 1.0
	for factor := 0.0; factor < 8; factor += 0.25 {
		got := predicted.measure(factor).violation
		if got > last {
			t.Errorf("factor %v violates %v, a smaller one %v", factor, got, last)
		}
		last = got
	}
}
