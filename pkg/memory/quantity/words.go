// SPDX-License-Identifier: Apache-2.0

package quantity

import (
	"strconv"
	"strings"
)

// InWords writes bytes to one digit after the point, in the largest unit that gives at least 1, such as 1.5Gi.
func InWords(bytes int64) string {
	sign, size := "", uint64(bytes)
	if bytes < 0 {
		sign, size = "-", -size // the least number there is has no positive of its own
	}
	for _, unit := range []struct {
		name string
		size uint64
	}{{"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10}} {
		if size >= unit.size {
			return sign + strings.TrimSuffix(strconv.FormatFloat(float64(size)/float64(unit.size), 'f', 1, 64), ".0") + unit.name
		}
	}
	return sign + strconv.FormatUint(size, 10)
}
