// SPDX-License-Identifier: Apache-2.0

// Package marked replaces the parts of a Markdown page that a program writes. Each part has a name, and stands between two
// comments of that name.
package marked

import (
	"fmt"
	"os"
	"strings"

	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

// marks are the comments around a part.
func marks(name string) (begin, end string) {
	return "<!-- " + name + ": begin -->", "<!-- " + name + ": end -->"
}

// Check says whether a page has a place for a part, and changes nothing.
func Check(path, name string) error {
	_, _, err := around(path, name)
	return err
}

// Replace writes a part anew, and leaves the rest of the page as it is. The page is whole at any time.
func Replace(path, name, text string) error {
	before, after, err := around(path, name)
	if err != nil {
		return err
	}
	return wholefile.Write(path, []byte(before+"\n\n"+strings.TrimSpace(text)+"\n\n"+after))
}

// around returns what stands before a part and after it, its marks included.
func around(path, name string) (before, after string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", "", err
	}
	begin, end := marks(name)
	before, rest, begun := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !begun || !ended {
		return "", "", fmt.Errorf("%s: want the lines %q and %q, between which the part is written", path, begin, end)
	}
	return before + begin, end + after, nil
}
