// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"os"
	"path/filepath"
	"strings"
)

// ReadPage reads the cases of a Markdown page: its blocks of text that begin with one. Places are those in the page.
func ReadPage(path string) (*File, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(text), "\n")
	inCase := false
	for i, line := range lines {
		switch {
		case inCase && line == "```":
			inCase = false
		case line == "```text" && i+1 < len(lines) && strings.HasPrefix(lines[i+1], "case "):
			inCase = true
		case inCase:
			continue
		}
		lines[i] = ""
	}
	return Parse(filepath.Base(path), strings.Join(lines, "\n"))
}
