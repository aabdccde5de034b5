// SPDX-License-Identifier: Apache-2.0

package eviction

import (
	"fmt"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// stands says what the kubelet looks at in this pod.
func (p Pod) stands() string {
	switch {
	case p.Static:
		return "never evicted: a static pod"
	case p.Exempt():
		return fmt.Sprintf("never evicted: priority %d is critical", p.Priority)
	case !p.Measured:
		return fmt.Sprintf("no statistics, since no container runs, priority %d", p.Priority)
	case p.Guessed:
		return fmt.Sprintf("not measured, taken to use the %s it requests, priority %d", quantity.InWords(p.RequestBytes), p.Priority)
	case p.RequestBytes == 0:
		return fmt.Sprintf("uses %s and requests nothing, priority %d", quantity.InWords(p.UsageBytes), p.Priority)
	case p.exceedsRequest():
		return fmt.Sprintf("uses %s more than the %s it requests, priority %d", quantity.InWords(p.aboveRequest()), quantity.InWords(p.RequestBytes), p.Priority)
	case p.aboveRequest() == 0:
		return fmt.Sprintf("uses the %s it requests, priority %d", quantity.InWords(p.RequestBytes), p.Priority)
	default:
		return fmt.Sprintf("uses %s less than the %s it requests, priority %d", quantity.InWords(-p.aboveRequest()), quantity.InWords(p.RequestBytes), p.Priority)
	}
}

// before says what puts the pod before the next one.
func (p Pod) before(next Pod) string {
	name := next.Namespace + "/" + next.Name
	switch {
	case p.Measured != next.Measured:
		return fmt.Sprintf("before %s, which has statistics", name)
	case compareExceeding(p, next) != 0:
		return fmt.Sprintf("before %s, which is not above its request", name)
	case p.Priority != next.Priority:
		return fmt.Sprintf("before %s, whose priority is %d", name, next.Priority)
	case compareUsage(p, next) != 0:
		return fmt.Sprintf("before %s by %s of use against request", name, quantity.InWords(p.aboveRequest()-next.aboveRequest()))
	default:
		return fmt.Sprintf("level with %s, chance decides", name)
	}
}
