// SPDX-License-Identifier: Apache-2.0

package wholefile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAFileTakesThePlaceOfAnOlderOneAndLeavesNothingBeside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := WriteJSON(path, map[string]int{"b": 2}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("{\n  \"b\": 2\n}\n", string(got)); diff != "" {
		t.Errorf("content (-want +got):\n%s", diff)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the file alone", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o644 {
		t.Errorf("the file is %v (%v), want it readable by all", info.Mode(), err)
	}
}

func TestWhatCannotBeWrittenLeavesTheOldFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.json")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	occupied := filepath.Join(dir, "folder")
	if err := os.Mkdir(occupied, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		write func() error
		want  string
	}{
		{"a value that is no JSON", func() error { return WriteJSON(path, func() {}) }, path},
		{"a folder that is not there", func() error { return Write(filepath.Join(dir, "absent", "x"), nil) }, filepath.Join(dir, "absent", "x")},
		{"a folder in the way", func() error { return Write(occupied, nil) }, occupied},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := test.write(); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want it to name %s", err, test.want)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
				t.Errorf("the older file holds %q (%v)", got, err)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
				t.Errorf("the folder holds %v (%v), want the file and the folder", entries, err)
			}
		})
	}
}

func TestAFolderIsCheckedBeforeAndLeftAsItWas(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	folders := map[string]bool{
		dir:                           true,
		dir + "/":                     true,
		filepath.Join(dir, "a", "b"):  true,
		file:                          false,
		filepath.Join(file, "a"):      false,
		filepath.Join(file, "a", "b"): false,
	}
	const closed = "/proc/self" // nobody can write there, not even root
	if _, err := os.Stat(closed); err == nil {
		folders[closed] = false
	}
	for folder, good := range folders {
		err := CheckFolder(folder)
		if (err == nil) != good {
			t.Errorf("CheckFolder(%s) = %v, want it good: %t", folder, err, good)
		}
		if err != nil && !strings.HasPrefix(err.Error(), folder+": ") {
			t.Errorf("error %v, want it to name %s", err, folder)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder holds %v (%v), want the file alone", entries, err)
	}
}
