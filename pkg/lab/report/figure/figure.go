// SPDX-License-Identifier: Apache-2.0

// Package figure writes figures for people: bytes, shares, times and counts.
package figure

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes gives about three significant digits in the largest binary unit that keeps the figure at 1 or more.
func Bytes(bytes int64) string {
	if bytes < 0 {
		return "-" + Bytes(-max(bytes, -math.MaxInt64))
	}
	if bytes < 1024 {
		return strconv.FormatInt(bytes, 10) + " B"
	}
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	value := float64(bytes) / 1024
	unit := 0
	// 1023.5 would be printed as 1024 of the smaller unit.
	for value >= 1023.5 && unit < len(units)-1 {
		value /= 1024
		unit++
	}
	decimals := 0
	switch {
	case value < 9.995:
		decimals = 2
	case value < 99.95:
		decimals = 1
	}
	text := strconv.FormatFloat(value, 'f', decimals, 64)
	// KiB and MiB are precise enough as whole numbers when they are whole.
	if unit < 2 && strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + " " + units[unit]
}

// BytesOrUnset is Bytes for figures in which 0 means that nobody set them.
func BytesOrUnset(bytes int64) string {
	if bytes == 0 {
		return "not set"
	}
	return Bytes(bytes)
}

// Share prints a share (1 = 100%) without ever rounding up to 100% or down to 0% what is not there.
func Share(share float64) string {
	percent := share * 100
	switch {
	case percent > 0 && percent < 0.1:
		return "<0.1%"
	case percent > 0 && percent < 1, percent > 99 && percent < 100:
		return strconv.FormatFloat(math.Floor(percent*10+1e-9)/10, 'f', 1, 64) + "%"
	case percent > 100 && percent < 101:
		return strconv.FormatFloat(math.Ceil(percent*10-1e-9)/10, 'f', 1, 64) + "%"
	}
	return strconv.FormatFloat(math.Round(percent), 'f', 0, 64) + "%"
}

// Clock prints an offset as mm:ss, or h:mm:ss from an hour on, cutting off parts of a second.
func Clock(offset time.Duration) string {
	seconds := int64(offset / time.Second)
	if seconds < 3600 {
		return fmt.Sprintf("%02d:%02d", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
}

// Seconds prints a length of time for prose and tables.
func Seconds(seconds float64) string {
	if seconds < 9.95 {
		return strings.TrimSuffix(strconv.FormatFloat(seconds, 'f', 1, 64), ".0") + " s"
	}
	whole := int64(math.Round(seconds))
	switch {
	case whole < 60:
		return fmt.Sprintf("%d s", whole)
	case whole < 3600:
		return fmt.Sprintf("%d min %d s", whole/60, whole%60)
	}
	return fmt.Sprintf("%d h %d min", whole/3600, whole/60%60)
}

// Count puts a comma between groups of three digits.
func Count(count int) string {
	digits := strconv.Itoa(count)
	for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Quantity prints a count with its noun, "no" for 0. They are joined by a space that does not break.
func Quantity(count int, singular, plural string) string {
	switch count {
	case 0:
		return "no\u00a0" + plural
	case 1:
		return "1\u00a0" + singular
	}
	return Count(count) + "\u00a0" + plural
}
