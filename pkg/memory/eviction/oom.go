// SPDX-License-Identifier: Apache-2.0

package eviction

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// Container is what the kernel's order looks at, one process to a container: memory.oom.group makes the whole container
// die with any of its processes (cgroup v2).
type Container struct {
	Namespace, Pod, Name string
	// UsageBytes is what the container holds. The kernel counts anonymous, shared and mapped file memory, page tables and
	// swap; where only the working set is known, that stands for it and is more by active page cache that is not mapped.
	UsageBytes int64
	// Unmeasured containers have no UsageBytes: their score is a lower bound.
	Unmeasured bool
	// OOMScoreAdjust is -1000 to 1000; see the function of this name.
	OOMScoreAdjust int64
}

// neverKilled is the oom_score_adj of a process that the kernel does not kill (OOM_SCORE_ADJ_MIN).
const neverKilled = -1000

// pageBytes is the size in which the kernel counts.
const pageBytes = 4096

// Badness is the kernel's score in bytes: memory held plus oom_score_adj thousandths of the memory of the domain that ran
// out, rounded down to whole pages for each thousandth (Linux mm/oom_kill.c, oom_badness). domainBytes is the domain's
// limit, for the machine with swap added.
func (c Container) Badness(domainBytes int64) int64 {
	return c.UsageBytes + c.OOMScoreAdjust*(domainBytes/pageBytes/1000)*pageBytes
}

// RankedContainer is a container in the kernel's order.
type RankedContainer struct {
	Container
	// BadnessBytes is its score.
	BadnessBytes int64
	// Reason says in words why the container stands here, and before the next one.
	Reason string
}

// RankOOM returns the containers of the domain in the order in which the kernel would kill them, first victim first. Equal
// scores go by name, so that equal input gives equal output.
func RankOOM(containers []Container, domain Domain) []RankedContainer {
	var ranked []RankedContainer
	for _, container := range containers {
		if domain.Contains(container) && container.OOMScoreAdjust > neverKilled {
			ranked = append(ranked, RankedContainer{Container: container, BadnessBytes: container.Badness(domain.LimitBytes)})
		}
	}
	slices.SortFunc(ranked, func(a, b RankedContainer) int {
		return cmp.Or(
			cmp.Compare(b.BadnessBytes, a.BadnessBytes),
			cmp.Compare(a.Namespace, b.Namespace),
			cmp.Compare(a.Pod, b.Pod),
			cmp.Compare(a.Name, b.Name),
		)
	})
	for i := range ranked {
		ranked[i].Reason = ranked[i].stands()
		if i+1 < len(ranked) {
			ranked[i].Reason += "; " + ranked[i].before(ranked[i+1])
		}
	}
	return ranked
}

func (c RankedContainer) stands() string {
	if c.Unmeasured {
		return fmt.Sprintf("not measured, oom_score_adj %d: scores %s at least", c.OOMScoreAdjust, quantity.InWords(c.BadnessBytes))
	}
	return fmt.Sprintf("holds %s, oom_score_adj %d: scores %s", quantity.InWords(c.UsageBytes), c.OOMScoreAdjust, quantity.InWords(c.BadnessBytes))
}

func (c RankedContainer) before(next RankedContainer) string {
	name := next.Namespace + "/" + next.Pod + "/" + next.Name
	if c.BadnessBytes == next.BadnessBytes {
		return fmt.Sprintf("level with %s, chance decides", name)
	}
	return fmt.Sprintf("before %s by %s", name, quantity.InWords(c.BadnessBytes-next.BadnessBytes))
}
