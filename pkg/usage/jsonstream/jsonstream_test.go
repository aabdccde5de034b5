// SPDX-License-Identifier: Apache-2.0

package jsonstream_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/headroom-dev/headroom/pkg/usage/jsonstream"
)

// numbers reads a document {"numbers": [...]} with anything beside it.
func numbers(from io.Reader) ([]int, error) {
	var out []int
	reader := jsonstream.New(from)
	err := reader.Object(func(key string) error {
		if key != "numbers" {
			return reader.Skip()
		}
		return reader.Array(func() error {
			var number int
			err := reader.Value(&number)
			if _, wrongType := errors.AsType[*json.UnmarshalTypeError](err); wrongType {
				number, err = -1, nil
			}
			out = append(out, number)
			return err
		})
	})
	if err == nil {
		err = reader.End()
	}
	return out, err
}

func TestDocuments(t *testing.T) {
	long := strings.Repeat("x", 2*jsonstream.MaxValueBytes)
	for _, test := range []struct {
		name, text string
		want       int    // sum of the numbers
		wantError  string // part of it
	}{
		{"good", ` {"other": {"a": [1]}, "numbers": [1, 2, 3], "more": null} `, 6, ""},
		{"an empty list", `{"numbers": []}`, 0, ""},
		{"null is an empty list", `{"numbers": null}`, 0, ""},
		{"a value of another type is one alone", `{"numbers": [1, {"a": 1}, 3]}`, 3, ""},
		{"longer than one value may be", `{"numbers": [` + strings.Repeat("1,\n\n\n\n\n\n\n", 200_000) + `1]}`, 200_001, ""},
		{"nothing", ``, 0, "EOF"},
		{"a list without a frame", `[1]`, 0, `found "[", want "{"`},
		{"no list", `{"numbers": 1}`, 0, "want a list"},
		{"cut off", `{"numbers": [1`, 0, "EOF"},
		{"more after it", `{"numbers": []} {}`, 0, "follows the end"},
		{"no comma", `{"numbers": [1 2]}`, 0, "expected comma"},
		{"a value that is too long", `{"other": "` + long, 0, "one value has more than"},
		{"a key that is too long", `{"` + long, 0, "one value has more than"},
		{"white space that is too long", strings.ReplaceAll(long, "x", " "), 0, "one value has more than"},
		{"depth that is too deep", `{"other":` + strings.Repeat("[", 100_000), 0, "exceeded max depth"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := numbers(strings.NewReader(test.text))
			if test.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantError) {
					t.Errorf("the error is %.200v, want one with %q", err, test.wantError)
				}
				return
			}
			sum := 0
			for _, number := range got {
				sum += number
			}
			if err != nil || sum != test.want {
				t.Errorf("sum %d, %v, want %d", sum, err, test.want)
			}
		})
	}
}

// How a document arrives makes no difference, and what json takes for good is read.
func FuzzDocument(f *testing.F) {
	f.Add([]byte(`{"other": {"a": [1]}, "numbers": [1, 2, 3], "more": null}`))
	f.Add([]byte(`{"numbers": [1, {"a": 1}, 3]}`))
	f.Add([]byte(`{"numbers": [`))
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, err := numbers(bytes.NewReader(text))
		pieces, errOfPieces := numbers(iotest.OneByteReader(bytes.NewReader(text)))
		if (err == nil) != (errOfPieces == nil) || len(whole) != len(pieces) {
			t.Errorf("%v, %v in one piece, %v, %v in many", whole, err, pieces, errOfPieces)
		}
		if err == nil && !json.Valid(text) {
			t.Error("it is no JSON and was read")
		}
	})
}
