// SPDX-License-Identifier: Apache-2.0

// Package jsonstream reads a long JSON document value by value and holds one at a time, however long the document is.
package jsonstream

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxValueBytes is the most that one value may have.
const MaxValueBytes = 1 << 20

// Reader reads one document. Its errors do not say where it is; see Offset.
type Reader struct {
	budget  *budget
	decoder *json.Decoder
}

// budget reads as much as it was given: a decoder keeps a value until it is complete.
type budget struct {
	from io.Reader
	left int
}

// Read reads within the budget.
func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("one value has more than %d bytes", MaxValueBytes)
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// New returns a reader of the document that from has.
func New(from io.Reader) *Reader {
	limited := &budget{from: from}
	return &Reader{budget: limited, decoder: json.NewDecoder(limited)}
}

// Offset is how many bytes were taken of the document.
func (r *Reader) Offset() int64 { return r.decoder.InputOffset() }

// Object reads an object. It calls field for every key, and field has to read the value.
func (r *Reader) Object(field func(key string) error) error {
	if err := r.delimiter('{'); err != nil {
		return err
	}
	for r.more() {
		key, err := r.decoder.Token()
		if err != nil {
			return err
		}
		name, ok := key.(string)
		if !ok {
			return fmt.Errorf("found %.40q, want a key", fmt.Sprint(key))
		}
		if err := field(name); err != nil {
			return err
		}
	}
	return r.delimiter('}')
}

// Array reads a list; null is an empty one. It calls element for every element, and element has to read it.
func (r *Reader) Array(element func() error) error {
	start, err := r.token()
	if err != nil || start == nil {
		return err
	}
	if start != json.Delim('[') {
		return fmt.Errorf("found %.40q, want a list", fmt.Sprint(start))
	}
	for r.more() {
		if err := element(); err != nil {
			return err
		}
	}
	return r.delimiter(']')
}

// Value reads the next value as json.Unmarshal does. After a *json.UnmarshalTypeError the value was read, and reading can
// go on.
func (r *Reader) Value(into any) error {
	r.budget.left = MaxValueBytes
	return r.decoder.Decode(into)
}

// Skip reads over the next value.
func (r *Reader) Skip() error {
	var skipped json.RawMessage
	return r.Value(&skipped)
}

// End fails if anything but white space follows.
func (r *Reader) End() error {
	switch token, err := r.token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	default:
		return fmt.Errorf("%.40q follows the end", fmt.Sprint(token))
	}
}

func (r *Reader) delimiter(want json.Delim) error {
	token, err := r.token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("found %.40q, want %q", fmt.Sprint(token), want.String())
	}
	return nil
}

func (r *Reader) token() (json.Token, error) {
	r.budget.left = MaxValueBytes
	return r.decoder.Token()
}

func (r *Reader) more() bool {
	r.budget.left = MaxValueBytes
	return r.decoder.More()
}
