// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"slices"
	"strings"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// scores takes in the scores.
func (p *Placement) scores(c *cycle, scores []fwk.NodePluginScores, feasible []fwk.NodeInfo) {
	weights := map[string]int64{}
	for _, weight := range p.Plugins.Score {
		weights[weight.Plugin] = weight.Weight
	}
	byName := make(map[string]fwk.NodeInfo, len(feasible))
	for _, node := range feasible {
		byName[node.Node().Name] = node
	}
	for i := range scores {
		node := NodeScore{Node: scores[i].Name, Total: scores[i].TotalScore, Scores: pluginScores(&scores[i], weights)}
		node.Requirements = c.requirements(byName[scores[i].Name].Node())
		if account, ok := c.account(byName[scores[i].Name]); ok {
			node.Memory = c.memoryOf(&account)
			if own := slices.IndexFunc(node.Scores, func(score PluginScore) bool { return score.Plugin == memory.Name }); own >= 0 {
				node.Scores[own].Raw = account.Score // Its Score knows requests alone.
			}
		}
		p.Scores = append(p.Scores, node)
	}
}

// taken is the feasible node that the scheduler takes without scores, or "": the one that the pod is nominated to, or the only one.
func (c *cycle) taken(feasible []fwk.NodeInfo) string {
	for _, node := range feasible {
		if name := node.Node().Name; len(feasible) == 1 || name == c.pod.Status.NominatedNodeName {
			return name
		}
	}
	return ""
}

// choose says who wins, and what it means that nodes could not be scored.
func (p *Placement) choose(taken string, failure error) {
	if len(p.Scores) == 0 {
		return
	}
	if failure != nil {
		p.First = append(p.First, unscored(taken, failure))
	}
	switch {
	case taken != "":
		p.Winner = taken
	case failure != nil:
		return
	default:
		p.Winner = p.Scores[0].Node
		for _, tied := range p.Scores[1:] {
			if tied.Total == p.Scores[0].Total {
				p.Ties = append(p.Ties, tied.Node)
			}
		}
	}
	p.Why = why(p, taken != "")
}

// unscored says what comes of scores that cannot be computed. Where there is a choice the scheduler makes none
// (k8s.io/kubernetes pkg/scheduler/schedule_one.go, schedulePod).
func unscored(taken string, failure error) Note {
	if taken != "" {
		return Note{NoteUnscored, false, fmt.Sprintf("its nodes cannot be scored (%s), which matters only where several are feasible", failure)}
	}
	return Note{NoteUnscored, true, fmt.Sprintf("its nodes cannot be scored, so that none of several is chosen: %s", failure)}
}

func pluginScores(node *fwk.NodePluginScores, weights map[string]int64) []PluginScore {
	scores := make([]PluginScore, len(node.Scores))
	for i, score := range node.Scores {
		weight := max(weights[score.Name], 1)
		scores[i] = PluginScore{Plugin: score.Name, Weight: weight, Points: score.Score, Normalized: score.Score / weight}
		for _, raw := range node.RawScores {
			if raw.Name == score.Name {
				scores[i].Raw = raw.Score
			}
		}
		if node.TotalScore > 0 {
			scores[i].Share = float64(score.Score*1000/node.TotalScore) / 10
		}
	}
	slices.SortStableFunc(scores, func(a, b PluginScore) int { return int(b.Points - a.Points) })
	return scores
}

// why compares the winner with the next one, unless it was taken without scores.
func why(p *Placement, taken bool) *Why {
	winner := slices.IndexFunc(p.Scores, func(score NodeScore) bool { return score.Node == p.Winner })
	switch {
	case len(p.Scores) == 1:
		return &Why{Text: "it is the only feasible node"}
	case winner > 0 || taken && len(p.Scores[winner].Scores) == 0:
		return &Why{Text: "the pod is nominated to it: it is tried first, and the others are not asked"}
	}
	first, next := &p.Scores[0], &p.Scores[1]
	result := &Why{RunnerUp: next.Node, By: first.Total - next.Total}
	theirs := map[string]int64{}
	for _, score := range next.Scores {
		theirs[score.Plugin] = score.Points
	}
	for _, score := range first.Scores {
		if gain := score.Points - theirs[score.Plugin]; gain != 0 {
			result.Gains = append(result.Gains, Gain{score.Plugin, gain})
		}
	}
	slices.SortStableFunc(result.Gains, func(a, b Gain) int { return int(max(b.Points, -b.Points) - max(a.Points, -a.Points)) })
	var words []string
	for _, gain := range result.Gains {
		words = append(words, fmt.Sprintf("%s %+d", gain.Plugin, gain.Points))
	}
	result.Text = fmt.Sprintf("%d points ahead of %s", result.By, next.Node)
	if result.By == 0 {
		result.Text = fmt.Sprintf("it is level with %d more: chance decides", len(p.Ties))
	}
	if len(words) > 0 {
		result.Text += ": " + strings.Join(words, ", ")
	}
	return result
}
