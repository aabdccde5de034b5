// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestGenerateIsTheSameForTheSameSeed(t *testing.T) {
	if diff := cmp.Diff(Generate(7, Workloads(4), Days(1)), Generate(7, Workloads(4), Days(1))); diff != "" {
		t.Errorf("traces of one seed (-first +second):\n%s", diff)
	}
	if cmp.Equal(Generate(7).Series, Generate(8).Series) {
		t.Error("traces of two seeds are equal")
	}
}

func TestGeneratedTracesBreakNoRule(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := rapid.IntRange(1, 3).Draw(t, "days")
		step := rapid.SampledFrom([]int{0, 60, 300, 700, 3600, 86400, 1 << 30}).Draw(t, "step")
		trace := Generate(rapid.Uint64().Draw(t, "seed"), Workloads(rapid.IntRange(0, 8).Draw(t, "workloads")), Days(days), Step(max(step, 20)))
		if _, err := trace.check(); err != nil {
			t.Fatal(err)
		}
		if want := int64(days) * 86400; trace.Window > want {
			t.Fatalf("window %d, want at most %d", trace.Window, want)
		}
		if trace.Facts.Unsampled > 0 {
			t.Fatalf("%d series have no sample", trace.Facts.Unsampled)
		}
	})
}

func TestAGeneratedTraceHasWhatItPromises(t *testing.T) {
	trace := Generate(1)
	if trace.Step != 300 || trace.Window != 2*86400 {
		t.Errorf("step %v and window %d, want 300 and two days", trace.Step, trace.Window)
	}
	if n := len(trace.Series); n < 50 || n > 400 {
		t.Errorf("%d series, want a small trace", n)
	}
	kinds := map[string]bool{}
	for _, s := range trace.Series {
		kinds[s.Extra[kindOf]] = true
		switch life := s.End - s.Start; s.Extra[kindOf] {
		case "job":
			if life > 2*hour {
				t.Errorf("job %s lives for %v s, want a short life", s.ID, life)
			}
		case "growth":
			if first, last := s.Bytes[0], s.Bytes[len(s.Bytes)-1]; last <= first {
				t.Errorf("%s holds %d at first and %d at last, want growth", s.ID, first, last)
			}
		}
	}
	if diff := cmp.Diff(map[string]bool{"service": true, "job": true, "cache": true, "growth": true}, kinds); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
}

func TestSiblingsOfAServiceRiseTogether(t *testing.T) {
	services := map[string][]Series{}
	for _, s := range Generate(1).Series {
		if s.Extra[kindOf] == "service" {
			services[s.Extra[WorkloadColumn]] = append(services[s.Extra[WorkloadColumn]], s)
		}
	}
	pairs := 0
	for name, siblings := range services {
		if len(siblings) < 2 {
			continue
		}
		pairs++
		if got := correlation(siblings[0].Bytes, siblings[1].Bytes); got < 0.8 {
			t.Errorf("siblings of %s correlate by %.2f, want at least 0.8", name, got)
		}
	}
	if pairs == 0 {
		t.Error("no service has siblings")
	}
}

// correlation is Pearson's coefficient.
func correlation(a, b []int64) float64 {
	var sumA, sumB, sumAA, sumBB, sumAB float64
	n := float64(len(a))
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		sumA, sumB, sumAA, sumBB, sumAB = sumA+x, sumB+y, sumAA+x*x, sumBB+y*y, sumAB+x*y
	}
	return (sumAB/n - sumA/n*sumB/n) / math.Sqrt((sumAA/n-sumA/n*sumA/n)*(sumBB/n-sumB/n*sumB/n))
}

func TestAGeneratedTraceIsReadAsItWas(t *testing.T) {
	want := Generate(5)
	dir := filepath.Join(t.TempDir(), want.Name)
	if err := Write(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	got.Facts.Files = nil
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("trace (-written +read):\n%s", diff)
	}
}
