// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"bytes"
	"math"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

const (
	// maxQuantityBytes is the longest quantity that is read: an int64 with a decimal part has less.
	maxQuantityBytes = 40
	// maxExponentBytes is the longest decimal exponent, without its "e": numbers beyond an int64 are refused anyway, and
	// to compute 10 to the power of a billion takes all memory there is.
	maxExponentBytes = 3
)

// parseQuantity returns a quantity of bytes, rounded up, or the reason why it is none.
func parseQuantity(text []byte) (int64, sample.Reason) {
	if value, ok := parsePlain(text); ok {
		return value, ""
	}
	if len(text) > maxQuantityBytes {
		return 0, sample.ReasonNotANumber
	}
	if e := bytes.IndexAny(text, "eE"); e >= 0 && len(text)-e-1 > maxExponentBytes {
		return 0, sample.ReasonNotANumber
	}
	quantity, err := resource.ParseQuantity(string(text))
	switch {
	case err != nil:
		return 0, sample.ReasonNotANumber
	case quantity.Sign() < 0:
		return 0, sample.ReasonNegative
	case quantity.CmpInt64(math.MaxInt64) >= 0: // what is larger is capped there
		return 0, sample.ReasonNotANumber
	}
	return quantity.Value(), ""
}

// parsePlain reads what servers send nearly always, digits and a binary suffix, without taking memory.
func parsePlain(text []byte) (int64, bool) {
	var value int64
	i := 0
	for ; i < len(text) && text[i] >= '0' && text[i] <= '9'; i++ {
		if value > (math.MaxInt64-9)/10 {
			return 0, false
		}
		value = value*10 + int64(text[i]-'0')
	}
	if i == 0 {
		return 0, false
	}
	var shift uint
	switch string(text[i:]) {
	case "":
	case "Ki":
		shift = 10
	case "Mi":
		shift = 20
	case "Gi":
		shift = 30
	case "Ti":
		shift = 40
	default:
		return 0, false
	}
	if value > math.MaxInt64>>shift {
		return 0, false
	}
	return value << shift, true
}
