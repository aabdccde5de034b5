// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

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
	t.head(p)
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

// head says what decides about the pod before any node does, then what nodes do, and what else is to be known.
func (t placementText) head(p *page) {
	color := green
	if !t.placement.Fits {
		color = red
	}
	rest := slices.Clone(t.placement.First)
	if i := slices.IndexFunc(rest, func(note explain.Note) bool { return note.Decides }); i >= 0 {
		p.painted(color, fmt.Sprintf("Pod %s: %s.", t.placement.Pod, rest[i].Text))
		p.paragraph("", "It "+t.placement.Verdict+".")
		rest = slices.Delete(rest, i, i+1)
	} else {
		p.painted(color, fmt.Sprintf("Pod %s %s.", t.placement.Pod, t.placement.Verdict))
	}
	for _, note := range rest {
		p.paragraph("! ", note.Text+".")
	}
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

func (t placementText) replicas(p *page) {
	replicas := t.placement.Replicas
	if replicas == nil {
		return
	}
	p.gap()
	words := "copies find"
	if replicas.Wanted == 1 {
		words = "copy finds"
	}
	p.line("%s", p.paint(bold, fmt.Sprintf("%d of %d %s a node", replicas.Placed, replicas.Wanted, words)))
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
	} else if score := t.score(name); score != nil {
		memory, requirements = score.Memory, score.Requirements
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
	if utf8.RuneCountInString(word) <= most {
		return word
	}
	return string([]rune(word)[:most-1]) + "~"
}
