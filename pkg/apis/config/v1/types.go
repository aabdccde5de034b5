// SPDX-License-Identifier: Apache-2.0

package v1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FilterMode says what HeadroomMemory's Filter may do: Hard, Soft or Off.
type FilterMode string

// Strategy says which nodes HeadroomMemory's Score prefers: Spread, the emptiest, or Pack, the fullest below a target.
type Strategy string

// SourceType names a source of memory samples: MetricsAPI, Prometheus or Kubelet.
type SourceType string

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

	// Filter is Hard (a node whose measured memory leaves no room for the pod is rejected), Soft (it scores 0 to 9 of 100, the more the less it lacks) or Off (memory only scores). Default Hard.
	// +optional
	Filter FilterMode `json:"filter,omitempty"`

	// FilterByQOSClass is the filter of pods by their QoS class (Guaranteed, Burstable, BestEffort), where it is to differ
	// from Filter. The annotation headroom.dev/memory-filter of a pod overrides both.
	// +optional
	FilterByQOSClass map[corev1.PodQOSClass]FilterMode `json:"filterByQOSClass,omitempty"`

	// FilterDaemonSetPods says whether the filter is for pods of DaemonSets too. Default false: they are meant to run on
	// full nodes.
	// +optional
	FilterDaemonSetPods bool `json:"filterDaemonSetPods,omitempty"`

	// FilterCriticalPods says whether the filter is for pods of priority 2000000000 or more too. Default false.
	// +optional
	FilterCriticalPods bool `json:"filterCriticalPods,omitempty"`

	// Strategy is Spread or Pack. Default Spread. Pack goes with NodeResourcesFit's MostAllocated.
	Strategy Strategy `json:"strategy,omitempty"`

	// PackPercent is the share of its memory for pods, in percent, up to which a node is filled with Pack, counted in its
	// fullest hour. 1 to 100. Default 75.
	PackPercent *int32 `json:"packPercent,omitempty"`

	// Shadow makes the plugin decide and report, and change nothing. Default false.
	// +optional
	Shadow bool `json:"shadow,omitempty"`

	// Source says where memory samples come from. Default metrics.k8s.io.
	// +optional
	Source MemorySource `json:"source,omitzero"`

	// RefreshInterval is the time between two reads of the metrics source. At least 1s. Default 15s.
	// +optional
	RefreshInterval *metav1.Duration `json:"refreshInterval,omitempty"`

	// FreshFor is the age up to which a node's sample is trusted, counted from the sample's own timestamp; a node whose
	// sample is older, or missing, is judged by requests alone. At least twice RefreshInterval. Default 90s.
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

	// AssumedEvictionHard is the kubelet's memory.available hard eviction threshold where it is not known. 0 to 64Pi.
	// Default 100Mi, the kubelet's own.
	// +optional
	AssumedEvictionHard *resource.Quantity `json:"assumedEvictionHard,omitempty"`

	// Reserve is kept free above the eviction threshold by the Filter. 0 to 64Pi. Default 0.
	// +optional
	Reserve *resource.Quantity `json:"reserve,omitempty"`

	// ReservePercent is kept free too, in percent of the memory that a node has for pods; the larger of it and Reserve
	// counts. 0 to 100. Default 0.
	// +optional
	ReservePercent *int32 `json:"reservePercent,omitempty"`

	// Cooldown is the time for which a node that ran short of memory is avoided, less and less, and for which a workload is
	// kept off a node that ended one of its pods for that. 0: nothing is remembered. Default 10m.
	// +optional
	Cooldown *metav1.Duration `json:"cooldown,omitempty"`

	// MaxStallPercent is the share of time in which processes of a node may wait for memory before the node is avoided,
	// where the source tells (PSI, some, over 10 seconds). 0 to 100; 0: it is never avoided for that. Default 20.
	// +optional
	MaxStallPercent *int32 `json:"maxStallPercent,omitempty"`

	// ReadKubeletConfig makes the plugin read eviction thresholds from the kubelets' /configz, which needs the right to get
	// nodes/configz. Default false: AssumedEvictionHard counts.
	// +optional
	ReadKubeletConfig bool `json:"readKubeletConfig,omitempty"`

	// LimitPriorPercent places the expected peak of a container between its request (0) and its limit (100) as long as
	// nothing better is known. 0 to 100. Default 50.
	// +optional
	LimitPriorPercent *int32 `json:"limitPriorPercent,omitempty"`

	// DefaultContainerPeak is the expected peak of a container with neither request nor limit. 0 to 64Pi.
	// Default 200Mi, as kube-scheduler's own scoring assumes.
	// +optional
	DefaultContainerPeak *resource.Quantity `json:"defaultContainerPeak,omitempty"`

	// Checkpoint says where what was learned of workloads is kept, so that it survives the scheduler.
	// +optional
	Checkpoint ForecastCheckpoint `json:"checkpoint,omitzero"`
}

// ForecastCheckpoint says where what was learned of workloads is kept.
type ForecastCheckpoint struct {
	// Enabled lets the replica that schedules write a ConfigMap, and all replicas read it when they start. Without the right
	// to, it is learned anew after every start. Default true.
	// +optional
	Enabled *bool `json:"enabled,omitempty"`

	// Namespace of the ConfigMap. Default that of the scheduler's own pod; outside of a pod, kube-system.
	// +optional
	Namespace string `json:"namespace,omitempty"`

	// Name of the ConfigMap. Default headroom-forecast.
	// +optional
	Name string `json:"name,omitempty"`

	// Interval is the time between two writes. At least 10s. Default 5m.
	// +optional
	Interval *metav1.Duration `json:"interval,omitempty"`
}

// MemorySource says where memory samples come from.
type MemorySource struct {
	// Type is MetricsAPI, Prometheus or Kubelet. Default MetricsAPI.
	// +optional
	Type SourceType `json:"type,omitempty"`

	// Prometheus says how to ask it; required for that type.
	// +optional
	Prometheus *PrometheusSource `json:"prometheus,omitempty"`

	// Kubelet says how to connect to kubelets, as a source and for their configuration.
	// +optional
	Kubelet *KubeletSource `json:"kubelet,omitempty"`
}

// PrometheusSource says how to ask a Prometheus.
type PrometheusSource struct {
	// Address is the base URL, such as https://prometheus.monitoring:9090.
	Address string `json:"address"`

	// Nodes asks for the working set of each machine and Kubepods for that of all its pods together, both by NodeLabel; Pods
	// for that of each pod, by the labels namespace and pod. Nil: cAdvisor's metrics as the Prometheus operator stores them.
	// +optional
	Nodes *PrometheusQuery `json:"nodes,omitempty"`
	// +optional
	Kubepods *PrometheusQuery `json:"kubepods,omitempty"`
	// +optional
	Pods *PrometheusQuery `json:"pods,omitempty"`

	// NodeLabel is the label with the node's name. Empty: node, as the Prometheus operator stores it.
	// +optional
	NodeLabel string `json:"nodeLabel,omitempty"`

	// StripPort takes a port off the value of NodeLabel: where kubelets are scraped by their nodes' names, "instance" is a
	// name with a port. Under the Prometheus operator it is an address, and of no use.
	// +optional
	StripPort bool `json:"stripPort,omitempty"`

	// BearerTokenFile is read at every request; Username and PasswordFile are for basic authentication instead.
	// +optional
	BearerTokenFile string `json:"bearerTokenFile,omitempty"`
	// +optional
	Username string `json:"username,omitempty"`
	// +optional
	PasswordFile string `json:"passwordFile,omitempty"`

	// CAFile verifies the server; the system's authorities if empty. InsecureSkipVerify trusts any server.
	// +optional
	CAFile string `json:"caFile,omitempty"`
	// +optional
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`

	// History is what is read of the past when the scheduler starts.
	// +optional
	History PrometheusHistory `json:"history,omitzero"`
}

// PrometheusHistory says what is read of the past: what pods that run now held at most in each hour.
type PrometheusHistory struct {
	// Period is how far back is asked, 1h to 168h; 0: not at all. Default 72h: what was held earlier hardly counts.
	// +optional
	Period *metav1.Duration `json:"period,omitempty"`
	// Peaks is PromQL for an instant vector of the highest working set in bytes of each pod within $range, by the labels namespace
	// and pod. Empty: cAdvisor's metrics as the Prometheus operator stores them.
	// +optional
	Peaks string `json:"peaks,omitempty"`
}

// PrometheusQuery asks for working sets, twice: for their bytes, and for the times at which they were taken.
type PrometheusQuery struct {
	// Bytes is PromQL for an instant vector of bytes, one series an object.
	Bytes string `json:"bytes"`
	// Times is PromQL for an instant vector of Unix times in seconds with the same labels, such as timestamp() of the metric.
	Times string `json:"times"`
}

// KubeletSource says how to connect to kubelets. The scheduler's own credentials are used.
type KubeletSource struct {
	// CAFile verifies kubelets' serving certificates; the cluster's authority if empty. InsecureSkipVerify trusts any.
	// +optional
	CAFile string `json:"caFile,omitempty"`
	// +optional
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`

	// MaxConcurrent is how many kubelets are asked at a time. At least 1; 0 for the default.
	// +optional
	MaxConcurrent int32 `json:"maxConcurrent,omitempty"`
}
