// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheSchedulerIsFoundFromWhereTheUserIs(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	if err := os.Mkdir("bin", 0o755); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"scheduler": 0o755, "notes.txt": 0o644} {
		if err := os.WriteFile(filepath.Join("bin", name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	got, err := schedulerBinary("bin/scheduler")
	if want := filepath.Join(folder, "bin", "scheduler"); err != nil || got != want {
		t.Errorf("schedulerBinary(bin/scheduler) = %s, %v, want %s", got, err, want)
	}
	for path, want := range map[string]string{
		"bin":           "bin is not an executable file",
		"bin/notes.txt": "bin/notes.txt is not an executable file",
		"bin/absent":    "build it with 'make build'",
	} {
		if got, err := schedulerBinary(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("schedulerBinary(%s) = %s, %v, want an error with %q", path, got, err, want)
		}
	}
}
