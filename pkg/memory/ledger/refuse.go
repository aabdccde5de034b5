// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// Refusals are samples that cannot be true of the nodes and pods that there are, for one reason.
type Refusals struct {
	Count int
	// Of is what one of them is about: a node, which has no namespace, or a pod.
	Of types.NamespacedName
}

// Example names what one of them is about: a pod with its namespace.
func (r Refusals) Example() string {
	if r.Of.Namespace == "" {
		return r.Of.Name
	}
	return r.Of.String()
}

// refuse notes that what was measured of a node or a pod is not used.
func (b *build) refuse(reason sample.Reason, of types.NamespacedName) {
	if b.snapshot.Refused == nil {
		b.snapshot.Refused = map[sample.Reason]Refusals{}
	}
	refused := b.snapshot.Refused[reason]
	if refused.Count == 0 {
		refused.Of = of
	}
	refused.Count++
	b.snapshot.Refused[reason] = refused
}
