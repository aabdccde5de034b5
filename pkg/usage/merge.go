// SPDX-License-Identifier: Apache-2.0

package usage

import (
	"maps"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// merge returns the newer measurement of each node and pod, without those that are older than oldest and not in the new
// read. A kubepods figure that the new read lacks is kept as long. What was refused is that of the new read.
func merge(before, read *sample.Set, oldest time.Time) *sample.Set {
	merged := &sample.Set{
		Nodes:   newer(before.Nodes, read.Nodes, oldest, func(node *sample.Node) *int { return &node.Missed }),
		Pods:    newer(before.Pods, read.Pods, oldest, func(pod *sample.Pod) *int { return &pod.Missed }),
		Refused: read.Refused, RefusedCount: read.RefusedCount,
	}
	for name, node := range merged.Nodes {
		if earlier := before.Nodes[name].Pods; !node.Pods.Known() && earlier.Known() && !earlier.Time.Before(oldest) {
			node.Pods = earlier
			merged.Nodes[name] = node
		}
	}
	return merged
}

// timed is a measurement of a node or a pod.
type timed interface{ Taken() time.Time }

// newer merges measurements of one kind; missed is where each counts the reads that do not have it.
func newer[K comparable, V timed](before, read map[K]V, oldest time.Time, missed func(*V) *int) map[K]V {
	merged := make(map[K]V, max(len(before), len(read)))
	maps.Copy(merged, read)
	for key, measured := range before {
		now, ok := merged[key]
		switch {
		case !ok && !measured.Taken().Before(oldest):
			*missed(&measured)++
			merged[key] = measured
		case ok && now.Taken().Before(measured.Taken()):
			*missed(&measured) = 0
			merged[key] = measured
		}
	}
	return merged
}
