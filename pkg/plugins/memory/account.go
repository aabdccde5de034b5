// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"math"
	"slices"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
)

// Account is how the plugin comes to its verdict and its score of one node for one pod. Figures are bytes where nothing else is said.
type Account struct {
	// Known is false for a node that is not in the book. Then nothing else is set but Mode, Demand, Degraded, Foreseen and Score.
	Known bool
	// Node is the node's line in the book, with a copy of its figures.
	Node ledger.Node
	// Degraded: too few nodes are fresh, and requests decide on all of them.
	Degraded bool
	// Foreseen: where there is no fresh sample, nodes are scored by what was learned of their pods, and not by requests.
	Foreseen bool
	Mode     config.FilterMode
	Demand   forecast.Demand
	// KeptFree is the reserve that the Filter keeps on the node.
	KeptFree int64
	// AddedFirm and AddedPeak are what pods are counted for that were given to the node since the book was made.
	AddedFirm, AddedPeak int64
	// Left is what the Filter sees as left for the pod, and ExpectedLeft what Score expects to be left with the pod at its
	// peak. They mean something only if the node is fresh.
	Left, ExpectedLeft int64
	// FullDay and FullNow are how full the node would be with the pod, as shares of its memory for pods, over the day ahead and
	// now: what Score goes by.
	FullDay, FullNow float64
	// FullMost is the larger of FullNow and the fullest hour: what the strategy Pack goes by.
	FullMost float64
	// Verdict is what the Filter says, whether or not it is let: VerdictFits, VerdictMeasured, VerdictUnseen or VerdictTooSmall.
	Verdict string
	// Away is how much of the score is taken away for a shortage a moment ago, 0 to 1.
	Away float64
	// Score is what NormalizeScore brings to the common scale, 0 to 100,000.
	Score int64
}

// Account says how the plugin judges the node in a cycle that PreFilter or PreScore has seen; ok is false for another one.
func (pl *Memory) Account(cycleState fwk.CycleState, nodeInfo fwk.NodeInfo) (account Account, ok bool) {
	state, ok := pl.latest.Read(cycleState)
	if !ok {
		return Account{}, false
	}
	account = Account{Degraded: state.book.snapshot.Degraded, Foreseen: state.book.snapshot.Foreseen, Mode: state.mode, Demand: state.demand}
	i := state.book.find(state.positions, nodeInfo)
	account.Score = state.score(i, byRequests(nodeInfo))
	if i < 0 {
		return account, true
	}
	line := &state.book.lines[i]
	account.Known, account.Node = true, state.book.snapshot.Nodes[i]
	account.KeptFree = pl.books.kept.of(line.size)
	account.AddedFirm = state.counted(i)
	account.AddedPeak = max(0, slices.Max(state.book.asides[i].outlook.Load().added[:]))
	account.Left = line.left - account.AddedFirm
	account.ExpectedLeft = account.Node.ForecastLeft - account.AddedPeak - state.demand.PeakBytes
	dayCubed, now := state.fullness(line, i)
	account.FullDay, account.FullNow, account.FullMost = math.Cbrt(dayCubed), now, state.fullest(line, i, now)
	account.Verdict = state.judge(i).reason()
	account.Away = state.away(i, line)
	return account, true
}
