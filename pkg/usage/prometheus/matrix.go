// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/headroom-dev/headroom/pkg/usage/jsonstream"
)

// maxPoints is the most that a series of a range may have; Prometheus itself refuses more.
const maxPoints = 11_000

// row is one element of a matrix. A series of histograms has no values.
type row struct {
	Metric map[string]string
	Values []timed
}

// timed is a value with the time it stands for.
type timed struct {
	seconds float64
	pair
}

// UnmarshalJSON reads [TIME, "VALUE"].
func (t *timed) UnmarshalJSON(data []byte) error {
	t.seconds = math.NaN()
	var parts []json.RawMessage
	if err := json.Unmarshal(data, &parts); err != nil {
		return err
	}
	if len(parts) == 2 {
		if err := json.Unmarshal(parts[0], &t.seconds); err != nil {
			t.seconds = math.NaN()
		}
	}
	return t.pair.UnmarshalJSON(data)
}

// decodeMatrix hands each element of an answer to take, as decodeVector does.
func decodeMatrix(from io.Reader, take func(labels map[string]string, values []timed)) error {
	return decodeAnswer(from, "matrix", func(in *jsonstream.Reader) error {
		var one row
		if err := in.Value(&one); err != nil {
			return err
		}
		if len(one.Values) > maxPoints {
			return fmt.Errorf("it has %d values, want at most %d", len(one.Values), maxPoints)
		}
		take(one.Metric, one.Values)
		return nil
	})
}
