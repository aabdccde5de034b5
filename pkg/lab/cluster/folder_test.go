// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"testing"
)

func TestNewWorkFolderIsPrivateAndLocked(t *testing.T) {
	parent := t.TempDir()
	folder, err := newWorkFolder(parent)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(folder.path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode().Perm(), os.FileMode(0o700); got != want {
		t.Errorf("mode %o, want %o", got, want)
	}
	if _, err := lockFolder(folder.path, 0); err == nil {
		t.Error("the folder can be locked a second time")
	}
	if err := folder.remove(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(parent)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) > 0 {
		t.Errorf("%s is left", entries[0].Name())
	}
}
