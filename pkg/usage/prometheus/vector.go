// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"bytes"
	"io"
	"math"
	"strconv"

	"github.com/headroom-dev/headroom/pkg/usage/jsonstream"
)

// series is one element of a vector.
type series struct {
	Metric map[string]string
	Value  pair
}

// pair is the value of a series: the time of the query, which is not kept, and the value as a text. A histogram has none.
type pair struct {
	number float64 // NaN: it is none
	text   string  // what it was, for a refusal
}

// UnmarshalJSON reads [TIME, "VALUE"]. It takes whatever else there is for no number.
func (p *pair) UnmarshalJSON(data []byte) error {
	*p = pair{number: math.NaN()}
	_, second, ok := bytes.Cut(data, []byte(","))
	second = bytes.TrimSpace(bytes.TrimSuffix(second, []byte("]")))
	if !ok || len(second) < 2 || second[0] != '"' || second[len(second)-1] != '"' {
		return nil
	}
	text := string(second[1 : len(second)-1])
	value, err := strconv.ParseFloat(text, 64)
	if err == nil {
		p.number = value
	}
	if math.IsNaN(p.number) || p.number < 0 || math.IsInf(p.number, 0) {
		p.text = text[:min(len(text), maxTextBytes)]
	}
	return nil
}

// decodeVector hands each element of an answer to take, with NaN for a value that is no number. It holds one at a time.
// An answer that is no vector, has an error or a warning, or is not complete, is an error; then what was taken is to be
// forgotten.
func decodeVector(from io.Reader, take func(labels map[string]string, value float64, text string)) error {
	return decodeAnswer(from, "vector", func(in *jsonstream.Reader) error {
		one := series{Value: pair{number: math.NaN()}}
		if err := in.Value(&one); err != nil {
			return err
		}
		take(one.Metric, one.Value.number, one.Value.text)
		return nil
	})
}
