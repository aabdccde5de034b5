// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"
	"math"
	"strings"
)

// The plot's measures, in pixels.
const (
	plotWidth, plotLeft, plotRight = 860, 190, 30
	rowHeight, groupGap, plotTop   = 18, 14, 46
)

// colours are told apart by people who do not see all colours.
func colours() map[Arm]string {
	return map[Arm]string{Config: "#767676", Headroom: "#0b6e4f", LoadVariation: "#b4540a"}
}

// Plot draws pods per second as ratios to the stock arm, with their intervals, on a logarithmic scale: an SVG image.
func Plot(results []Result) string {
	type mark struct {
		group Group
		arm   Arm
		ratio Ratio
	}
	var marks []mark
	low, high := 0.8, 1.25
	for _, group := range Groups(results) {
		for _, arm := range Arms()[1:] {
			ratio, ok := Compare(results, group, arm, figures()[0].of)
			if !ok {
				continue
			}
			marks = append(marks, mark{group, arm, ratio})
			if math.IsNaN(ratio.Low) {
				ratio.Low, ratio.High = ratio.Mean, ratio.Mean
			}
			low, high = min(low, max(ratio.Low, ratio.Mean/2)), max(high, min(ratio.High, ratio.Mean*2))
		}
	}
	x := func(ratio float64) float64 {
		share := math.Log(ratio/low) / math.Log(high/low)
		return plotLeft + min(max(share, 0), 1)*(plotWidth-plotLeft-plotRight)
	}
	var body strings.Builder
	y, group := float64(plotTop), Group{}
	for _, mark := range marks {
		if mark.group != group {
			y += groupGap
			group = mark.group
			fmt.Fprintf(&body, `<text x="%d" y="%.0f" text-anchor="end">%s, %d nodes</text>`+"\n", plotLeft-14, y+rowHeight+5, group.Workload, group.Nodes)
		}
		middle, colour := y+rowHeight/2, colours()[mark.arm]
		if !math.IsNaN(mark.ratio.Low) {
			fmt.Fprintf(&body, `<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" stroke="%s" stroke-width="2"/>`+"\n",
				x(mark.ratio.Low), x(mark.ratio.High), middle, middle, colour)
		}
		fmt.Fprintf(&body, `<circle cx="%.1f" cy="%.1f" r="4.5" fill="%s"><title>%s: %s</title></circle>`+"\n",
			x(mark.ratio.Mean), middle, colour, mark.arm, mark.ratio)
		y += rowHeight
	}
	var image strings.Builder
	height := int(y) + 44
	fmt.Fprintf(&image, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="13" fill="#222">`+"\n", plotWidth, height)
	fmt.Fprintf(&image, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, height)
	fmt.Fprintf(&image, `<text x="%d" y="20" font-weight="bold">Pods per second, ratio to the stock arm</text>`+"\n", plotLeft)
	for i, arm := range Arms()[1:] {
		at := plotLeft + i*130
		fmt.Fprintf(&image, `<circle cx="%d" cy="38" r="4.5" fill="%s"/><text x="%d" y="42">%s</text>`+"\n", at+5, colours()[arm], at+15, arm)
	}
	for _, tick := range []float64{0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 6, 8, 12, 16} {
		if tick < low*0.99 || tick > high*1.01 {
			continue
		}
		colour := "#ddd"
		if tick == 1 {
			colour = "#555"
		}
		fmt.Fprintf(&image, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%.0f" stroke="%s"/><text x="%.1f" y="%.0f" text-anchor="middle">%g</text>`+"\n",
			x(tick), x(tick), plotTop+8, y+8, colour, x(tick), y+26, tick)
	}
	image.WriteString(body.String() + "</svg>\n")
	return image.String()
}
