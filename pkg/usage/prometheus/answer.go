// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"errors"
	"fmt"
	"io"

	"github.com/headroom-dev/headroom/pkg/usage/jsonstream"
)

const (
	// maxSeries is the most that an answer may have: some times the 150,000 pods that Kubernetes supports.
	maxSeries = 1_000_000
	// maxTextBytes is how much of a text of the server an error repeats.
	maxTextBytes = 200
)

// decodeAnswer reads an answer whose result is of the wanted type, and has element read each of its elements. An answer of
// another type, with an error or a warning, or that is not complete or says so itself, is an error.
func decodeAnswer(from io.Reader, want string, element func(*jsonstream.Reader) error) error {
	in := &answerReader{Reader: jsonstream.New(from), want: want, read: element}
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

type answerReader struct {
	*jsonstream.Reader
	want string // the type of the result
	read func(*jsonstream.Reader) error

	status, problem, resultType string
	warnings                    []string
	partial                     bool
	found                       bool
	count                       int
}

func (a *answerReader) field(key string) error {
	switch key {
	case "status":
		return a.Value(&a.status)
	case "error":
		return a.Value(&a.problem)
	case "warnings":
		return a.Value(&a.warnings)
	case "isPartial": // VictoriaMetrics, where Thanos warns
		return a.Value(&a.partial)
	case "data":
		return a.Object(a.data)
	default:
		return a.Skip()
	}
}

func (a *answerReader) data(key string) error {
	switch key {
	case "resultType":
		if err := a.Value(&a.resultType); err != nil {
			return err
		}
		if a.resultType != a.want {
			return fmt.Errorf("the query gives a %.20q, want a %s", a.resultType, a.want)
		}
		return nil
	case "result":
		a.found = true
		return a.Array(a.element)
	default:
		return a.Skip()
	}
}

func (a *answerReader) element() error {
	if a.count++; a.count > maxSeries {
		return fmt.Errorf("the answer has more than %d series; it was not read further", maxSeries)
	}
	if err := a.read(a.Reader); err != nil {
		return fmt.Errorf("series %d: %w", a.count, err)
	}
	return nil
}

// verdict judges the answer as a whole, once it was read.
func (a *answerReader) verdict() error {
	switch {
	case a.status != "success":
		return fmt.Errorf("the status of the answer is %.20q: %q", a.status, a.problem[:min(len(a.problem), maxTextBytes)])
	case !a.found || a.resultType == "":
		return errors.New("the answer has no result")
	case len(a.warnings) > 0:
		return fmt.Errorf("the server warns (%q): part of the answer may be missing", a.warnings[0][:min(len(a.warnings[0]), maxTextBytes)])
	case a.partial:
		return errors.New("the server says that the answer is partial (isPartial): part of its storage did not answer")
	}
	return nil
}
