// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strconv"
	"strings"
	"time"
)

// Bytes writes bytes to one digit after the point, in the largest unit that gives at least 1, such as 1.5Gi.
func Bytes(bytes int64) string {
	if bytes < 0 {
		return "-" + Bytes(-bytes)
	}
	for _, unit := range []struct {
		name string
		size int64
	}{{"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}} {
		if bytes >= unit.size {
			return strings.TrimSuffix(strconv.FormatFloat(float64(bytes)/float64(unit.size), 'f', 1, 64), ".0") + unit.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}

// Age writes a time span as kubectl does its ages, in seconds, minutes, hours or days.
func Age(age time.Duration) string {
	switch seconds := int64(max(age, 0).Seconds()); {
	case seconds < 120:
		return strconv.FormatInt(seconds, 10) + "s"
	case seconds < 2*3600:
		return strconv.FormatInt(seconds/60, 10) + "m"
	case seconds < 48*3600:
		return strconv.FormatInt(seconds/3600, 10) + "h"
	default:
		return strconv.FormatInt(seconds/86400, 10) + "d"
	}
}
