// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/jsonstream"
	"github.com/headroom-dev/headroom/pkg/usage/protolist"
)

// decodeJSON hands each item of the list in an answer to take. It holds one item at a time.
func decodeJSON(from io.Reader, kind listKind, take func(*item)) error {
	in := jsonReader{jsonstream.New(from)}
	err := in.list(kind, take)
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the body was cut off: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("decode JSON of %s at byte %d: %w", kind, in.Offset(), err)
	}
	return nil
}

type jsonReader struct{ *jsonstream.Reader }

func (j jsonReader) list(kind listKind, take func(*item)) error {
	found := false
	err := j.Object(func(key string) error {
		switch key {
		case "kind":
			var got string
			if err := j.Value(&got); err != nil {
				return fmt.Errorf("kind: %w", err)
			}
			if got != string(kind) {
				return fmt.Errorf("the answer is of kind %.40q", got)
			}
		case "metadata":
			var metadata struct{ Continue string }
			if err := j.Value(&metadata); err != nil {
				return fmt.Errorf("metadata: %w", err)
			}
			if metadata.Continue != "" {
				return errors.New("the server sent the first page of a list that was asked for as a whole")
			}
		case "items":
			found = true
			return j.items(kind, take)
		default:
			return j.Skip()
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return errors.New("the answer has no items")
	}
	return j.End()
}

func (j jsonReader) items(kind listKind, take func(*item)) error {
	items := 0
	return j.Array(func() error {
		if items++; items > maxItems {
			return protolist.TooMany(maxItems)
		}
		var message metrics
		var wrongType *json.UnmarshalTypeError
		// A field of another type spoils the item, not the list.
		err := j.Value(&message)
		if err != nil && !errors.As(err, &wrongType) {
			return fmt.Errorf("item %d: %w", items, err)
		}
		one := message.item(kind)
		if wrongType != nil {
			one.refuse(sample.ReasonNotANumber, wrongType.Error())
		}
		take(one)
		return nil
	})
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
