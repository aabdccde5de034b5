// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"regexp"
	"strings"
)

// forbiddenText is one kind of text that no file of the repository holds.
type forbiddenText struct {
	pattern *regexp.Regexp
	why     string
	// except are files that may hold it, each for the reason beside it.
	except map[string]string
}

// forbiddenTexts is the table. The patterns are written so that this file does not match them itself.
func forbiddenTexts() []forbiddenText {
	// A path starts where no name, dot or slash stands before it: "api/home/x" and "https://host/home/x" are none.
	const start = `(?m:^|[^\w./~$})-])`
	return []forbiddenText{
		{pattern: regexp.MustCompile(start + `/root[/]`), why: "a path of one machine's root user"},
		{pattern: regexp.MustCompile(start + `/home/[a-z]`), why: "a path of one machine's user",
			except: map[string]string{"pkg/lab/cluster/process_test.go": "a made-up environment"}},
		{pattern: regexp.MustCompile(start + `/Users/[A-Za-z]`), why: "a path of one machine's user"},
		{pattern: regexp.MustCompile(start + `/work[/]`), why: "a path of one machine"},
		{pattern: regexp.MustCompile(start + `/tmp/[w]\b`), why: "a path of one machine"},
		{pattern: regexp.MustCompile(`\b(proxy\.golang\.org|registry\.npmjs\.org|pypi\.org|index\.crates\.io)\b`), why: "a host of a package registry",
			except: map[string]string{"test/rules/text.go": "this table"}},
		{pattern: regexp.MustCompile(`(?m)^(<{7}|>{7}) `), why: "what a merge left"},
		{pattern: regexp.MustCompile(`panic\("(?i:todo|unimplemented|not (?:yet )?implemented)`), why: "a stub",
			except: map[string]string{"test/rules/rules_test.go": "the test of this table"}},
	}
}

// CheckText reports forbidden text, by file and line. Binary files are not read.
func CheckText(files []File) []Finding {
	var findings []Finding
	for _, file := range files {
		if strings.ContainsRune(file.Text, 0) {
			continue
		}
		for _, forbidden := range forbiddenTexts() {
			if _, excepted := forbidden.except[file.Path]; excepted {
				continue
			}
			for _, at := range forbidden.pattern.FindAllStringIndex(file.Text, -1) {
				found := strings.TrimSpace(file.Text[at[0]:at[1]])
				line := 1 + strings.Count(file.Text[:at[1]], "\n")
				findings = append(findings, findingf(fmt.Sprintf("%s:%d", file.Path, line), "%q is %s", found, forbidden.why))
			}
		}
	}
	return findings
}
