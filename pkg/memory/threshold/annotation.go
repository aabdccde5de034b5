// SPDX-License-Identifier: Apache-2.0

package threshold

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// EvictionHardAnnotation on a Node says what its kubelet's evictionHard memory.available is, for clusters whose kubelets
// may not be asked: a quantity such as "500Mi", a percentage such as "5%", or "none" for a kubelet that does not evict for
// memory.
const EvictionHardAnnotation = "headroom.dev/eviction-hard"

// Override returns what is known of the node's kubelet, with the threshold of the node's annotation in place of the one
// that was known; known may be nil. Without an annotation it is known itself, and with a malformed one too: the error then
// names the node, the annotation, its value and what is expected, and the caller goes on with the figure it had.
func Override(node *corev1.Node, known *Settings) (*Settings, error) {
	text, ok := node.Annotations[EvictionHardAnnotation]
	if !ok {
		return known, nil
	}
	amount, err := parseOverride(text)
	if capacity := quantity.Bytes(*node.Status.Capacity.Memory()); err == nil && capacity > 0 && amount.Bytes >= capacity {
		err = fmt.Errorf("is not less than the node's memory, %s", node.Status.Capacity.Memory())
	}
	if err != nil {
		return known, fmt.Errorf("node %q: annotation %s: %q %w; want a quantity such as 500Mi, a percentage such as 5%%, or none",
			node.Name, EvictionHardAnnotation, text, err)
	}
	settings := Settings{EnforcesPods: true}
	if known != nil {
		settings = *known
	}
	settings.EvictionHard, settings.EvictionHardOrigin = amount, OriginAnnotation
	return &settings, nil
}

func parseOverride(text string) (Amount, error) {
	if text == "none" {
		return Amount{}, nil
	}
	return parseThreshold(text)
}
