// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"regexp"
	"strings"
	"testing"
)

// Concepts name cases in quotation marks, in tables with the file that has them.
func TestCasesThatConceptsNameAreThere(t *testing.T) {
	r := load(t)
	row := regexp.MustCompile(`(?m)^\| (".*") \| \[[a-z]+\.txt\]\(\.\./(test/cases/[a-z]+\.txt)\) \|$`)
	rows := row.FindAllStringSubmatch(r.files["docs/concepts.md"], -1)
	if len(rows) == 0 {
		t.Fatal("docs/concepts.md names no case")
	}
	for _, match := range rows {
		for title := range strings.SplitSeq(strings.Trim(match[1], `"`), `", "`) {
			if !strings.Contains(r.files[match[2]], "\ncase "+title+"\n") {
				t.Errorf("docs/concepts.md: %s has no case %q", match[2], title)
			}
		}
	}
}
