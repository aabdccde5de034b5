// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The page lists every fuzzed parser of outside data, with its package, and none that there is not.
func TestTheSecurityPageListsWhatIsFuzzed(t *testing.T) {
	r := load(t)
	target := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	compared := []string{"pkg/constraint", "pkg/plugins/nodeaffinity", "pkg/plugins/nodename", "test/cases"} // with Kubernetes; our own stories
	there := map[string][]string{}
	for _, file := range r.paths(func(file string) bool { return strings.HasSuffix(file, "_test.go") }) {
		folder := path.Dir(file)
		for _, match := range target.FindAllStringSubmatch(r.files[file], -1) {
			there[folder] = append(there[folder], match[1])
		}
	}
	for _, folder := range compared {
		if len(there[folder]) == 0 {
			t.Errorf("%s has no target", folder)
		}
		delete(there, folder)
	}
	link, name := regexp.MustCompile(`\]\(\.\./(pkg/[^)]+)\)`), regexp.MustCompile("`(Fuzz\\w+)`")
	listed := map[string]bool{}
	for line := range strings.SplitSeq(r.files["docs/security.md"], "\n") {
		for _, found := range name.FindAllStringSubmatch(line, -1) {
			known := false
			for _, of := range link.FindAllStringSubmatch(line, -1) {
				if slices.Contains(there[of[1]], found[1]) {
					listed[of[1]+" "+found[1]], known = true, true
				}
			}
			if !known {
				t.Errorf("docs/security.md lists %s, which no package of its row has", found[1])
			}
		}
	}
	for folder, targets := range there {
		for _, target := range targets {
			if !listed[folder+" "+target] {
				t.Errorf("docs/security.md does not list %s of %s", target, folder)
			}
		}
	}
}
