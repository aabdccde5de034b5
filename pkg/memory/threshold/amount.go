// SPDX-License-Identifier: Apache-2.0

package threshold

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// Amount is a threshold as a kubelet's configuration writes it: an absolute quantity, or a share of what its signal
// measures. The zero value is no threshold at all.
type Amount struct {
	// Bytes is the absolute quantity, 0 for a share. Not negative.
	Bytes int64
	// Fraction is the share, 0 to 1. The kubelet keeps it with this precision
	// (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:432-438).
	Fraction float32
}

// None reports whether there is no threshold.
func (a Amount) None() bool { return a == Amount{} }

// Of returns the amount in bytes for a signal that measures capacity bytes in all, rounded as the kubelet rounds it
// (k8s.io/kubernetes pkg/kubelet/eviction/api/types.go, GetThresholdQuantity). A quantity may be more than
// capacity: such a threshold is met by what is not used at all.
func (a Amount) Of(capacity int64) int64 {
	if a.Bytes > 0 {
		return a.Bytes
	}
	return int64(min(float64(capacity)*float64(a.Fraction), float64(quantity.Largest)))
}

// String returns the amount as the configuration would write it, or "none".
func (a Amount) String() string {
	switch {
	case a.Bytes > 0:
		return resource.NewQuantity(a.Bytes, resource.BinarySI).String()
	case a.Fraction > 0:
		return strconv.FormatFloat(float64(a.Fraction)*100, 'g', 6, 32) + "%"
	default:
		return "none"
	}
}

var (
	errNotAnAmount = errors.New("is neither a quantity such as 500Mi nor a percentage such as 5%")
	errNegative    = errors.New("is negative")
	errZero        = errors.New("is zero: 0% is how a threshold is switched off")
	errTooMuch     = errors.New("is more than 100%")
)

// parseThreshold reads a threshold by the kubelet's rules (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:383-429): 0%
// and 100% switch it off. What is no number is refused here; the kubelet takes NaN% and does with it what the machine does.
func parseThreshold(text string) (Amount, error) {
	if strings.HasSuffix(text, "%") {
		if text == "0%" || text == "100%" {
			return Amount{}, nil
		}
		fraction, err := parsePercentage(text)
		switch {
		case err != nil:
			return Amount{}, err
		case fraction > 1:
			return Amount{}, errTooMuch
		}
		return Amount{Fraction: fraction}, nil
	}
	bytes, err := parseQuantity(text)
	if err == nil && bytes == 0 {
		return Amount{}, errZero
	}
	return Amount{Bytes: bytes}, err
}

// parseMinimumReclaim reads an evictionMinimumReclaim (k8s.io/kubernetes pkg/kubelet/eviction/helpers.go:458-495). It may be
// more than 100%, and a quantity may be 0.
func parseMinimumReclaim(text string) (Amount, error) {
	if strings.HasSuffix(text, "%") {
		fraction, err := parsePercentage(text)
		if err == nil && fraction == 0 {
			return Amount{}, errZero
		}
		return Amount{Fraction: fraction}, err
	}
	bytes, err := parseQuantity(text)
	return Amount{Bytes: bytes}, err
}

func parsePercentage(text string) (float32, error) {
	value, err := strconv.ParseFloat(strings.TrimRight(text, "%"), 32)
	switch {
	case err != nil || math.IsNaN(value) || math.IsInf(value, 0):
		return 0, errNotAnAmount
	case value < 0:
		return 0, errNegative
	}
	return float32(value) / 100, nil
}

// parseQuantity rounds up to whole bytes: fewer than that many are available exactly when fewer than the fraction are.
func parseQuantity(text string) (int64, error) {
	bytes, err := quantity.Parse(text)
	switch {
	case errors.Is(err, quantity.ErrNegative):
		return 0, errNegative
	case err != nil:
		return 0, errNotAnAmount
	}
	return bytes, nil
}
