// SPDX-License-Identifier: Apache-2.0

package replay

import "fmt"

// Tuned returns the peers with other settings than their defaults: a small grid of what decides most, to both sides where that makes
// sense. Each is called by the peer, the setting and its value in percent.
func Tuned() []Policy {
	var tuned []Policy
	add := func(peer, setting string, percent int, judge judge) {
		tuned = append(tuned, Policy{Name: fmt.Sprintf("%s-%s-%d", peer, setting, percent), configuration: withPeer, judge: judge})
	}
	for _, margin := range []int{200, 400} {
		add("load-variation", "margin", margin, loadVariationJudge{margin: float64(margin) / 100})
	}
	for _, weight := range []int{20, 80} {
		add("low-risk", "limits", weight, lowRiskJudge{limitWeight: float64(weight) / 100})
	}
	for _, target := range []int{20, 60} {
		add("target-load-memory", "target", target, targetLoadJudge{target: float64(target)})
	}
	for _, most := range []int{75, 85} {
		changed := koordinatorDefault()
		changed.most = float64(most) / 100
		add("koordinator-like", "most", most, changed)
	}
	for _, estimate := range []int{50, 90} {
		changed := koordinatorDefault()
		changed.estimate = float64(estimate) / 100
		add("koordinator-like", "estimate", estimate, changed)
	}
	add("crane-like", "most", 85, craneJudge{fiveMinutes: 0.75, hour: 0.85})
	return tuned
}
