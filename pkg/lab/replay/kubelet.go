// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"math"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const (
	// lookSeconds is how often the kubelet looks (k8s.io/kubernetes pkg/kubelet/kubelet.go: evictionMonitoringPeriod).
	lookSeconds = 10
	// pressureSeconds is how long a node says that it was under pressure (evictionPressureTransitionPeriod's default).
	pressureSeconds = 300
	// firstBackoff and longestBackoff are those of containers that end again and again (pkg/kubelet/kubelet.go:
	// initialCrashLoopBackOff, MaxCrashLoopBackOff); a container that ran for twice the longest begins anew. A kubelet does not wait before
	// the first restart (pkg/kubelet/kuberuntime/kuberuntime_manager.go: doBackOff); here the first of these waits comes before that, too.
	firstBackoff, longestBackoff = 10.0, 300.0
)

// What ends a pod for want of memory.
const evicted, oomKilled = "evicted", "OOM-killed"

// kubelets does what the kubelets and kernels of all nodes do at a second, stepSeconds after the last time.
func (r *run) kubelets(second, stepSeconds float64) {
	for _, n := range r.cluster.nodes {
		r.pressure(n, second, stepSeconds)
	}
}

// pressure ends pods of a node that is short of memory. Where steps are further apart than the kubelet's looks, memory moved in
// a straight line since the step before: if it rose so slowly that a look fell between the threshold and the end of memory, the
// kubelet evicts; if memory was over before the kubelet looked, the kernel kills. Where they are not, the kernel kills as soon as
// memory is over, and the kubelet evicts when it looks.
func (r *run) pressure(n *node, second, stepSeconds float64) {
	held := n.held()
	looks := r.looks(n, second, stepSeconds)
	if !looks {
		if held > n.bytes {
			r.oom(n, held, second)
		}
		return
	}
	if n.bytes-held >= n.evictionHard {
		if n.pressure && second-n.calm >= pressureSeconds {
			n.pressure = false
			r.scheduler.updateNode(n, underPressure(n.object, false, second))
		}
		return
	}
	fine, first := stepSeconds < lookSeconds, second
	var rise float64 // between two looks
	if !fine {
		before := n.heldAt(second - stepSeconds)
		n.resume(second)
		rise = float64(held-before) * lookSeconds / stepSeconds
		first = n.firstLook(before, held, second, stepSeconds)
	}
	if held > n.bytes && (fine || rise > float64(n.evictionHard)) {
		held = r.oom(n, held, second)
	}
	if n.bytes-held < n.evictionHard {
		r.evict(n, held, second, first)
	}
	n.calm = second
}

// looks reports whether the kubelet of a node looked since the step before. Kubelets do not look in unison.
func (r *run) looks(n *node, second, stepSeconds float64) bool {
	if stepSeconds >= lookSeconds {
		return true
	}
	const parts = 1000
	phase := lookSeconds * float64(mix(uint64(n.index)*0x9e3779b97f4a7c15+r.seed)%parts) / parts
	return math.Floor((second-phase)/lookSeconds) > math.Floor((second-stepSeconds-phase)/lookSeconds)
}

// firstLook is when the kubelet saw first that the node is over its threshold: a look's distance after memory ran through it, from
// what was held a step before to what is held, at the latest.
func (n *node) firstLook(before, held int64, second, stepSeconds float64) float64 {
	threshold := n.bytes - n.evictionHard
	if before >= threshold { // by a pod that came since, for example
		return second - stepSeconds + lookSeconds
	}
	crossed := second - stepSeconds*float64(held-threshold)/float64(held-before)
	return min(crossed+lookSeconds, second)
}

// resume moves the pods of a node back to a second after a look at an earlier one.
func (n *node) resume(second float64) {
	for _, p := range n.pods {
		p.bytes = p.holds(second)
	}
}

// evict ends pods in the kubelet's order until its threshold is met no more, and marks the node. The kubelet looked first at the
// second first.
func (r *run) evict(n *node, held int64, second, first float64) {
	pods := make([]eviction.Pod, len(n.pods))
	byName := make(map[string]*pod, len(n.pods))
	for i, p := range n.pods {
		pods[i] = eviction.PodOf(p.object, sample.Measurement{Bytes: p.bytes, Time: timeAt(second)})
		byName[p.object.Name] = p
	}
	for _, ranked := range eviction.Rank(pods) {
		if n.bytes-held >= n.evictionHard {
			break
		}
		victim := byName[ranked.Name]
		held -= victim.bytes
		r.evicted(victim, second, first)
	}
	if !n.pressure {
		n.pressure = true
		r.scheduler.updateNode(n, underPressure(n.object, true, second))
	}
}

// oom kills containers in the kernel's order until the rest fits, and returns what is held then.
func (r *run) oom(n *node, held int64, second float64) int64 {
	containers := make([]eviction.Container, 0, len(n.pods))
	byName := make(map[string]*pod, len(n.pods))
	for _, p := range n.pods {
		if p.bytes == 0 {
			continue
		}
		containers = append(containers, eviction.Container{
			Namespace: p.object.Namespace, Pod: p.object.Name, Name: "main", UsageBytes: p.bytes,
			OOMScoreAdjust: eviction.OOMScoreAdjust(p.object, "main", n.bytes),
		})
		byName[p.object.Name] = p
	}
	for _, ranked := range eviction.RankOOM(containers, eviction.Machine(n.bytes)) {
		if held <= n.bytes {
			break
		}
		victim := byName[ranked.Pod]
		held -= victim.bytes
		r.oomKilled(victim, second)
	}
	return held
}

// oomKilled is a container that was killed: it starts again on its node after its back-off.
func (r *run) oomKilled(p *pod, second float64) {
	r.result.OOMKills++
	r.tell(p, second, oomKilled) // while it holds what it is killed for
	if since := max(p.placed, p.up); second-since > 2*longestBackoff {
		p.tries = 0
	}
	p.down, p.up = second, second+backoff(p.tries)
	p.tries++
	p.oomKills++
	p.bytes = 0
	r.updatePod(p, killed(p.object, second, p.oomKills))
	up := p.up
	r.at(up, func() {
		if p.left == 0 && p.up == up { // It was not killed again in the moment of its start.
			r.updatePod(p, started(p.object, p.node.object.Name, up, p.oomKills))
			p.bytes = p.holds(up)
		}
	})
}

// backoff is the time before the next start after so many ends in a row, in seconds.
func backoff(ends int) float64 { return min(firstBackoff*math.Pow(2, float64(ends)), longestBackoff) }

// evicted is a pod that the kubelet ended after a look: its owner makes another one, which has to be placed again.
func (r *run) evicted(p *pod, second, look float64) {
	r.result.Evictions++
	r.tell(p, second, evicted)
	r.leave(p, second)
	r.troubles = append(r.troubles, trouble(p, second, look))
	if second < p.life.end {
		ends := r.ends[p.life]
		if second-p.placed > 2*longestBackoff {
			ends = 0
		}
		r.ends[p.life] = ends + 1
		r.create(p.life, p.attempt+1, second, second+backoff(ends))
	}
}

func (r *run) tell(p *pod, second float64, what string) {
	if r.story != nil {
		r.story(p.node, second, p, what)
	}
}
