// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FilterMode says what HeadroomMemory's Filter may do: Hard or Off.
type FilterMode string

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// HeadroomNodeAffinityArgs holds the arguments of the HeadroomNodeAffinity plugin.
type HeadroomNodeAffinityArgs struct {
	metav1.TypeMeta `json:",inline"`

	// AddedAffinity is applied to every pod in addition to the pod's own node affinity: its required terms are ANDed
	// with the pod's, its preferred terms are scored along with them.
	// +optional
	AddedAffinity *corev1.NodeAffinity `json:"addedAffinity,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// HeadroomMemoryArgs holds the arguments of the HeadroomMemory plugin.
type HeadroomMemoryArgs struct {
	metav1.TypeMeta `json:",inline"`

	// Filter is Hard (a node whose measured memory leaves no room for the pod is rejected) or Off (memory only scores).
	// Default Hard.
	// +optional
	Filter FilterMode `json:"filter,omitempty"`

	// RefreshInterval is the time between two reads of the metrics source. At least 1s. Default 15s.
	// +optional
	RefreshInterval *metav1.Duration `json:"refreshInterval,omitempty"`

	// FreshFor is the age up to which a node's sample is trusted, counted from the sample's own timestamp; a node whose
	// sample is older, or missing, is judged by requests alone. At least RefreshInterval. Default 90s.
	// +optional
	FreshFor *metav1.Duration `json:"freshFor,omitempty"`

	// MaxNotFreshPercent is the share of nodes without a fresh sample, in percent, above which requests decide on every
	// node. 0 to 100. Default 50.
	// +optional
	MaxNotFreshPercent *int32 `json:"maxNotFreshPercent,omitempty"`

	// WarmUp is the time after a pod became ready during which it counts for at least what it requests, whatever its
	// sample shows. Not negative. Default 60s.
	// +optional
	WarmUp *metav1.Duration `json:"warmUp,omitempty"`

	// AssumedEvictionHard is the kubelet's memory.available hard eviction threshold where it is not known. Not negative.
	// Default 100Mi, the kubelet's own.
	// +optional
	AssumedEvictionHard *resource.Quantity `json:"assumedEvictionHard,omitempty"`

	// Reserve is kept free above the eviction threshold by the Filter. Not negative. Default 0.
	// +optional
	Reserve *resource.Quantity `json:"reserve,omitempty"`

	// LimitPriorPercent places the expected peak of a container between its request (0) and its limit (100) as long as
	// nothing better is known. 0 to 100. Default 50.
	// +optional
	LimitPriorPercent *int32 `json:"limitPriorPercent,omitempty"`

	// DefaultContainerPeak is the expected peak of a container with neither request nor limit. Not negative.
	// Default 200Mi, as kube-scheduler's own scoring assumes.
	// +optional
	DefaultContainerPeak *resource.Quantity `json:"defaultContainerPeak,omitempty"`
}
