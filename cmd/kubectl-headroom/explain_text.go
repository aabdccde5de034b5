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

// mostScores is how many feasible nodes a page of 80 columns lists.
const mostScores = 10

// check says whether the nodes that are asked about are there.
func (t placementText) check() error {
	for _, name := range t.nodes {
		if t.score(name) == nil && t.rejected(name) == nil {
			return fmt.Errorf("there is no node %q", name)
		}
	}
	return nil
}

func (t placementText) score(node string) *explain.NodeScore {
	if i := slices.IndexFunc(t.placement.Scores, func(s explain.NodeScore) bool { return s.Node == node }); i >= 0 {
		return &t.placement.Scores[i]
	}
	return nil
}

func (t placementText) rejected(node string) *explain.Rejected {
	if i := slices.IndexFunc(t.placement.Rejected, func(r explain.Rejected) bool { return r.Node == node }); i >= 0 {
		return &t.placement.Rejected[i]
	}
	return nil
}

func (t placementText) write(p *page) {
	color := green
	if !t.placement.Fits {
		color = red
	}
	for _, line := range wrapped(fmt.Sprintf("Pod %s %s.", t.placement.Pod, t.placement.Verdict), t.width(p)) {
		p.line("%s", p.paint(color, line))
	}
	for _, note := range t.placement.First {
		p.paragraph("! ", note.Text+".")
	}
	t.basis(p)
	t.winner(p)
	t.scores(p)
	t.causes(p, t.placement.Causes, t.placement.Winner != "" && !p.wide)
	t.nearest(p)
	t.replicas(p)
	for _, node := range t.nodes {
		t.node(p, node)
	}
}

func (t placementText) width(p *page) int {
	if p.wide {
		return 1 << 20
	}
	return pageWidth
}

func (t placementText) basis(p *page) {
	p.gap()
	if need := t.placement.Memory; need != nil {
		words := fmt.Sprintf("%s of memory firmly, %s at its peak (%s); filter %s", quantity.InWords(need.FirmBytes), quantity.InWords(need.PeakBytes), need.PeakSource, need.Filter)
		p.paragraph("  asks for   ", words)
	}
	basisText(p, &t.placement.Basis)
}

// basisText says what an answer rests on.
func basisText(p *page, basis *explain.Basis) {
	profile := basis.Profile
	if basis.Scheduler != "" {
		profile = basis.Scheduler + ", " + profile
	}
	if basis.Doubt != "" {
		profile += "; " + basis.Doubt
	}
	p.paragraph("  scheduler  ", profile)
	samples := basis.Samples
	if basis.SamplesProblem != "" {
		samples += "; " + basis.SamplesProblem
	}
	p.paragraph("  samples    ", samples)
	p.paragraph("  learned    ", basis.Learned)
	if basis.Thresholds != "" {
		p.paragraph("  thresholds ", basis.Thresholds)
	}
	for _, loss := range basis.Losses {
		p.paragraph("  unknown    ", loss.String())
	}
}

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

// causes tells who rejects how many nodes, and what would have to change.
func (t placementText) causes(p *page, causes []explain.Cause, brief bool) {
	if len(causes) == 0 {
		return
	}
	p.gap()
	rejected := 0
	for _, cause := range causes {
		rejected += cause.Nodes
	}
	p.line("%s", p.paint(bold, fmt.Sprintf("Rejected: %s of %d", counted(rejected, "node"), t.placement.Counts.Nodes)))
	for _, cause := range causes {
		p.paragraph(fmt.Sprintf("%5d  ", cause.Nodes), cause.Plugin+": "+cause.Reason)
		examples := strings.Join(cause.Examples, ", ")
		if more := cause.Nodes - len(cause.Examples); more > 0 {
			examples += fmt.Sprintf(" and %d more", more)
		}
		p.paragraph("       on       ", examples)
		if brief {
			continue
		}
		if cause.Missing != "" && cause.Missing != cause.Reason {
			p.paragraph("       missing  ", cause.Missing)
		}
		if cause.Change != "" {
			p.paragraph("       change   ", cause.Change)
		}
		if cause.Detail != "" {
			p.paragraph("       note     ", cause.Detail)
		}
	}
}

func (t placementText) nearest(p *page) {
	nearest := t.placement.Nearest
	if nearest == nil {
		return
	}
	p.gap()
	p.paragraph("Nearest: ", fmt.Sprintf("%s, which lacks %s.", nearest.Node, strings.Join(nearest.Missing, "; ")))
	if len(nearest.Change) > 0 {
		p.paragraph("To change: ", strings.Join(nearest.Change, "; ")+".")
	}
	if preemption := t.placement.Preemption; preemption != nil {
		p.paragraph("Preemption: ", preemption.Text+".")
	}
}

func (t placementText) replicas(p *page) {
	replicas := t.placement.Replicas
	if replicas == nil {
		return
	}
	p.gap()
	p.line("%s", p.paint(bold, fmt.Sprintf("%d of %d copies find a node", replicas.Placed, replicas.Wanted)))
	list := &table{headers: []string{">COPIES", "NODE"}}
	shown := replicas.Nodes
	if !p.wide {
		shown = shown[:min(len(shown), mostScores)]
	}
	for _, node := range shown {
		list.add(strconv.Itoa(node.Pods), node.Node)
	}
	p.table(list)
	if more := len(replicas.Nodes) - len(shown); more > 0 {
		p.line("%s more: -o wide", counted(more, "node"))
	}
	if replicas.Ended != "" {
		p.paragraph("", replicas.Ended+".")
		t.causes(p, replicas.Causes, false)
	}
}

// node tells what every plugin says of one node.
func (t placementText) node(p *page, name string) {
	p.gap()
	p.line("%s", p.paint(bold, "Node "+name))
	verdicts := map[string]string{}
	var memory *explain.NodeMemory
	var requirements []explain.Requirement
	if rejected := t.rejected(name); rejected != nil {
		memory, requirements = rejected.Memory, rejected.Requirements
		for _, verdict := range rejected.Verdicts {
			verdicts[verdict.Plugin] = verdict.Code + ": " + strings.Join(verdict.Reasons, " and ")
		}
	}
	for _, plugin := range t.placement.Plugins.Filter {
		verdict, rejects := verdicts[plugin]
		switch {
		case rejects:
		case slices.Contains(t.placement.Plugins.Skipped, plugin):
			verdict = "has nothing to say of this pod"
		default:
			verdict = "lets it in"
		}
		p.paragraph(fmt.Sprintf("  %-21s  ", plugin), verdict)
	}
	for _, requirement := range requirements {
		p.paragraph("  ", requirementText(requirement))
	}
	if memory != nil {
		p.paragraph("  memory: ", memory.Text+".")
	}
	if score := t.score(name); score != nil && len(score.Scores) > 0 {
		t.scoreTable(p, score, t.placement.Why)
	}
}

func requirementText(requirement explain.Requirement) string {
	found := "no such label"
	if requirement.Found != nil {
		found = strconv.Quote(*requirement.Found)
	}
	met := "not met"
	if requirement.Met {
		met = "met"
	}
	return fmt.Sprintf("%s: wanted %s, found %s: %s", requirement.Path, requirement.Wanted, found, met)
}

func counted(count int, word string) string {
	if count == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", count, word)
}

// cut shortens a word to so many characters.
func cut(word string, most int) string {
	if len(word) <= most {
		return word
	}
	return word[:most-1] + "~"
}
