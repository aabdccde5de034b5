// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
