// SPDX-License-Identifier: Apache-2.0

// Package quantity reads quantities of bytes that anybody may have written, such as those of annotations, and writes them for people.
package quantity

import (
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Largest is more memory than any machine has, in bytes: figures up to it add up without overflow.
const Largest = int64(1) << 56

// What may be wrong with a quantity.
var (
	ErrSyntax   = errors.New("is no quantity of bytes, such as 500Mi")
	ErrNegative = errors.New("is negative")
)

const (
	// longestText is more than any quantity needs that says something.
	longestText = 64
	// longestExponent has two digits: 1e30 is more than any machine has, and 1e9999999 takes minutes to read.
	longestExponent = 2
)

// Parse returns the quantity in whole bytes, rounded up, and Largest for what is larger. The error is ErrSyntax or
// ErrNegative.
func Parse(text string) (int64, error) {
	if len(text) > longestText {
		return 0, ErrSyntax
	}
	if i := strings.IndexAny(text, "eE"); i >= 0 && len(strings.TrimLeft(text[i+1:], "+-0")) > longestExponent {
		return 0, ErrSyntax
	}
	quantity, err := resource.ParseQuantity(text)
	switch {
	case err != nil:
		return 0, ErrSyntax
	case quantity.Sign() < 0:
		return 0, ErrNegative
	}
	return Bytes(quantity), nil
}

// Bytes returns the quantity in whole bytes, and Largest for what is larger: beyond an int64, Value overflows.
func Bytes(quantity resource.Quantity) int64 {
	if quantity.CmpInt64(Largest) > 0 {
		return Largest
	}
	return quantity.Value()
}
