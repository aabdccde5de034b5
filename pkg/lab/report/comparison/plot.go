// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	"fmt"
	"html"
	"slices"
	"strings"
)

// The plot's measures, in pixels.
const (
	plotWidth, plotHeight           = 860, 430
	plotLeft, plotRight             = 50, 170
	plotTop, plotFoot               = 40, 46
	labelHeight                     = 15
	plotInnerWidth, plotInnerHeight = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotFoot
	plotTitle                       = "Evictions and OOM kills in 1,000 pod-hours"
)

// colour is that of a policy's curve: told apart by people who do not see all colours, and grey where it knows what none can know.
func colour(policy string) string {
	switch policy {
	case reference:
		return "#0b6e4f"
	case "headroom-pack":
		return "#4fae8a"
	case "least-allocated":
		return "#b3261e"
	case "most-allocated":
		return "#7b1fa2"
	case "load-variation":
		return "#b4540a"
	case "low-risk":
		return "#8a6d00"
	case "target-load-memory":
		return "#5c5470"
	case "koordinator-like":
		return "#1565c0"
	case "crane-like":
		return "#00838f"
	}
	return "#8a8a8a"
}

// Plot draws the curves of the first setting that has three numbers of nodes or more as an SVG image, on the scale of the page; ""
// if there is none. A hollow point is not compared: pods waited for too long.
func Plot(c *Comparison) string {
	all := settings(c)
	i := slices.IndexFunc(all, func(curves []Curve) bool { return len(nodeCounts(curves)) > 2 })
	if i < 0 {
		return ""
	}
	curves := all[i]
	s := newScale(curves)
	x := func(nodes int) float64 { return plotLeft + s.x(nodes)/100*plotInnerWidth }
	y := func(rate float64) float64 { return plotTop + s.y(rate)/100*plotInnerHeight }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#222">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&b, `<text x="%d" y="22" font-weight="bold">%s: %s, %s</text>`+"\n", plotLeft, plotTitle, html.EscapeString(curves[0].Trace), html.EscapeString(curves[0].Scenario))
	for _, tick := range s.rateTicks() {
		at := plotTop + tick.At/100*plotInnerHeight
		fmt.Fprintf(&b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, plotLeft+plotInnerWidth, at, at, plotLeft-8, at+4, tick.Label)
	}
	for _, nodes := range nodeCounts(curves) {
		fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(nodes), plotHeight-plotFoot+18, nodes)
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">nodes; hollow: pods wait for too long to compare</text>`+"\n", plotLeft+plotInnerWidth/2, plotHeight-10)
	for _, curve := range byClass(curves, policies(c)) { // the reference last, on top
		plotCurve(&b, curve, x, y)
	}
	plotLabels(&b, curves, x, y)
	b.WriteString("</svg>\n")
	return b.String()
}

func plotCurve(b *strings.Builder, curve Curve, x func(int) float64, y func(float64) float64) {
	width, dash := 1.5, ""
	if curve.Policy == reference {
		width = 3
	}
	if isBound(curve.Policy) {
		dash = ` stroke-dasharray="5 4"`
	}
	var points []string
	for _, p := range curve.Points {
		points = append(points, fmt.Sprintf("%.1f,%.1f", x(p.Nodes), y(p.Mean)))
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="%s" stroke-width="%g"%s/>`+"\n", strings.Join(points, " "), colour(curve.Policy), width, dash)
	for _, p := range curve.Points {
		fill := colour(curve.Policy)
		if p.Waits {
			fill = "#fff"
		}
		fmt.Fprintf(b, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="1"/>`+"\n", x(p.Nodes), x(p.Nodes), y(p.Low), y(p.High), colour(curve.Policy))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="4" fill="%s" stroke="%s" stroke-width="1.5"><title>%s</title></circle>`+"\n",
			x(p.Nodes), y(p.Mean), fill, colour(curve.Policy), html.EscapeString(p.title(curve.Policy)))
	}
}

// plotLabels names each curve at its right end, one below the other where they would overlap.
func plotLabels(b *strings.Builder, curves []Curve, x func(int) float64, y func(float64) float64) {
	type label struct {
		policy    string
		from, end float64
		at        float64
	}
	var labels []label
	for _, curve := range curves {
		last := curve.Points[len(curve.Points)-1]
		labels = append(labels, label{curve.Policy, x(last.Nodes), y(last.Mean), y(last.Mean)})
	}
	slices.SortStableFunc(labels, func(a, b label) int { return int(a.end*10) - int(b.end*10) })
	// From the lowest up: no label is below the foot, none nearer than its height to the next.
	lowest := float64(plotHeight - plotFoot)
	for i := len(labels) - 1; i >= 0; i-- {
		labels[i].at = min(labels[i].at, lowest)
		lowest = labels[i].at - labelHeight
	}
	for _, l := range labels {
		fmt.Fprintf(b, `<line x1="%.1f" x2="%d" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="0.7"/><text x="%d" y="%.1f" fill="%s">%s</text>`+"\n",
			l.from+5, plotLeft+plotInnerWidth+10, l.end, l.at, colour(l.policy), plotLeft+plotInnerWidth+14, l.at+4, colour(l.policy), html.EscapeString(l.policy))
	}
}
