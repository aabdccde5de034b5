// SPDX-License-Identifier: Apache-2.0

package profile

import (
	"slices"
	"strings"
)

// Nearest returns the known word that differs least from what was written, if it differs by few characters; else "".
func Nearest(written string, known []string) string {
	best, least := "", max(2, len(written)/3)+1
	for _, word := range slices.Sorted(slices.Values(known)) {
		if apart := distance(strings.ToLower(written), strings.ToLower(word)); apart < least {
			best, least = word, apart
		}
	}
	return best
}

// distance is the least number of characters to insert, remove or replace that makes one word of another (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replace := before
			if a[i-1] != b[j-1] {
				replace++
			}
			before = row[j]
			row[j] = min(replace, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
