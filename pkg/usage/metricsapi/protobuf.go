// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// magic is what every protobuf answer of Kubernetes begins with; a runtime.Unknown follows, and the list is in it.
	magic = "k8s\x00"
	// maxMetaBytes is the most that the metadata around a list may have.
	maxMetaBytes = 64 << 10
	bufferBytes  = 64 << 10
)

// Field numbers of runtime.Unknown, of its TypeMeta and of the lists.
const (
	unknownTypeMeta        = 1
	unknownRaw             = 2
	unknownContentEncoding = 3
	typeMetaKind           = 2
	listMetadata           = 1
	listItems              = 2
	listMetaContinue       = 3
)

// decodeProtobuf hands each item of the list in an answer to take. It holds one item at a time.
func decodeProtobuf(from io.Reader, kind listKind, take func(*item)) error {
	in := &protobufReader{buffered: bufio.NewReaderSize(from, bufferBytes)}
	err := in.envelope(kind, take)
	if errors.Is(err, io.EOF) { // between two parts of something that has to have both
		err = fmt.Errorf("the body was cut off: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("decode protobuf of %s at byte %d: %w", kind, in.read, err)
	}
	return nil
}

// protobufReader reads the fields of the envelope and of the list, and knows how far it is.
type protobufReader struct {
	buffered *bufio.Reader
	read     uint64
	buffer   []byte // of the field read last
}

// ReadByte is for varints.
func (p *protobufReader) ReadByte() (byte, error) {
	b, err := p.buffered.ReadByte()
	if err == nil {
		p.read++
	}
	return b, err
}

func (p *protobufReader) envelope(kind listKind, take func(*item)) error {
	start, err := p.bytes(uint64(len(magic)))
	if err != nil {
		return err
	}
	if string(start) != magic {
		return fmt.Errorf("it begins with %q, want %q", start, magic)
	}
	found := false
	for {
		if _, err := p.buffered.Peek(1); errors.Is(err, io.EOF) {
			break
		}
		number, length, err := p.next("envelope", unknownContentEncoding)
		switch {
		case err != nil:
			return err
		case number == unknownRaw && found:
			return errors.New("the envelope has two lists")
		case number == unknownRaw:
			found = true
			err = p.list(length, kind, take)
		case number != skipped:
			err = p.besides(number, length, kind)
		}
		if err != nil {
			return err
		}
	}
	if !found {
		return errors.New("the envelope has no list")
	}
	return nil
}

// besides reads a field of the envelope that is not the list. It refuses another kind than was asked for, and a list that
// is encoded in some further way.
func (p *protobufReader) besides(number protowire.Number, length uint64, kind listKind) error {
	field, err := p.meta(length)
	if err != nil {
		return err
	}
	switch number {
	case unknownTypeMeta:
		got, err := fieldOf(field, typeMetaKind)
		if err != nil {
			return fmt.Errorf("type: %w", err)
		}
		if got != nil && string(got) != string(kind) {
			return fmt.Errorf("the answer is of kind %q", got[:min(len(got), maxQuantityBytes)])
		}
	case unknownContentEncoding:
		if len(field) > 0 {
			return fmt.Errorf("the list is encoded as %q", field[:min(len(field), maxQuantityBytes)])
		}
	}
	return nil
}

// list reads the list, which has the given length.
func (p *protobufReader) list(length uint64, kind listKind, take func(*item)) error {
	end := p.read + length
	if end < p.read {
		return fmt.Errorf("the list claims %d bytes", length)
	}
	var one item
	for items := 0; p.read < end; {
		number, size, err := p.next("list", listItems)
		switch {
		case err != nil:
			return err
		case number == skipped:
			continue
		case p.read > end || size > end-p.read:
			return fmt.Errorf("field %d of the list claims %d bytes and goes beyond its end", number, size)
		case number != listItems:
			err = p.listMeta(number, size)
		default:
			if items++; items > maxItems {
				return tooMany()
			}
			if err = p.item(size, kind, &one); err != nil {
				return fmt.Errorf("item %d: %w", items, err)
			}
			take(&one)
		}
		if err != nil {
			return err
		}
	}
	if p.read > end {
		return errors.New("a field of the list goes beyond its end")
	}
	return nil
}

// item reads one item of the list.
func (p *protobufReader) item(size uint64, kind listKind, into *item) error {
	if size > maxItemBytes {
		return fmt.Errorf("it claims %d bytes, at most %d are taken", size, maxItemBytes)
	}
	message, err := p.bytes(size)
	if err != nil {
		return err
	}
	return into.unmarshal(message, kind)
}

// listMeta reads a field of the list that is no item. It refuses a list that is one page of several.
func (p *protobufReader) listMeta(number protowire.Number, size uint64) error {
	field, err := p.meta(size)
	if err != nil || number != listMetadata {
		return err
	}
	more, err := fieldOf(field, listMetaContinue)
	if err != nil {
		return fmt.Errorf("metadata of the list: %w", err)
	}
	if len(more) > 0 {
		return errors.New("the server sent the first page of a list that was asked for as a whole")
	}
	return nil
}

// fieldOf returns the last bytes field of that number in a message, or nil.
func fieldOf(message []byte, want protowire.Number) ([]byte, error) {
	var found []byte
	for len(message) > 0 {
		field, err := nextField(&message)
		if err != nil {
			return nil, err
		}
		if field.number == want && field.wireType == protowire.BytesType {
			found = field.bytes
		}
	}
	return found, nil
}
