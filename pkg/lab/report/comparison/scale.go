// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"math"
	"strconv"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
)

// linear is up to which rate the scale of evictions is about linear; above, it is logarithmic. So 0 has a place, and 0.1
// and 10 can be told apart in one chart.
const linear = 0.1

// scale is that of one chart, from nodes and rates to percent from the left and from the top.
type scale struct {
	fewest, most int
	top          float64 // of the rates, transformed
}

func newScale(curves []Curve) scale {
	s := scale{fewest: math.MaxInt, top: transformed(1)}
	for _, curve := range curves {
		s.fewest = min(s.fewest, curve.Points[0].Nodes)
		s.most = max(s.most, curve.Points[len(curve.Points)-1].Nodes)
		for _, p := range curve.Points {
			s.top = max(s.top, transformed(p.High)*1.03)
		}
	}
	return s
}

func transformed(rate float64) float64 { return math.Asinh(max(rate, 0) / linear) }

// x leaves a margin on both sides, so that points at the edges are whole.
func (s scale) x(nodes int) float64 {
	const margin = 4
	if s.most == s.fewest {
		return 50
	}
	return document.Round(margin+float64(nodes-s.fewest)/float64(s.most-s.fewest)*(100-2*margin), 2)
}

func (s scale) y(rate float64) float64 {
	const foot = 3 // percent below 0
	return document.Round((100-foot)*(1-transformed(rate)/s.top), 2)
}

// rateTicks are at 0 and at powers of ten.
func (s scale) rateTicks() []document.Tick {
	ticks := []document.Tick{{At: s.y(0), Label: "0"}}
	for rate := linear; transformed(rate) <= s.top; rate *= 10 {
		ticks = append(ticks, document.Tick{At: s.y(rate), Label: strconv.FormatFloat(document.Round(rate, 1), 'f', -1, 64)})
	}
	return ticks
}

// nodeTicks are at the numbers of nodes that curves have, as far as their labels have room.
func (s scale) nodeTicks(nodes []int, most int) []document.Tick {
	every := (len(nodes) + most - 1) / max(most, 1)
	var ticks []document.Tick
	for i := 0; i < len(nodes); i += max(every, 1) {
		ticks = append(ticks, document.Tick{At: s.x(nodes[i]), Label: strconv.Itoa(nodes[i])})
	}
	return ticks
}

// rate prints evictions and OOM kills per 1000 pod-hours with two digits that count.
func rate(value float64) string {
	size := math.Abs(value)
	switch {
	case size == 0:
		return "0"
	case size < 0.0005:
		return "<0.001"
	case size < 0.0995:
		return trim(strconv.FormatFloat(value, 'f', 3, 64))
	case size < 9.95:
		return strconv.FormatFloat(value, 'f', 2, 64)
	case size < 99.5:
		return strconv.FormatFloat(value, 'f', 1, 64)
	}
	return strconv.FormatFloat(value, 'f', 0, 64)
}

func trim(text string) string {
	for len(text) > 4 && text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	return text
}

// signed is rate with its sign.
func signed(value float64) string {
	switch text := rate(value); {
	case value > 0:
		return "+" + text
	case value < 0 && text[0] != '-':
		return "-" + text
	default:
		return text
	}
}
