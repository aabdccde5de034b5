// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"regexp"
	"slices"
	"strings"
)

const (
	reasonNotCreated = "the run ended before the pod was created"
	reasonNotJudged  = "the run ended before the scheduler had judged the pod"
	reasonDeleted    = "the pod was deleted before it was placed"
)

// countedReason finds the beginning of each "3 Insufficient cpu" in a list of such.
var countedReason = regexp.MustCompile(`(?:^|, )\d+ `)

// reason reduces the scheduler's message about a pod that fits nowhere to its kinds of reasons, without counts, so that few
// distinct texts remain: "0/9 nodes are available: 3 Insufficient cpu, 6 Insufficient memory. preemption: ..." becomes
// "Insufficient cpu; Insufficient memory". A message of another form is returned whole.
func reason(message string) string {
	_, list, found := strings.Cut(message, " nodes are available: ")
	if !found {
		return message
	}
	list, _, _ = strings.Cut(list, ". ") // what follows is about preemption
	list = strings.TrimSuffix(list, ".")
	if !countedReason.MatchString(list) { // one reason for all nodes at once, from a plugin's PreFilter
		return list
	}
	var kinds []string
	for _, kind := range countedReason.Split(list, -1) {
		if kind != "" {
			kinds = append(kinds, kind)
		}
	}
	slices.Sort(kinds)
	return strings.Join(slices.Compact(kinds), "; ")
}
