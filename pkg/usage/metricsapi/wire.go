// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// skipped is the number that next returns for a field that it has read over.
const skipped protowire.Number = 0

// next reads the number and the length of the next bytes field of a message, what. It reads over a field of another wire
// type; those with numbers up to highest have none.
func (p *protobufReader) next(what string, highest protowire.Number) (protowire.Number, uint64, error) {
	number, wireType, err := p.tag()
	switch {
	case err != nil:
		return 0, 0, err
	case wireType == protowire.BytesType:
		length, err := p.varint()
		return number, length, err
	case number <= highest:
		return 0, 0, fmt.Errorf("field %d of the %s is of wire type %d, want bytes", number, what, wireType)
	}
	return skipped, 0, p.skip(number, wireType)
}

// tag reads the number and the wire type of the next field.
func (p *protobufReader) tag() (protowire.Number, protowire.Type, error) {
	value, err := p.varint()
	if err != nil {
		return 0, 0, err
	}
	number, wireType := protowire.DecodeTag(value)
	if number < protowire.MinValidNumber {
		return 0, 0, fmt.Errorf("no field has the tag %d", value)
	}
	return number, wireType, nil
}

// varint reads a number of at most ten bytes.
func (p *protobufReader) varint() (uint64, error) {
	value, err := binary.ReadUvarint(p)
	if err != nil {
		return 0, fmt.Errorf("varint: %w", err)
	}
	return value, nil
}

// bytes reads the next length bytes; they are valid until the next call.
func (p *protobufReader) bytes(length uint64) ([]byte, error) {
	p.buffer = slices.Grow(p.buffer[:0], int(length))[:length]
	n, err := io.ReadFull(p.buffered, p.buffer)
	p.read += uint64(n)
	return p.buffer, err
}

// meta reads a field that is small in every good answer.
func (p *protobufReader) meta(length uint64) ([]byte, error) {
	if length > maxMetaBytes {
		return nil, fmt.Errorf("a field of metadata claims %d bytes, at most %d are taken", length, maxMetaBytes)
	}
	return p.bytes(length)
}

// skip reads over a field that is not known to us and is no bytes field.
func (p *protobufReader) skip(number protowire.Number, wireType protowire.Type) error {
	var err error
	switch wireType {
	case protowire.VarintType:
		_, err = p.varint()
	case protowire.Fixed32Type:
		_, err = p.bytes(4)
	case protowire.Fixed64Type:
		_, err = p.bytes(8)
	default:
		err = fmt.Errorf("field %d is of wire type %d, which no answer of Kubernetes has", number, wireType)
	}
	return err
}

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
