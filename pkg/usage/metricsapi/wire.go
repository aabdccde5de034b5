// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a message that is in memory.
type field struct {
	number   protowire.Number
	wireType protowire.Type
	varint   uint64
	bytes    []byte
}

// nextField takes the first field off a message that is not empty.
func nextField(message *[]byte) (field, error) {
	var f field
	var n int
	if f.number, f.wireType, n = protowire.ConsumeTag(*message); n < 0 {
		return f, protowire.ParseError(n)
	}
	rest := (*message)[n:]
	switch f.wireType {
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(rest)
	case protowire.VarintType:
		f.varint, n = protowire.ConsumeVarint(rest)
	default:
		n = protowire.ConsumeFieldValue(f.number, f.wireType, rest)
	}
	if n < 0 {
		return f, fmt.Errorf("field %d: %w", f.number, protowire.ParseError(n))
	}
	*message = rest[n:]
	return f, nil
}
