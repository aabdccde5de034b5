// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Each concept has its code, and a command to see it. Tests that a command names are there.
func TestConceptsAreCompleteAndCanBeSeen(t *testing.T) {
	r := load(t)
	concept := regexp.MustCompile(`(?m)^\| ([a-z ]+) \| (.+) \| (.+) \| \[[a-z-]+\]\(\.\./.+\) \| ` + "`(.+)`" + ` \|$`)
	test := regexp.MustCompile(`^go test \./(\S+) .*-run '?(Test\w+)`)
	commands := &Commands{Makefile: r.files["Makefile"], Help: r.help(t), Exists: r.exists}
	page, found := r.files["docs/concepts.md"], map[string]string{}
	for _, match := range concept.FindAllStringSubmatch(page, -1) {
		found[match[1]] = match[4]
	}
	for _, name := range []string{
		"node name", "node selector", "node affinity", "memory shortage", "who is evicted first", "who is killed first", "after it", "preemption",
		"pod and containers", "life cycle", "probes", "restart policy", "node components", "control plane", "cluster",
	} {
		command := found[name]
		if command == "" {
			t.Errorf("docs/concepts.md has no row of %q with what Kubernetes does, what Headroom does, the code and a command", name)
			continue
		}
		block := Block{Place: Place{File: "docs/concepts.md", Line: 1}, Language: "sh", Text: command + "\n"}
		for _, problem := range CheckBlock(block, nil, commands) {
			t.Errorf("%s: %v", name, problem)
		}
		if match := test.FindStringSubmatch(command); match != nil && !hasTest(t, "../../"+match[1], match[2]) {
			t.Errorf("%s: %s has no test %s", name, match[1], match[2])
		}
	}
}

// hasTest reports whether a folder has a test whose name begins so.
func hasTest(t *testing.T, folder, name string) bool {
	t.Helper()
	files, err := filepath.Glob(folder + "/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name) {
			return true
		}
	}
	return false
}

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
