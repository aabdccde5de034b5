// SPDX-License-Identifier: Apache-2.0

// Package protolist reads a list of Kubernetes' objects in protobuf, object by object, while it arrives.
package protolist

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// Magic is what every protobuf answer of Kubernetes begins with; a runtime.Unknown follows, and the list is in it.
	Magic = "k8s\x00"
	// maxMetaBytes is the most that the metadata around a list may have.
	maxMetaBytes = 64 << 10
	bufferBytes  = 64 << 10
	// maxShown is how many bytes of what was sent instead are told at most.
	maxShown = 40
)

// Field numbers of runtime.Unknown (k8s.io/apimachinery/pkg/runtime/generated.proto), of its TypeMeta, of lists (k8s.io/api/core/v1/generated.proto
// and all others) and of their metadata (k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto).
const (
	unknownTypeMeta        = 1
	unknownRaw             = 2
	unknownContentEncoding = 3
	typeMetaKind           = 2
	listMetadata           = 1
	listItems              = 2
	listMetaVersion        = 2
	listMetaContinue       = 3
)

// List is a list that was asked for as a whole.
type List struct {
	// Kind is that of the list, such as PodList.
	Kind string
	// MaxItems and MaxItemBytes are the most that it, and that one of its items may have.
	MaxItems     int
	MaxItemBytes uint64
	// Item is given each item, in a buffer that is its own until it returns. Its error ends the reading.
	Item func(message []byte) error
}

// Read reads an answer, one item at a time, and returns the list's resource version. An error names the list and the byte, and says
// what was wrong.
func (l *List) Read(from io.Reader) (version string, err error) {
	in := &reader{buffered: bufio.NewReaderSize(from, bufferBytes)}
	err = in.envelope(l)
	if errors.Is(err, io.EOF) { // between two parts of something that has to have both
		err = fmt.Errorf("the body was cut off: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return "", fmt.Errorf("decode protobuf of %s at byte %d: %w", l.Kind, in.read, err)
	}
	return in.version, nil
}

func (p *reader) envelope(l *List) error {
	start, err := p.bytes(uint64(len(Magic)))
	if err != nil {
		return err
	}
	if string(start) != Magic {
		return fmt.Errorf("it begins with %q, want %q", start, Magic)
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
			err = p.list(length, l)
		case number != skipped:
			err = p.besides(number, length, l.Kind)
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
func (p *reader) besides(number protowire.Number, length uint64, kind string) error {
	field, err := p.meta(length)
	if err != nil {
		return err
	}
	switch number {
	case unknownTypeMeta:
		got, err := FieldOf(field, typeMetaKind)
		if err != nil {
			return fmt.Errorf("type: %w", err)
		}
		if got != nil && string(got) != kind {
			return fmt.Errorf("the answer is of kind %q", got[:min(len(got), maxShown)])
		}
	case unknownContentEncoding:
		if len(field) > 0 {
			return fmt.Errorf("the list is encoded as %q", field[:min(len(field), maxShown)])
		}
	}
	return nil
}

// list reads the list, which has the given length.
func (p *reader) list(length uint64, l *List) error {
	end := p.read + length
	if end < p.read {
		return fmt.Errorf("the list claims %d bytes", length)
	}
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
			if items++; items > l.MaxItems {
				return TooMany(l.MaxItems)
			}
			if err = p.item(size, l); err != nil {
				return fmt.Errorf("item %d: %w", items, err)
			}
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

// TooMany is the error of a list with more items than that.
func TooMany(items int) error {
	return fmt.Errorf("the list has more than %d items; it was not read further", items)
}

// item reads one item of the list.
func (p *reader) item(size uint64, l *List) error {
	if size > l.MaxItemBytes {
		return fmt.Errorf("it claims %d bytes, at most %d are taken", size, l.MaxItemBytes)
	}
	message, err := p.bytes(size)
	if err != nil {
		return err
	}
	return l.Item(message)
}

// listMeta reads a field of the list that is no item. It refuses a list that is one page of several.
func (p *reader) listMeta(number protowire.Number, size uint64) error {
	field, err := p.meta(size)
	if err != nil || number != listMetadata {
		return err
	}
	more, err := FieldOf(field, listMetaContinue)
	if err != nil {
		return fmt.Errorf("metadata of the list: %w", err)
	}
	if len(more) > 0 {
		return errors.New("the server sent the first page of a list that was asked for as a whole")
	}
	version, err := FieldOf(field, listMetaVersion)
	p.version = string(version)
	return err
}
