// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/headroom-dev/headroom/pkg/usage/jsonstream"
)

const (
	// maxSeries is the most that an answer may have: some times the 150,000 pods that Kubernetes supports.
	maxSeries = 1_000_000
	// maxTextBytes is how much of a text of the server an error repeats.
	maxTextBytes = 200
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
	in := &vectorReader{Reader: jsonstream.New(from), take: take}
	err := in.Object(in.field)
	if err == nil {
		err = in.End()
	}
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the body was cut off: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return fmt.Errorf("decode the answer at byte %d: %w", in.Offset(), err)
	}
	return in.verdict()
}

type vectorReader struct {
	*jsonstream.Reader
	take func(labels map[string]string, value float64, text string)

	status, problem, resultType string
	warnings                    []string
	found                       bool
	count                       int
}

func (v *vectorReader) field(key string) error {
	switch key {
	case "status":
		return v.Value(&v.status)
	case "error":
		return v.Value(&v.problem)
	case "warnings":
		return v.Value(&v.warnings)
	case "data":
		return v.Object(v.data)
	default:
		return v.Skip()
	}
}

func (v *vectorReader) data(key string) error {
	switch key {
	case "resultType":
		if err := v.Value(&v.resultType); err != nil {
			return err
		}
		if v.resultType != "vector" {
			return fmt.Errorf("the query gives a %.20q, want an instant vector", v.resultType)
		}
		return nil
	case "result":
		v.found = true
		return v.Array(v.element)
	default:
		return v.Skip()
	}
}

func (v *vectorReader) element() error {
	if v.count++; v.count > maxSeries {
		return fmt.Errorf("the answer has more than %d series; it was not read further", maxSeries)
	}
	one := series{Value: pair{number: math.NaN()}}
	if err := v.Value(&one); err != nil {
		return fmt.Errorf("series %d: %w", v.count, err)
	}
	v.take(one.Metric, one.Value.number, one.Value.text)
	return nil
}

// verdict judges the answer as a whole, once it was read.
func (v *vectorReader) verdict() error {
	switch {
	case v.status != "success":
		return fmt.Errorf("the status of the answer is %.20q: %q", v.status, v.problem[:min(len(v.problem), maxTextBytes)])
	case !v.found || v.resultType == "":
		return errors.New("the answer has no result")
	case len(v.warnings) > 0:
		return fmt.Errorf("the server warns (%q): part of the answer may be missing", v.warnings[0][:min(len(v.warnings[0]), maxTextBytes)])
	}
	return nil
}
