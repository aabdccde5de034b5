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
	// FilterSoft rejects nothing: a node that Hard would reject scores 0 to 9 of 100, the more the less it lacks.
	FilterSoft FilterMode = "Soft"
	// FilterOff rejects nothing: memory only scores.
	FilterOff FilterMode = "Off"
)

// Strategy says which nodes HeadroomMemory's Score prefers.
type Strategy string

// The strategies.
const (
	// StrategySpread prefers the emptiest node.
	StrategySpread Strategy = "Spread"
	// StrategyPack prefers the fullest node that is not expected to be fuller than a target, and beyond it the emptiest.
	StrategyPack Strategy = "Pack"
)

// Strategies returns every strategy that there is.
func Strategies() []Strategy { return []Strategy{StrategySpread, StrategyPack} }

// FilterModes returns every mode that there is.
func FilterModes() []FilterMode { return []FilterMode{FilterHard, FilterSoft, FilterOff} }

// SourceType names a source of memory samples.
type SourceType string

const (
	// SourceMetricsAPI is metrics.k8s.io, which metrics-server serves.
	SourceMetricsAPI SourceType = "MetricsAPI"
	// SourcePrometheus is a Prometheus that scrapes kubelets.
	SourcePrometheus SourceType = "Prometheus"
	// SourceKubelet is the kubelets' own /stats/summary.
	SourceKubelet SourceType = "Kubelet"
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

	// Filter is Hard, Soft or Off, for pods that FilterByQOSClass says nothing about.
	Filter FilterMode

	// FilterByQOSClass is the filter of pods by their QoS class: Guaranteed, Burstable, BestEffort.
	FilterByQOSClass map[corev1.PodQOSClass]FilterMode

	// FilterDaemonSetPods and FilterCriticalPods say whether the filter is for pods of DaemonSets and for pods of priority
	// 2000000000 or more too. Such pods are meant to run on full nodes.
	FilterDaemonSetPods, FilterCriticalPods bool

	// Strategy is Spread or Pack. PackPercent is the share of its memory for pods, in percent, up to which a node is filled with
	// Pack, counted in its fullest hour. 1 to 100.
	Strategy    Strategy
	PackPercent int32

	// Shadow makes the plugin decide and report, and change nothing.
	Shadow bool

	// Source says where memory samples come from.
	Source MemorySource

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

	// Reserve is kept free above the eviction threshold by the Filter, in bytes, and ReservePercent in percent of the
	// memory that a node has for pods. The larger of the two counts. ReservePercent ranges from 0 to 100.
	Reserve        resource.Quantity
	ReservePercent int32

	// Cooldown is the time for which a node that ran short of memory is avoided, and for which a workload is kept off a
	// node that ended one of its pods for that. 0: nothing is remembered.
	Cooldown metav1.Duration

	// MaxStallPercent is the share of time in which processes of a node may wait for memory before the node is avoided,
	// where the source tells (PSI, some, over 10 seconds). 0 to 100; 0: it is never avoided for that.
	MaxStallPercent int32

	// ReadKubeletConfig makes the plugin read eviction thresholds from the kubelets' /configz.
	ReadKubeletConfig bool

	// LimitPriorPercent places the expected peak of a container between its request (0) and its limit (100) as long as
	// nothing better is known. Range 0 to 100. It only scores; it never makes a node infeasible.
	LimitPriorPercent int32

	// DefaultContainerPeak is the expected peak of a container with neither request nor limit, in bytes.
	DefaultContainerPeak resource.Quantity

	// Checkpoint says where what was learned of workloads is kept, so that it survives the scheduler.
	Checkpoint ForecastCheckpoint
}

// ForecastCheckpoint says where what was learned of workloads is kept.
type ForecastCheckpoint struct {
	// Enabled lets the replica that schedules write a ConfigMap, and all replicas read it when they start.
	Enabled bool

	// Namespace and Name of the ConfigMap. No namespace: that of the scheduler's own pod; outside of a pod, kube-system.
	Namespace, Name string

	// Interval is the time between two writes. At least 10s.
	Interval metav1.Duration
}

// MemorySource says where memory samples come from.
type MemorySource struct {
	// Type is MetricsAPI, Prometheus or Kubelet.
	Type SourceType

	// Prometheus says how to ask it; required for that type.
	Prometheus *PrometheusSource

	// Kubelet says how to connect to kubelets, as a source and for their configuration.
	Kubelet *KubeletSource
}

// PrometheusSource says how to ask a Prometheus.
type PrometheusSource struct {
	// Address is the base URL, such as https://prometheus.monitoring:9090.
	Address string

	// Nodes asks for the working set of each machine and Kubepods for that of all its pods together, both by NodeLabel; Pods
	// for that of each pod, by the labels namespace and pod. Nil: cAdvisor's metrics as the Prometheus operator stores them.
	Nodes    *PrometheusQuery
	Kubepods *PrometheusQuery
	Pods     *PrometheusQuery

	// NodeLabel is the label with the node's name. Empty: node, as the Prometheus operator stores it.
	NodeLabel string

	// StripPort takes a port off the value of NodeLabel: where kubelets are scraped by their nodes' names, "instance" is a
	// name with a port. Under the Prometheus operator it is an address, and of no use.
	StripPort bool

	// BearerTokenFile is read at every request; Username and PasswordFile are for basic authentication instead.
	BearerTokenFile string
	Username        string
	PasswordFile    string

	// CAFile verifies the server; the system's authorities if empty. InsecureSkipVerify trusts any server.
	CAFile             string
	InsecureSkipVerify bool

	// History is what is read of the past when the scheduler starts.
	History PrometheusHistory
}

// PrometheusHistory says what is read of the past: what pods that run now held at most in each hour.
type PrometheusHistory struct {
	// Period is how far back is asked, 1h to 168h; 0: not at all.
	Period metav1.Duration
	// Peaks is PromQL for an instant vector of the highest working set in bytes of each pod within $range, by the labels namespace
	// and pod. Empty: cAdvisor's metrics as the Prometheus operator stores them.
	Peaks string
}

// PrometheusQuery asks for working sets, twice: for their bytes, and for the times at which they were taken.
type PrometheusQuery struct {
	// Bytes is PromQL for an instant vector of bytes, one series an object.
	Bytes string
	// Times is PromQL for an instant vector of Unix times in seconds with the same labels, such as timestamp() of the metric.
	Times string
}

// KubeletSource says how to connect to kubelets. The scheduler's own credentials are used.
type KubeletSource struct {
	// CAFile verifies kubelets' serving certificates; the cluster's authority if empty. InsecureSkipVerify trusts any.
	CAFile             string
	InsecureSkipVerify bool

	// MaxConcurrent is how many kubelets are asked at a time. At least 1; 0 for the default.
	MaxConcurrent int32
}
