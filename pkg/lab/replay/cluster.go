// SPDX-License-Identifier: Apache-2.0

package replay

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// cluster is what really is: nodes, and the pods on them with the memory that they hold.
type cluster struct {
	nodes  []*node
	byName map[string]*node
	pods   []*pod // that are on nodes, in no order
	// gone are pods that left their nodes lately: measurements of before still show them.
	gone []*pod
}

type node struct {
	index  int
	object *corev1.Node
	// bytes is its memory, and evictionHard what the kubelet keeps of it.
	bytes, evictionHard int64
	pods                []*pod
	// pressure is true while the kubelet says so; calm is since when its signal is met no more.
	pressure bool
	calm     float64
	// marks are what the node held at past steps, the last day's, for those who look at windows.
	marks []mark
	most  dayMost
}

// mark is what a node held at a time.
type mark struct {
	second float64
	bytes  int64
}

// pod is one pod, from when its owner made it until it is gone.
type pod struct {
	life    *life
	attempt int
	object  *corev1.Pod
	created float64
	node    *node // nil: none yet
	place   int   // in cluster.pods
	// placed and left bound the time on the node; left is 0 while it is there.
	placed, left float64
	// bytes is what is held at the current step, and index where that is in the samples.
	bytes int64
	index int
	// down and up bound the last time in which its container was killed and waited for its restart.
	down, up float64
	oomKills int
	tries    int // of the scheduler
}

// holds returns what the pod holds at a second while it is on its node.
func (p *pod) holds(second float64) int64 {
	if p.up > 0 && second >= p.down && second < p.up {
		return 0
	}
	bytes, index := p.life.at(second, p.index)
	p.index = index
	return bytes
}

// there reports whether the pod was on its node at a second.
func (p *pod) there(second float64) bool {
	return p.placed <= second && (p.left == 0 || second < p.left)
}

func newCluster(nodes int, bytes, evictionHard int64) *cluster {
	c := &cluster{byName: map[string]*node{}}
	for i := range nodes {
		made := &node{index: i, object: newNode(i, bytes, evictionHard), bytes: bytes, evictionHard: evictionHard}
		c.nodes, c.byName[made.object.Name] = append(c.nodes, made), made
	}
	return c
}

// place puts a pod on a node.
func (c *cluster) place(p *pod, n *node, second float64) {
	p.node, p.placed, p.place = n, second, len(c.pods)
	p.object = started(p.object, n.object.Name, second, 0)
	c.pods = append(c.pods, p)
	n.pods = append(n.pods, p)
	p.bytes = p.holds(second)
}

// remove takes a pod off its node.
func (c *cluster) remove(p *pod, second float64) {
	p.left = second
	last := c.pods[len(c.pods)-1]
	c.pods[p.place], last.place = last, p.place
	c.pods = c.pods[:len(c.pods)-1]
	p.node.pods = slices.DeleteFunc(p.node.pods, func(other *pod) bool { return other == p })
	c.gone = append(c.gone, p)
}

// forget drops what nobody can see any more: pods that left before the given second.
func (c *cluster) forget(before float64) {
	c.gone = slices.DeleteFunc(c.gone, func(p *pod) bool { return p.left < before })
}

// ended tells of the pods that left lately when they did, as their kubelets tell by their phase: they were evicted, or had done their work.
func (c *cluster) ended() func(types.UID) (stopped time.Time, ended bool) {
	stopped := make(map[types.UID]float64, len(c.gone))
	for _, p := range c.gone {
		stopped[p.object.UID] = p.left
	}
	return func(uid types.UID) (time.Time, bool) {
		second, ok := stopped[uid]
		return timeAt(second), ok
	}
}

// step moves all pods to a second.
func (c *cluster) step(second float64) {
	for _, p := range c.pods {
		p.bytes = p.holds(second)
	}
}

// held is what a node's pods hold at the current step.
func (n *node) held() int64 {
	var sum int64
	for _, p := range n.pods {
		sum += p.bytes
	}
	return sum
}

// heldAt is what a node's pods held, or those of them that are still there, at an earlier second.
func (n *node) heldAt(second float64) int64 {
	var sum int64
	for _, p := range n.pods {
		sum += p.holds(second)
	}
	return sum
}
