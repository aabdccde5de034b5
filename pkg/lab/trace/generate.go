// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Option changes what Generate makes.
type Option func(*generator)

// Workloads sets how many workloads there are, at least 1; without it 24. A workload has up to 6 series at a time.
func Workloads(n int) Option { return func(g *generator) { g.workloads = max(n, 1) } }

// Days sets the length of the trace, at least 1; without it 2.
func Days(n int) Option { return func(g *generator) { g.window = day * float64(max(n, 1)) } }

// Step sets the distance of samples in seconds, from 1 to the length of the trace; without it 300.
func Step(seconds int) Option { return func(g *generator) { g.step = float64(max(seconds, 1)) } }

const (
	day    = 86400.0
	hour   = 3600.0
	mebi   = 1 << 20
	gibi   = 1 << 30
	kindOf = "kind"
	// grain is what figures are multiples of, as pages are in a kernel's counters; in bytes.
	grain = 64 << 10
)

// generator makes one trace.
type generator struct {
	random       *rand.Rand
	workloads    int
	window, step float64
}

// workload is what its series have in common.
type workload struct {
	name, kind string
	// base is the level in bytes from which its memory moves.
	base float64
	// phase is when in the day its load is highest, in seconds; swing how much of the base the load adds at most.
	phase, swing float64
	// bursts are shared by the siblings: a burst of requests meets all of them.
	bursts []burst
	// growth is how much of the base a series gains in a day of its life.
	growth float64
	// plateau is after how many seconds of its life a series holds most of what it will hold; 0 for at once.
	plateau float64
}

// burst is a short rise.
type burst struct {
	// at is its begin and lasting how long it takes, in seconds; height a share of the base.
	at, lasting, height float64
}

// Generate makes a small trace that is the same for the same seed and options: services with daily cycles and bursts that
// siblings share, caches that fill, memory that grows until a restart, and short jobs. The column "workload" names the
// owner of a series and "kind" which of these it is. Requests are synthetic: a workload's level times a factor from 0.8 to
// 2.5, as people guess it, without a look at the series. It stands for no real system.
func Generate(seed uint64, options ...Option) *Trace {
	g := &generator{random: rand.New(rand.NewPCG(seed, 0)), workloads: 24, window: 2 * day, step: 300}
	for _, option := range options {
		option(g)
	}
	g.step = min(g.step, g.window)
	t := &Trace{Name: fmt.Sprintf("generated-%d", seed)}
	for i := range g.workloads {
		t.Series = append(t.Series, g.series(i)...)
	}
	slices.SortStableFunc(t.Series, func(a, b Series) int { return cmp.Compare(a.Start, b.Start) })
	t.Summarize()
	return t
}

// series makes all series of a workload. The first ones are one of each kind, so that no trace is without.
func (g *generator) series(i int) []Series {
	kinds := []string{"service", "job", "cache", "growth"}
	kind := kinds[i%len(kinds)]
	w := workload{
		name:  fmt.Sprintf("%s-%d", kind, i),
		kind:  kind,
		base:  g.between(0.2, 1) * g.between(0.2, 1) * 2 * gibi,
		phase: g.between(0.4, 0.8) * day,
		swing: g.between(0.1, 0.6),
	}
	request := g.rounded(w.base * g.between(0.8, 2.5))
	switch kind {
	case "service":
		for range 1 + g.random.IntN(int(3*g.window/day)) {
			w.bursts = append(w.bursts, burst{at: g.between(0, g.window), lasting: g.between(0.2, 1.5) * hour, height: g.between(0.5, 2.5)})
		}
	case "cache":
		w.plateau, w.swing = g.between(1, 8)*hour, 0.05
	case "growth":
		w.growth, w.swing = g.between(0.3, 1.2), 0.05
	}
	var all []Series
	for _, life := range g.lives(kind) {
		one := Series{
			ID: fmt.Sprintf("%s-%d", w.name, len(all)), RequestBytes: request, RequestSource: "synthetic-guess",
			Start: life[0], End: life[1], Extra: map[string]string{WorkloadColumn: w.name, kindOf: kind},
		}
		all = append(all, g.sampled(one, w))
	}
	return all
}

// lives are the start and end of each series of a workload, at whole samples.
func (g *generator) lives(kind string) [][2]float64 {
	var lives [][2]float64
	if kind == "job" { // one at each few hours
		every, lasting := g.between(2, 6)*hour, g.between(0.2, 1)*hour
		for at := g.between(0, every); at < g.window; at += every {
			lives = append(lives, g.whole(at, at+lasting*g.between(0.5, 1.5)))
		}
		return lives
	}
	for range 1 + g.random.IntN(6) {
		if kind == "growth" { // until somebody restarts it
			restart := g.between(0.3, 0.9) * g.window
			lives = append(lives, g.whole(0, restart), g.whole(restart, g.window))
			continue
		}
		lives = append(lives, g.whole(0, g.window))
	}
	return lives
}

// whole moves a life to whole samples within the window; it holds at least one.
func (g *generator) whole(start, end float64) [2]float64 {
	start = min(math.Floor(start/g.step)*g.step, g.window-g.step)
	return [2]float64{start, min(max(math.Floor(end/g.step)*g.step, start+g.step), g.window)}
}

// sampled gives a series its samples.
func (g *generator) sampled(s Series, w workload) Series {
	own := g.between(0.9, 1.1) // siblings are alike, not equal
	for t := s.Start; t < s.End; t += g.step {
		level := w.level(t, t-s.Start, s.End-s.Start) * own * g.between(0.98, 1.02)
		s.Times = append(s.Times, t)
		s.Bytes = append(s.Bytes, g.rounded(level))
	}
	return s
}

// level is what a series of the workload holds at second t of the trace and second age of its life, in bytes.
func (w *workload) level(t, age, life float64) float64 {
	if w.kind == "job" { // it reads, works at its peak, and writes
		return w.base * (0.3 + 1.2*math.Sin(math.Pi*min(age/life, 1)))
	}
	level := 1 + w.swing*(1+math.Cos(2*math.Pi*(t-w.phase)/day))/2 + w.growth*age/day
	if w.plateau > 0 {
		level *= 0.2 + 0.8*(1-math.Exp(-3*age/w.plateau))
	}
	for _, b := range w.bursts {
		if t >= b.at && t < b.at+b.lasting {
			level += b.height
		}
	}
	return w.base * level
}

// between is a number from low to high, evenly.
func (g *generator) between(low, high float64) float64 { return low + (high-low)*g.random.Float64() }

// rounded is bytes in whole grains, at least 1 MiB: less than that no process holds.
func (g *generator) rounded(bytes float64) int64 {
	return max(mebi, int64(bytes/grain)*grain)
}
