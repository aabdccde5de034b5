// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunRefusesBeforeItStartsAnything(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder) // where a cluster would be
	occupied := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		options Options
	}{
		{"a folder that cannot be made", Options{OutDir: filepath.Join(occupied, "out")}},
		{"a scheduler configuration that is not there", Options{OutDir: t.TempDir(), SchedulerConfig: occupied + ".yaml"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := Run(t.Context(), test.options); err == nil || !strings.Contains(err.Error(), occupied) {
				t.Errorf("error %v, want it to name %s", err, occupied)
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("something was started: %v, %v", left, err)
			}
		})
	}
}
