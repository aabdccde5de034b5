// SPDX-License-Identifier: Apache-2.0

package quantity_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text string
		want int64
		err  error
	}{
		{"500Mi", 500 << 20, nil},
		{"1.5Gi", 3 << 29, nil},
		{"0", 0, nil},
		{"0.1", 1, nil},
		{"1e3", 1000, nil},
		{"1E", 1e18, nil}, // exa, which is more than there is
		{"1e30", quantity.Largest, nil},
		{"1e+012", 1e12, nil},
		{"1e9999999", 0, quantity.ErrSyntax},
		{"1E+00000000000000000000000000999", 0, quantity.ErrSyntax},
		{strings.Repeat("9", 1000), 0, quantity.ErrSyntax},
		{"-1", 0, quantity.ErrNegative},
		{"", 0, quantity.ErrSyntax},
		{"a lot", 0, quantity.ErrSyntax},
		{"5%", 0, quantity.ErrSyntax},
	} {
		want := min(test.want, quantity.Largest)
		if got, err := quantity.Parse(test.text); got != want || !errors.Is(err, test.err) {
			t.Errorf("%.20q = %d, %v, want %d, %v", test.text, got, err, want, test.err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"1Gi", "-1", "1e30", "0.5", "", "1.5Mi", "Mi", "1e9999999", "1E"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		bytes, err := quantity.Parse(text)
		if bytes < 0 || bytes > quantity.Largest || (err != nil && bytes != 0) {
			t.Fatalf("%q = %d, %v", text, bytes, err)
		}
	})
}
