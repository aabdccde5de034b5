// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// leftOut is how many series are not played, by why.
type leftOut map[string]int

// Why series are not played.
const (
	notProfiled = "not there for all of the first day"
	unsampled   = "without samples"
	tooLarge    = "too large for a node"
	endless     = "without an end"
)

// withoutTooLarge leaves out the lives that need more than the room for pods that a node has.
func (l leftOut) withoutTooLarge(lives []*life, room int64) []*life {
	return slices.DeleteFunc(lives, func(made *life) bool {
		large := made.needs() > room
		if large {
			l[tooLarge]++
		}
		return large
	})
}

// String names each reason with its number, "" if nothing is left out.
func (l leftOut) String() string {
	var texts []string
	for _, why := range slices.Sorted(maps.Keys(l)) {
		texts = append(texts, fmt.Sprintf("%d %s", l[why], why))
	}
	return strings.Join(texts, ", ")
}

// LeftOut says how many series are not played and why, scenario by scenario where that differs; there is nothing to say if all are.
func (m *Matrix) LeftOut() ([]string, error) {
	var texts []string
	scenarios := map[string][]string{} // by text
	for _, scenario := range m.Scenarios {
		plan, err := m.plan(m.first(scenario))
		if err != nil {
			return nil, err
		}
		if len(plan.leftOut) == 0 {
			continue
		}
		sum := 0
		for _, count := range plan.leftOut {
			sum += count
		}
		text := fmt.Sprintf("%d of %d series are left out: %s", sum, len(m.Trace.Series), plan.leftOut)
		if scenarios[text] == nil {
			texts = append(texts, text)
		}
		scenarios[text] = append(scenarios[text], scenario.Name)
	}
	for i, text := range texts {
		if names := scenarios[text]; len(names) < len(m.Scenarios) {
			texts[i] = strings.Join(names, ", ") + ": " + text
		}
	}
	return texts, nil
}
