// SPDX-License-Identifier: Apache-2.0

package threshold

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// size is the memory of a node by its status, in bytes.
type size struct {
	capacity, allocatable, hugepages int64
}

// Of returns the node's thresholds. known is what is known of its kubelet (SettingsOf, Override), or nil: then
// assumedEvictionHardBytes is taken for the hard threshold, and for pods that the kubelet limits them as it does by default.
// A node without memory figures in its status is an error that names it: nothing is known then.
//
// An assumption cannot be more than the status leaves room for: capacity - allocatable - hugepages is what the kubelet
// reserves and the threshold together, since it takes both from allocatable
// (k8s.io/kubernetes pkg/kubelet/cm/node_container_manager_linux.go:292-313). What is left is taken then, and its origin is
// OriginStatus.
func Of(node *corev1.Node, known *Settings, assumedEvictionHardBytes int64) (Thresholds, error) {
	size, err := sizeOf(node)
	if err != nil {
		return Thresholds{}, err
	}
	if known == nil {
		known = size.assume(assumedEvictionHardBytes)
	}
	thresholds := Thresholds{EvictionHardOrigin: known.EvictionHardOrigin}

	machine := size.capacity - size.hugepages
	thresholds.EvictionHard = known.EvictionHard.Of(machine)
	thresholds.Node = machine - thresholds.EvictionHard
	thresholds.NodeReclaim = known.MinimumReclaim.Of(machine)
	if thresholds.EvictionHard == 0 {
		thresholds.NodeEdge = Kills
	}
	if !known.Soft.None() {
		thresholds.HasSoft, thresholds.Soft, thresholds.SoftGrace = true, machine-known.Soft.Of(machine), known.SoftGrace
	}
	size.pods(known, &thresholds)
	return thresholds, nil
}

// pods fills in the figures of the kubepods cgroup. Its limit is the whole capacity where nothing is enforced
// (k8s.io/kubernetes pkg/kubelet/cm/node_container_manager_linux.go:70-81).
func (s size) pods(known *Settings, thresholds *Thresholds) {
	limit, hard := s.capacity, int64(0)
	thresholds.PodsEdge, thresholds.PodsOrigin = Open, OriginStatus
	if known.EnforcesPods {
		limit, thresholds.PodsOrigin = s.limit(known)
		hard = known.EvictionHard.Of(limit)
		thresholds.PodsEdge = Kills
		if known.EvictionHard.Fraction > 0 {
			thresholds.PodsOrigin = known.EvictionHardOrigin
		}
	}
	if own := known.PodsEvictionHard.Of(limit); own > hard {
		hard = own
		thresholds.PodsOrigin = OriginConfigz
	}
	if hard > 0 {
		thresholds.PodsEdge = Evicts
	}
	thresholds.Pods, thresholds.PodsLimit = min(limit-hard, s.capacity), min(limit, s.capacity)
	thresholds.PodsReclaim = known.MinimumReclaim.Of(limit)
}

// limit returns the limit of the kubepods cgroup, which is capacity - kubeReserved - systemReserved (k8s.io/kubernetes
// pkg/kubelet/cm/node_container_manager_linux.go:265-285), and where it is known from. The node's status gives it, and may be newer than what
// the kubelet told: what pods may have and the threshold that was taken from that, a percentage of the whole capacity
// (pkg/kubelet/cm/helpers.go:45-66). The reservations tell of the one case in which it does not: where pods may have all that is not
// reserved, nothing was taken from it, as by a kubelet with --experimental-allocatable-ignore-eviction. Until the kubelet is asked again, one
// of which the reservations went down by just the threshold looks like that, too: then less is thought to be left than is.
func (s size) limit(known *Settings) (int64, Origin) {
	offered, hard := s.allocatable+s.hugepages, known.EvictionHard.Of(s.capacity)
	if known.Reserved != nil && hard > 0 && offered == s.capacity-known.Reserved.Kube-known.Reserved.System {
		return offered, OriginConfigz
	}
	return offered + hard, OriginStatus
}

// assume returns the settings of a kubelet of which nothing is known.
func (s size) assume(evictionHard int64) *Settings {
	settings := &Settings{EvictionHard: Amount{Bytes: max(evictionHard, 0)}, EvictionHardOrigin: OriginAssumed, EnforcesPods: true}
	if most := max(s.capacity-s.allocatable-s.hugepages, 0); settings.EvictionHard.Bytes > most {
		settings.EvictionHard.Bytes, settings.EvictionHardOrigin = most, OriginStatus
	}
	return settings
}

// sizeOf reads the node's status. Hugepages are memory that no pod gets as memory, and no working set shows them
// (k8s.io/kubernetes pkg/kubelet/server/stats/summary.go:172-208).
func sizeOf(node *corev1.Node) (size, error) {
	capacity, allocatable := quantity.Bytes(*node.Status.Capacity.Memory()), quantity.Bytes(*node.Status.Allocatable.Memory())
	if capacity <= 0 || allocatable <= 0 {
		return size{}, fmt.Errorf("node %q: status has no memory capacity (%d) or allocatable (%d)", node.Name, capacity, allocatable)
	}
	if capacity >= quantity.Largest {
		return size{}, fmt.Errorf("node %q: status.capacity.memory is %s, more than a machine has", node.Name, node.Status.Capacity.Memory())
	}
	var hugepages int64
	for name, amount := range node.Status.Capacity {
		if strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix) {
			hugepages += min(max(quantity.Bytes(amount), 0), capacity-hugepages)
		}
	}
	return size{capacity: capacity, allocatable: min(allocatable, capacity), hugepages: hugepages}, nil
}
