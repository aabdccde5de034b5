// SPDX-License-Identifier: Apache-2.0

package eviction

import (
	"fmt"
	"strconv"
	"strings"
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
		return fmt.Sprintf("not measured, taken to use the %s it requests, priority %d", inWords(p.RequestBytes), p.Priority)
	case p.RequestBytes == 0:
		return fmt.Sprintf("uses %s and requests nothing, priority %d", inWords(p.UsageBytes), p.Priority)
	case p.exceedsRequest():
		return fmt.Sprintf("uses %s more than the %s it requests, priority %d", inWords(p.aboveRequest()), inWords(p.RequestBytes), p.Priority)
	case p.aboveRequest() == 0:
		return fmt.Sprintf("uses the %s it requests, priority %d", inWords(p.RequestBytes), p.Priority)
	default:
		return fmt.Sprintf("uses %s less than the %s it requests, priority %d", inWords(-p.aboveRequest()), inWords(p.RequestBytes), p.Priority)
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
		return fmt.Sprintf("before %s by %s of use against request", name, inWords(p.aboveRequest()-next.aboveRequest()))
	default:
		return fmt.Sprintf("level with %s, chance decides", name)
	}
}

// inWords writes bytes to one digit after the point, in the largest unit that gives at least 1.
func inWords(bytes int64) string {
	if bytes < 0 {
		return "-" + inWords(-bytes)
	}
	for _, unit := range []struct {
		name string
		size int64
	}{{"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}} {
		if bytes >= unit.size {
			return strings.TrimSuffix(strconv.FormatFloat(float64(bytes)/float64(unit.size), 'f', 1, 64), ".0") + unit.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}
