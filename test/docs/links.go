// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"net/url"
	"path"
	"slices"
	"strings"
)

// CheckLinks reports links of a page to files or headings of the repository that are not there. exists tells whether a
// path of the repository is a file or a folder; anchors returns the headings of a markdown file. Links to other hosts are
// not followed.
func CheckLinks(page Page, exists func(path string) bool, anchors func(path string) []string) []Problem {
	var problems []Problem
	for _, link := range page.Links {
		target, err := url.Parse(link.Target)
		switch {
		case err != nil:
			problems = append(problems, problemf(link.Place, "link %q is no address: %v", link.Target, err))
			continue
		case target.Scheme != "":
			continue
		case strings.HasPrefix(target.Path, "/"):
			problems = append(problems, problemf(link.Place, "link %q begins with a slash: write it relative to the file", link.Target))
			continue
		}
		file := link.Place.File
		if target.Path != "" {
			file = path.Join(path.Dir(link.Place.File), target.Path)
		}
		if strings.HasPrefix(file, "../") || !exists(file) {
			problems = append(problems, problemf(link.Place, "link %q leads nowhere: the repository has no %s", link.Target, file))
			continue
		}
		if target.Fragment != "" && path.Ext(file) == ".md" && !slices.Contains(anchors(file), target.Fragment) {
			problems = append(problems, problemf(link.Place, "link %q: %s has no such heading", link.Target, file))
		}
	}
	return problems
}
