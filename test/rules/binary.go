// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"path"
	"strings"
)

// mostBinary is how many bytes a file has at most that is no text.
const mostBinary = 512 << 10

// CheckBinaries reports files that are no text, but for pictures that are not too large: programs and data are made, or kept elsewhere.
func CheckBinaries(files []File) []Finding {
	var findings []Finding
	for _, file := range files {
		switch {
		case !strings.ContainsRune(file.Text, 0):
		case path.Ext(file.Path) != ".png":
			findings = append(findings, findingf(file.Path, "no text, and no picture: remove it from git"))
		case len(file.Text) > mostBinary:
			findings = append(findings, findingf(file.Path, "%d bytes, at most %d are allowed", len(file.Text), mostBinary))
		}
	}
	return findings
}
