// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
)

// APIVersion is that of everything that is printed as JSON or YAML. docs/explain-output.md describes the kinds. All
// figures that end in Bytes are bytes; what is not known is missing, never zero.
const APIVersion = "headroom.dev/v1alpha1"

// Basis is what an answer rests on.
type Basis struct {
	// Profile says where the scheduler's configuration is from, and Doubt why that may be another than the one that runs.
	Profile string `json:"profile"`
	Doubt   string `json:"doubt,omitempty"`
	// Scheduler is the name of the scheduler whose decision is told.
	Scheduler string `json:"scheduler,omitempty"`
	// Samples says where measurements are from, and SamplesProblem why there are none or others than the profile wants.
	Samples        string `json:"samples"`
	SamplesProblem string `json:"samplesProblem,omitempty"`
	// Learned says what is known of what workloads held before, and Checkpoint where that is from; missing where only the last
	// sample tells.
	Learned    string      `json:"learned"`
	Checkpoint *Checkpoint `json:"checkpoint,omitempty"`
	// Thresholds says how many kubelets told their eviction thresholds, and what is assumed of the others; missing where the
	// profile does not ask them.
	Thresholds string `json:"thresholds,omitempty"`
	// Losses are what could not be read.
	Losses []cluster.Loss `json:"losses,omitempty"`
	Time   metav1.Time    `json:"time"`
}

// Note is something to know before anything else.
type Note struct {
	// Kind is a word that stays: gated, bypass, other-scheduler, not-seen, terminating, finished, nominated,
	// hostname-label, alternatives, and others.
	Kind string `json:"kind"`
	// Decides is true where this, and no node, is why the pod is where it is.
	Decides bool   `json:"decides"`
	Text    string `json:"text"`
}

// Placement is where a pod goes and why. Its kind is PodPlacement.
type Placement struct {
	metav1.TypeMeta `json:",inline"`

	Pod   PodName `json:"pod"`
	Basis Basis   `json:"basis"`
	First []Note  `json:"first,omitempty"`
	// Node is where the pod is now, "" if nowhere.
	Node string `json:"node,omitempty"`
	// Winner is where the scheduler would put it, "" if nowhere, and Ties are others that score the same: chance decides.
	Winner string   `json:"winner,omitempty"`
	Ties   []string `json:"ties,omitempty"`
	// Verdict is one sentence.
	Verdict string `json:"verdict"`
	// Fits is false where no node is feasible, or something in First keeps the pod from all of them.
	Fits   bool     `json:"fits"`
	Counts Counts   `json:"counts"`
	Memory *PodNeed `json:"memory,omitempty"`
	Why    *Why     `json:"why,omitempty"`
	// Scores has the feasible nodes, the best first, and Rejected the others by name.
	Scores   []NodeScore `json:"scores,omitempty"`
	Causes   []Cause     `json:"causes,omitempty"`
	Nearest  *Nearest    `json:"nearest,omitempty"`
	Rejected []Rejected  `json:"rejected,omitempty"`
	Plugins  PluginsRun  `json:"plugins"`
	// Message is what the scheduler itself would write, without what its plugins add after the fact.
	Message string `json:"message,omitempty"`
	// Preemption is what the scheduler does for a pod that fits nowhere; missing where the profile preempts nobody.
	Preemption *Preemption `json:"preemption,omitempty"`
	Replicas   *Replicas   `json:"replicas,omitempty"`
}

// PodName names a pod.
type PodName struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

// String is namespace/name.
func (p PodName) String() string { return p.Namespace + "/" + p.Name }

// Counts counts nodes.
type Counts struct {
	Nodes    int `json:"nodes"`
	Feasible int `json:"feasible"`
	Rejected int `json:"rejected"`
}

// PodNeed is what the pod is counted for.
type PodNeed struct {
	RequestBytes int64 `json:"requestBytes"`
	// FirmBytes is what a node must have left for it, by FirmSource, and PeakBytes what it is expected to hold at its peak, by
	// PeakSource.
	FirmBytes  int64  `json:"firmBytes"`
	FirmSource string `json:"firmSource"`
	PeakBytes  int64  `json:"peakBytes"`
	PeakSource string `json:"peakSource"`
	// Filter is what the filter may do for this pod: Hard, Soft or Off.
	Filter string `json:"filter"`
	// Degraded: too few nodes have fresh samples, and requests decide on all of them.
	Degraded bool `json:"degraded,omitempty"`
}

// PluginsRun says which plugins there are, in their order. Those of Filter that are not in Skipped judge every node: a node
// passes all that do not reject it.
type PluginsRun struct {
	Filter []string `json:"filter"`
	// Skipped have nothing to say of this pod.
	Skipped []string `json:"skipped,omitempty"`
	Score   []Weight `json:"score"`
}

// Weight is a score plugin and its weight.
type Weight struct {
	Plugin string `json:"plugin"`
	Weight int64  `json:"weight"`
}

// Why compares the winner with the runner-up.
type Why struct {
	RunnerUp string `json:"runnerUp,omitempty"`
	// By is the difference in points. Gains are the plugins that make it, the largest first.
	By    int64  `json:"by"`
	Gains []Gain `json:"gains,omitempty"`
	Text  string `json:"text"`
}

// Gain is how many points the winner has more by one plugin; negative for fewer.
type Gain struct {
	Plugin string `json:"plugin"`
	Points int64  `json:"points"`
}

// NodeScore is a feasible node's score. Scores is empty where a plugin failed, and Total then says nothing.
type NodeScore struct {
	Node   string        `json:"node"`
	Total  int64         `json:"total"`
	Scores []PluginScore `json:"scores"`
	Memory *NodeMemory   `json:"memory,omitempty"`
	// Requirements are those of the pod's node selector and affinity.
	Requirements []Requirement `json:"requirements,omitempty"`
}

// PluginScore is one plugin's part in a score: Points are Normalized times Weight, and Share its part of the total in percent.
type PluginScore struct {
	Plugin     string  `json:"plugin"`
	Raw        int64   `json:"raw"`
	Normalized int64   `json:"normalized"`
	Weight     int64   `json:"weight"`
	Points     int64   `json:"points"`
	Share      float64 `json:"share"`
}

// Cause is why nodes are rejected: of each node the first verdict counts, as the scheduler counts it.
type Cause struct {
	Plugin string `json:"plugin"`
	Reason string `json:"reason"`
	Nodes  int    `json:"nodes"`
	// Examples are at most three of them, the nearest first.
	Examples []string `json:"examples"`
	// Only is how many of them nothing else keeps out.
	Only int `json:"only"`
	// Preemption tells whether pods could be preempted for it.
	Preemption bool `json:"preemption"`
	// Missing is what the first example lacks, and Change what would let the pod in there, both in words.
	Missing string `json:"missing,omitempty"`
	Change  string `json:"change,omitempty"`
	// Detail has more about all of them, such as what they have instead.
	Detail string `json:"detail,omitempty"`
}

// Nearest is the node that lacks least.
type Nearest struct {
	Node    string   `json:"node"`
	Missing []string `json:"missing"`
	Change  []string `json:"change,omitempty"`
}

// Rejected is a node that is not feasible: the verdicts of all plugins that reject it, in their order. The one that counts is
// the first.
type Rejected struct {
	Node     string          `json:"node"`
	Verdicts []PluginVerdict `json:"verdicts"`
	// Requirements are those of the pod's node selector and affinity.
	Requirements []Requirement `json:"requirements,omitempty"`
	Memory       *NodeMemory   `json:"memory,omitempty"`
}

// PluginVerdict is one plugin's rejection.
type PluginVerdict struct {
	Plugin string `json:"plugin"`
	// Code is the framework's: Unschedulable, UnschedulableAndUnresolvable, Error.
	Code    string   `json:"code"`
	Reasons []string `json:"reasons"`
}

// Requirement is what the pod asks of a node's labels or name, and what the node has. Requirements of one Alternative must all
// be met; one alternative is enough. Those of the nodeSelector have none, and hold always.
type Requirement struct {
	Path        string `json:"path"`
	Alternative *int   `json:"alternative,omitempty"`
	Wanted      string `json:"wanted"`
	// Found is the node's value; missing where it has no such label.
	Found *string `json:"found,omitempty"`
	Met   bool    `json:"met"`
}

// NodeMemory is the memory of a node as it is counted for this pod.
type NodeMemory struct {
	// State is fresh, stale or absent: but for fresh, nothing else is known.
	State string `json:"state"`
	// ThresholdBytes is the working set at which Signal fires, or the memory ends; Origin is where that is known from.
	ThresholdBytes int64  `json:"thresholdBytes,omitempty"`
	Signal         string `json:"signal,omitempty"`
	Origin         string `json:"origin,omitempty"`
	// HeldBytes were measured, PromisedBytes are asked for by pods that the sample does not show yet.
	HeldBytes     *int64 `json:"heldBytes,omitempty"`
	PromisedBytes *int64 `json:"promisedBytes,omitempty"`
	KeptFreeBytes *int64 `json:"keptFreeBytes,omitempty"`
	// LeftBytes is left for this pod, LeftAfterBytes with it, and ExpectedLeftBytes with all pods at their peaks.
	LeftBytes         *int64 `json:"leftBytes,omitempty"`
	LeftAfterBytes    *int64 `json:"leftAfterBytes,omitempty"`
	ExpectedLeftBytes *int64 `json:"expectedLeftBytes,omitempty"`
	// FullDayPercent and FullNowPercent are how full the node would be with this pod, of its memory for pods: over the day ahead,
	// and now. That is what the score goes by.
	FullDayPercent *float64 `json:"fullDayPercent,omitempty"`
	FullNowPercent *float64 `json:"fullNowPercent,omitempty"`
	// Sample is when it was measured.
	Sample *metav1.Time `json:"sample,omitempty"`
	// Avoided is how much of the score is taken away for a shortage a moment ago, 0 to 1.
	Avoided float64 `json:"avoided,omitempty"`
	// Text is all that in one sentence.
	Text string `json:"text"`
}

// Replicas is where copies of the pod would go, one after another.
type Replicas struct {
	Wanted int `json:"wanted"`
	Placed int `json:"placed"`
	// Order has the node of each, and Nodes how many of them each node has, the most first.
	Order []string    `json:"order"`
	Nodes []NodeCount `json:"nodes"`
	// Ended says why the next one finds no node; empty where all of them do.
	Ended  string  `json:"ended,omitempty"`
	Causes []Cause `json:"causes,omitempty"`
}

// NodeCount counts pods on a node.
type NodeCount struct {
	Node string `json:"node"`
	Pods int    `json:"pods"`
}

func typeMeta(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: APIVersion, Kind: kind}
}

func stamp(t time.Time) metav1.Time { return metav1.NewTime(t.UTC().Truncate(time.Second)) }
