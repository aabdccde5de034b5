// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strconv"
	"time"
)

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
