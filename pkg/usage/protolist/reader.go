// SPDX-License-Identifier: Apache-2.0

package protolist

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// reader reads the fields of the envelope and of the list, and knows how far it is.
type reader struct {
	buffered *bufio.Reader
	read     uint64
	buffer   []byte // of the field read last
	version  string // of the list
}

// ReadByte is for varints.
func (p *reader) ReadByte() (byte, error) {
	b, err := p.buffered.ReadByte()
	if err == nil {
		p.read++
	}
	return b, err
}

// skipped is the number that next returns for a field that it has read over.
const skipped protowire.Number = 0

// next reads the number and the length of the next bytes field of a message, what. It reads over a field of another wire
// type; those with numbers up to highest have none.
func (p *reader) next(what string, highest protowire.Number) (protowire.Number, uint64, error) {
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
func (p *reader) tag() (protowire.Number, protowire.Type, error) {
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
func (p *reader) varint() (uint64, error) {
	value, err := binary.ReadUvarint(p)
	if err != nil {
		return 0, fmt.Errorf("varint: %w", err)
	}
	return value, nil
}

// bytes reads the next length bytes; they are valid until the next call.
func (p *reader) bytes(length uint64) ([]byte, error) {
	p.buffer = slices.Grow(p.buffer[:0], int(length))[:length]
	n, err := io.ReadFull(p.buffered, p.buffer)
	p.read += uint64(n)
	return p.buffer, err
}

// meta reads a field that is small in every good answer.
func (p *reader) meta(length uint64) ([]byte, error) {
	if length > maxMetaBytes {
		return nil, fmt.Errorf("a field of metadata claims %d bytes, at most %d are taken", length, maxMetaBytes)
	}
	return p.bytes(length)
}

// skip reads over a field that is not known to us and is no bytes field.
func (p *reader) skip(number protowire.Number, wireType protowire.Type) error {
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

// FieldOf returns the last bytes field of that number in a message that is in memory, or nil.
func FieldOf(message []byte, want protowire.Number) (found []byte, err error) {
	for len(message) > 0 {
		number, wireType, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(number, wireType, message[tag:])
		if size < 0 {
			return nil, fmt.Errorf("field %d: %w", number, protowire.ParseError(size))
		}
		if number == want && wireType == protowire.BytesType {
			found, _ = protowire.ConsumeBytes(message[tag:])
		}
		message = message[tag+size:]
	}
	return found, nil
}
