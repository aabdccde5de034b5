// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/headroom-dev/headroom/pkg/explain"
)

// What the page shows as output is cut from golden files.
func TestThePageShowsWhatTheCommandPrints(t *testing.T) {
	page, err := os.ReadFile("../../docs/explain.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	var golden strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		golden.Write(text)
	}
	blocks := strings.Split(string(page), "```text\n")[1:]
	if len(blocks) < 5 {
		t.Fatalf("%d outputs, want at least five", len(blocks))
	}
	for _, block := range blocks {
		if output, _, _ := strings.Cut(block, "```"); !strings.Contains(golden.String(), output) {
			t.Errorf("no golden file has\n%s", output)
		}
	}
}

// What a page shows is copied: config validate has nothing against it, not even that it is likely meant otherwise.
func TestConfigurationsOnPagesAreAsTheyAreMeant(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(text), "```yaml\n")[1:] {
			configuration, _, _ := strings.Cut(block, "```")
			if !strings.Contains(configuration, "\nkind: KubeSchedulerConfiguration\n") {
				continue
			}
			checked++
			if report := explain.Check(t.Context(), page, []byte(configuration)); !report.Valid || len(report.Problems) > 0 {
				t.Errorf("%s: valid %t, %+v", page, report.Valid, report.Problems)
			}
		}
	}
	if checked == 0 {
		t.Error("no page shows a KubeSchedulerConfiguration")
	}
}
