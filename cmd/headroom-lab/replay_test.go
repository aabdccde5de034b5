// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/replay"
)

// A replay that is interrupted has no page of its own, and must not leave that of another one.
func TestNoPageOfEarlierResultsIsLeft(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "report.html"), []byte("of earlier results"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is none
		if err := writeResults(folder, []replay.Result{{Trace: "t", Scenario: "base", Policy: "headroom"}}); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, entry := range entries {
		got = append(got, entry.Name())
	}
	if diff := cmp.Diff([]string{"results.json"}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
