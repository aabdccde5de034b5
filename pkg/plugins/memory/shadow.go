// SPDX-License-Identifier: Apache-2.0

package memory

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// shadow is what a cycle would have decided, had it been allowed to.
type shadow struct {
	best     int64  // the best score of a node that was scored
	decision string // how the node that was chosen compares, once it is
}

// take notes the best of the scores, in fine steps, and makes all alike.
func (s *shadow) take(scores fwk.NodeScoreList) {
	for i := range scores {
		s.best = max(s.best, scores[i].Score)
	}
	level(scores)
}

// level makes all scores alike.
func level(scores fwk.NodeScoreList) {
	for i := range scores {
		scores[i].Score = fwk.MinScore
	}
}

// compare returns how the node that was chosen without this plugin compares with what it would have said of it.
func (pl *Memory) compare(logger klog.Logger, state *cycleState, pod *corev1.Pod, nodeName string) (decision string) {
	i := state.book.snapshot.Index(nodeName)
	if state.book.snapshot.Degraded || i < 0 || !state.book.lines[i].fresh {
		return shadowUnknown
	}
	verdict, score, best := fits, state.score(i, 0), state.shadow.best
	if state.mode == config.FilterHard {
		verdict = state.judge(i)
	}
	switch {
	case verdict != fits:
		logger.V(2).Info("Shadow: the chosen node has too little memory left", "pod", klog.KObj(pod), "node", nodeName, "reason", verdict.reason(),
			"neededBytes", state.demand.FirmBytes, "leftBytes", state.book.lines[i].left-state.counted(i))
		return shadowRejected
	case score < best:
		logger.V(2).Info("Shadow: another node has more memory left", "pod", klog.KObj(pod), "node", nodeName, "score", score, "best", best)
		return shadowWorse
	}
	return shadowSame
}
