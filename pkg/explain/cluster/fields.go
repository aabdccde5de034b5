// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// fields are those of a message in protobuf that arrives.
type fields struct {
	from *bufio.Reader
	// left is how many bytes are still to come, or untilItEnds.
	left   int64
	buffer bytes.Buffer
}

// untilItEnds is the size of a message that ends with what it is read from.
const untilItEnds = -1

// arrivingFields are those of a message of so many bytes.
func arrivingFields(from *bufio.Reader, size int64) *fields { return &fields{from: from, left: size} }

// next returns the number of the next field that holds bytes, and how many: they are to be taken, skipped or read as fields before the one
// after it. Other fields, of which there are none here, are passed over. io.EOF: there is no more.
func (f *fields) next() (number protowire.Number, size int64, err error) {
	for {
		if f.left == 0 {
			return 0, 0, io.EOF
		}
		if _, err := f.from.Peek(1); err != nil && f.left == untilItEnds {
			return 0, 0, err
		}
		tag, err := f.varint()
		if err != nil {
			return 0, 0, err
		}
		number, kind := protowire.DecodeTag(tag)
		if number < protowire.MinValidNumber {
			return 0, 0, fmt.Errorf("protobuf: a field has the number %d", number)
		}
		switch kind {
		case protowire.BytesType:
			size, err := f.varint()
			if err == nil {
				err = f.spend(size)
			}
			return number, int64(size), err
		case protowire.VarintType:
			_, err = f.varint()
		case protowire.Fixed32Type:
			err = f.pass(4)
		case protowire.Fixed64Type:
			err = f.pass(8)
		default:
			err = fmt.Errorf("protobuf: field %d has the wire type %d", number, kind)
		}
		if err != nil {
			return 0, 0, err
		}
	}
}

// varint reads a number.
func (f *fields) varint() (uint64, error) {
	var read [10]byte // as long as they get
	for i := range read {
		if err := f.spend(1); err != nil {
			return 0, err
		}
		next, err := f.from.ReadByte()
		if err != nil {
			return 0, unexpected(err)
		}
		if read[i] = next; next < 0x80 {
			value, size := protowire.ConsumeVarint(read[:i+1])
			return value, protowire.ParseError(min(size, 0))
		}
	}
	return 0, errors.New("protobuf: a number is too long")
}

// spend takes bytes off what is left.
func (f *fields) spend(bytes uint64) error {
	switch {
	case f.left == untilItEnds:
		if bytes > 1<<62 {
			return io.ErrUnexpectedEOF
		}
	case bytes > uint64(f.left):
		return io.ErrUnexpectedEOF
	default:
		f.left -= int64(bytes)
	}
	return nil
}

// pass passes over what a field holds that next does not return.
func (f *fields) pass(bytes int64) error {
	if err := f.spend(uint64(bytes)); err != nil {
		return err
	}
	return f.skip(bytes)
}

// skip passes over what the field holds that next returned last.
func (f *fields) skip(size int64) error {
	_, err := io.CopyN(io.Discard, f.from, size)
	return unexpected(err)
}

// take returns what the field holds that next returned last; it is good until the next call.
func (f *fields) take(size int64) ([]byte, error) {
	if size > largestObject {
		return nil, fmt.Errorf("protobuf: an object of %d bytes, want %d at most", size, largestObject)
	}
	f.buffer.Reset()
	_, err := io.CopyN(&f.buffer, f.from, size) // which takes no more memory than there is to fill it
	return f.buffer.Bytes(), unexpected(err)
}

// unexpected makes an end an error: there was more to come.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
