// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"fmt"
	"math"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const (
	// maxItemBytes is the most that one node or pod may have: thousands of containers fit.
	maxItemBytes = 1 << 20
	// maxItems is the most that a list may have: some times the 150,000 pods that Kubernetes supports.
	maxItems = 1_000_000
)

// listKind is which list is decoded.
type listKind string

const (
	nodeList listKind = "NodeMetricsList"
	podList  listKind = "PodMetricsList"
)

// item is what is taken of one NodeMetrics or PodMetrics. Its bytes are valid until the next item is decoded.
type item struct {
	namespace, name []byte
	taken           time.Time // zero: not said
	bytes           int64
	parts           int // usages seen: one of a node, one a container of a pod
	// reason why bytes mean nothing, with the detail; "": they are good.
	reason sample.Reason
	detail string
}

func (i *item) measurement() sample.Measurement {
	return sample.Measurement{Bytes: i.bytes, Time: i.taken}
}

// add adds one usage, known by its quantity; nil: it has no memory.
func (i *item) add(quantity []byte) {
	i.parts++
	if len(quantity) == 0 {
		i.refuse(sample.ReasonIncomplete, fmt.Sprintf("the usage number %d has no memory", i.parts))
		return
	}
	bytes, reason := parseQuantity(quantity)
	if reason == "" && bytes > math.MaxInt64-i.bytes {
		reason = sample.ReasonNotANumber
	}
	if reason != "" {
		i.refuse(reason, fmt.Sprintf("memory %q", quantity[:min(len(quantity), maxQuantityBytes)]))
		return
	}
	i.bytes += bytes
}

// end judges the item as a whole.
func (i *item) end() {
	if i.parts == 0 {
		i.refuse(sample.ReasonIncomplete, "no usage at all")
	}
}

// refuse keeps the first reason.
func (i *item) refuse(reason sample.Reason, detail string) {
	if i.reason == "" {
		i.reason, i.detail = reason, detail
	}
}
