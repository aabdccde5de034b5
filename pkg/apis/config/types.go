// SPDX-License-Identifier: Apache-2.0

package config

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FilterMode says what HeadroomMemory's Filter may do.
type FilterMode string

const (
	// FilterHard rejects a node whose measured memory leaves no room for the pod.
	FilterHard FilterMode = "Hard"
	// FilterOff rejects nothing: memory only scores.
	FilterOff FilterMode = "Off"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// HeadroomNodeAffinityArgs holds the arguments of the HeadroomNodeAffinity plugin.
type HeadroomNodeAffinityArgs struct {
	metav1.TypeMeta

	// AddedAffinity is applied to every pod in addition to the pod's own node affinity: its required terms are ANDed
	// with the pod's, its preferred terms are scored along with them. Nil: nothing is added.
	AddedAffinity *corev1.NodeAffinity
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// HeadroomMemoryArgs holds the arguments of the HeadroomMemory plugin.
type HeadroomMemoryArgs struct {
	metav1.TypeMeta

	// Filter is Hard or Off.
	Filter FilterMode

	// RefreshInterval is the time between two reads of the metrics source.
	RefreshInterval metav1.Duration

	// FreshFor is the age up to which a node's sample is trusted, counted from the sample's own timestamp. A node whose
	// sample is older, or missing, is judged by requests alone.
	FreshFor metav1.Duration

	// MaxNotFreshPercent is the share of nodes without a fresh sample, in percent, above which requests decide on every
	// node. Range 0 to 100; 100 never gives up on the fresh ones.
	MaxNotFreshPercent int32

	// WarmUp is the time after a pod became ready during which its sample is not taken as its upper bound: until then
	// it counts for at least what it requests.
	WarmUp metav1.Duration

	// AssumedEvictionHard is the kubelet's memory.available hard eviction threshold where it is not known, in bytes.
	AssumedEvictionHard resource.Quantity

	// Reserve is kept free above the eviction threshold by the Filter, in bytes.
	Reserve resource.Quantity

	// LimitPriorPercent places the expected peak of a container between its request (0) and its limit (100) as long as
	// nothing better is known. Range 0 to 100. It only scores; it never makes a node infeasible.
	LimitPriorPercent int32

	// DefaultContainerPeak is the expected peak of a container with neither request nor limit, in bytes.
	DefaultContainerPeak resource.Quantity
}
