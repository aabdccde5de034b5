// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// decodeJSON hands each item of the list in an answer to take. It holds one item at a time.
func decodeJSON(from io.Reader, kind listKind, take func(*item)) error {
	budget := &budgetReader{from: from}
	in := &jsonReader{budget: budget, decoder: json.NewDecoder(budget)}
	err := in.list(kind, take)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the body was cut off: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("decode JSON of %s at byte %d: %w", kind, in.decoder.InputOffset(), err)
	}
	return nil
}

// budgetReader reads as much as it was given: a decoder keeps a value until it is complete, however long it is.
type budgetReader struct {
	from io.Reader
	left int
}

// Read reads within the budget.
func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("one value has more than %d bytes", maxItemBytes)
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

type jsonReader struct {
	budget  *budgetReader
	decoder *json.Decoder
}

// token reads the next token and fails if it is not the delimiter wanted.
func (j *jsonReader) delimiter(want json.Delim) error {
	j.budget.left = maxItemBytes
	token, err := j.decoder.Token()
	if err != nil {
		return err
	}
	if token != want {
		return fmt.Errorf("found %.40q, want %q", fmt.Sprint(token), want.String())
	}
	return nil
}

func (j *jsonReader) value(into any) error {
	j.budget.left = maxItemBytes
	return j.decoder.Decode(into)
}

func (j *jsonReader) list(kind listKind, take func(*item)) error {
	if err := j.delimiter('{'); err != nil {
		return err
	}
	found := false
	for j.more() {
		key, err := j.decoder.Token()
		if err != nil {
			return err
		}
		switch key {
		case "kind":
			var got string
			if err := j.value(&got); err != nil {
				return fmt.Errorf("kind: %w", err)
			}
			if got != string(kind) {
				return fmt.Errorf("the answer is of kind %.40q", got)
			}
		case "metadata":
			var metadata struct{ Continue string }
			if err := j.value(&metadata); err != nil {
				return fmt.Errorf("metadata: %w", err)
			}
			if metadata.Continue != "" {
				return errors.New("the server sent the first page of a list that was asked for as a whole")
			}
		case "items":
			found = true
			if err := j.items(kind, take); err != nil {
				return err
			}
		default:
			var skipped json.RawMessage
			if err := j.value(&skipped); err != nil {
				return err
			}
		}
	}
	if err := j.delimiter('}'); err != nil {
		return err
	}
	if !found {
		return errors.New("the answer has no items")
	}
	j.budget.left = maxItemBytes
	if _, err := j.decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the list")
	}
	return nil
}

func (j *jsonReader) more() bool {
	j.budget.left = maxItemBytes
	return j.decoder.More()
}

func (j *jsonReader) items(kind listKind, take func(*item)) error {
	j.budget.left = maxItemBytes
	start, err := j.decoder.Token()
	if err != nil {
		return err
	}
	if start == nil { // null is how an empty list may be written
		return nil
	}
	if start != json.Delim('[') {
		return fmt.Errorf("items are %.40q, want a list", fmt.Sprint(start))
	}
	for items := 0; j.more(); {
		if items++; items > maxItems {
			return tooMany()
		}
		var message metrics
		var wrongType *json.UnmarshalTypeError
		// A field of another type spoils the item, not the list.
		err := j.value(&message)
		if err != nil && !errors.As(err, &wrongType) {
			return fmt.Errorf("item %d: %w", items, err)
		}
		one := message.item(kind)
		if wrongType != nil {
			one.refuse(sample.ReasonNotANumber, wrongType.Error())
		}
		take(one)
	}
	return j.delimiter(']')
}

// metrics is what is taken of the JSON of a NodeMetrics or a PodMetrics.
type metrics struct {
	Metadata   struct{ Name, Namespace string }
	Timestamp  string
	Usage      *resources
	Containers []struct{ Usage resources }
}

// resources are those of a usage. A quantity may be written as a text or as a number.
type resources struct{ Memory json.RawMessage }

func (r *resources) quantity() []byte {
	text := []byte(r.Memory)
	if len(text) >= 2 && text[0] == '"' {
		return text[1 : len(text)-1]
	}
	if string(text) == "null" {
		return nil
	}
	return text
}

func (m *metrics) item(kind listKind) *item {
	one := &item{namespace: []byte(m.Metadata.Namespace), name: []byte(m.Metadata.Name)}
	if taken, err := time.Parse(time.RFC3339, m.Timestamp); err == nil {
		one.taken = taken
	}
	if kind == nodeList && m.Usage != nil {
		one.add(m.Usage.quantity())
	}
	if kind == podList {
		for i := range m.Containers {
			one.add(m.Containers[i].Usage.quantity())
		}
	}
	one.end()
	return one
}
