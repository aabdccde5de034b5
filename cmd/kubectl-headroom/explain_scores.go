// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/headroom-dev/headroom/pkg/explain"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// winner tells what made a node win.
func (t placementText) winner(p *page) {
	winner := t.score(t.placement.Winner)
	if winner == nil {
		return
	}
	p.gap()
	if t.placement.Why != nil {
		p.paragraph(fmt.Sprintf("Why %s: ", winner.Node), t.placement.Why.Text+".")
	}
	if winner.Memory != nil {
		p.paragraph("Memory: ", winner.Memory.Text+".")
	}
	if len(winner.Scores) > 0 {
		p.gap()
		t.scoreTable(p, winner, t.placement.Why)
	}
}

// scoreTable shows the plugins' parts in a node's score, beside those of the runner-up.
func (t placementText) scoreTable(p *page, node *explain.NodeScore, why *explain.Why) {
	scores := &table{headers: []string{"PLUGIN", ">RAW", ">NORM", ">WEIGHT", ">POINTS", ">SHARE"}}
	var other *explain.NodeScore
	if why != nil && why.RunnerUp != "" && why.RunnerUp != node.Node {
		other = t.score(why.RunnerUp)
		scores.headers = append(scores.headers, ">"+cut(strings.ToUpper(why.RunnerUp), 14))
	}
	silent := 0
	for _, score := range node.Scores {
		if !p.wide && !t.tells(score.Plugin) {
			silent++
			continue
		}
		row := []string{
			score.Plugin, strconv.FormatInt(score.Raw, 10), strconv.FormatInt(score.Normalized, 10), strconv.FormatInt(score.Weight, 10),
			strconv.FormatInt(score.Points, 10), fmt.Sprintf("%.1f%%", score.Share),
		}
		if other != nil {
			row = append(row, pointsOf(other, score.Plugin))
		}
		scores.add(row...)
	}
	total := []string{"total", "", "", "", strconv.FormatInt(node.Total, 10), ""}
	if other != nil {
		total = append(total, strconv.FormatInt(other.Total, 10))
	}
	scores.add(total...)
	p.table(scores)
	if silent > 0 {
		p.line("%s that give no node a point: -o wide", counted(silent, "plugin"))
	}
}

// tells reports whether a plugin gives points to any node.
func (t placementText) tells(plugin string) bool {
	return slices.ContainsFunc(t.placement.Scores, func(node explain.NodeScore) bool {
		return slices.ContainsFunc(node.Scores, func(score explain.PluginScore) bool { return score.Plugin == plugin && score.Points != 0 })
	})
}

func pointsOf(node *explain.NodeScore, plugin string) string {
	for _, score := range node.Scores {
		if score.Plugin == plugin {
			return strconv.FormatInt(score.Points, 10)
		}
	}
	return "-"
}

// scores lists the feasible nodes.
func (t placementText) scores(p *page) {
	if len(t.placement.Scores) < 2 {
		return
	}
	p.gap()
	list := &table{headers: []string{">RANK", "NODE", ">POINTS"}}
	if t.placement.Memory != nil {
		list.headers = append(list.headers, ">LEFT", ">WITH POD", ">AT PEAKS", ">SAMPLE")
	}
	shown := t.placement.Scores
	if !p.wide {
		shown = shown[:min(len(shown), mostScores)]
	}
	for i, node := range shown {
		rank, points := strconv.Itoa(i+1), strconv.FormatInt(node.Total, 10)
		if len(node.Scores) == 0 {
			rank, points = "?", "?"
		}
		list.add(append([]string{rank, cut(node.Node, t.nameWidth(p)), points}, t.memoryCells(node.Memory)...)...)
	}
	p.table(list)
	if more := len(t.placement.Scores) - len(shown); more > 0 {
		p.line("%s more: -o wide", counted(more, "node"))
	}
}

func (t placementText) nameWidth(p *page) int {
	if p.wide {
		return 1 << 20
	}
	return 30
}

func (t placementText) memoryCells(memory *explain.NodeMemory) []string {
	if memory == nil {
		return nil
	}
	age := memory.State
	if memory.Sample != nil {
		age = explain.Age(t.placement.Basis.Time.Sub(memory.Sample.Time))
	}
	return []string{bytesOrUnknown(memory.LeftBytes), bytesOrUnknown(memory.LeftAfterBytes), bytesOrUnknown(memory.ExpectedLeftBytes), age}
}

func bytesOrUnknown(bytes *int64) string {
	if bytes == nil {
		return "?"
	}
	return quantity.InWords(*bytes)
}
