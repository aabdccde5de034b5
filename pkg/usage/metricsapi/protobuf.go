// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"io"

	"github.com/headroom-dev/headroom/pkg/usage/protolist"
)

// decodeProtobuf hands each item of the list in an answer to take. It holds one item at a time.
func decodeProtobuf(from io.Reader, kind listKind, take func(*item)) error {
	var one item
	list := protolist.List{Kind: string(kind), MaxItems: maxItems, MaxItemBytes: maxItemBytes, Item: func(message []byte) error {
		if err := one.unmarshal(message, kind); err != nil {
			return err
		}
		take(&one)
		return nil
	}}
	_, err := list.Read(from)
	return err
}
