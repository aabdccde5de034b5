// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// startSleeper starts a process that would outlive the test, as a child of an owner who was killed.
func startSleeper(t *testing.T) *process {
	t.Helper()
	cmd := exec.Command("sleep", "300")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{name: "sleeper", cmd: cmd, done: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() { p.stopWithin(time.Second) })
	return p
}

func writeRecords(t *testing.T, folder string, records ...processRecord) {
	t.Helper()
	content, err := json.Marshal(records)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, recordsFile), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// abandon makes a folder whose owner is gone.
func abandon(t *testing.T, parent string) *workFolder {
	t.Helper()
	folder, err := newWorkFolder(parent)
	if err != nil {
		t.Fatal(err)
	}
	if err := folder.lock.Close(); err != nil {
		t.Fatal(err)
	}
	return folder
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestSweepRemovesTheFolderAndTheProcessesOfADeadOwner(t *testing.T) {
	parent := t.TempDir()
	folder := abandon(t, parent)
	p := startSleeper(t)
	if err := folder.record(map[string]*process{"sleeper": p}); err != nil {
		t.Fatal(err)
	}

	removed, err := Sweep(parent)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{folder.path}, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if exists(folder.path) {
		t.Errorf("%s is still there", folder.path)
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		t.Error("the process still runs")
	}
}

func TestSweepLeavesAloneWhatIsNotAbandoned(t *testing.T) {
	old := time.Now().Add(-2 * abandonedAge)
	tests := []struct {
		name string
		make func(t *testing.T, parent string) string
		want bool // the folder stays
	}{
		{
			name: "a folder whose owner lives",
			make: func(t *testing.T, parent string) string {
				folder, err := newWorkFolder(parent)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = folder.lock.Close() })
				return folder.path
			},
			want: true,
		},
		{
			name: "a folder that is just being made",
			make: func(t *testing.T, parent string) string {
				return makeFolder(t, parent, newFolderPrefix+"1", time.Now())
			},
			want: true,
		},
		{
			name: "a folder that was being made long ago",
			make: func(t *testing.T, parent string) string { return makeFolder(t, parent, newFolderPrefix+"1", old) },
			want: false,
		},
		{
			name: "a folder that is just being removed",
			make: func(t *testing.T, parent string) string { return makeFolder(t, parent, folderPrefix+"1", time.Now()) },
			want: true,
		},
		{
			name: "a folder that was being removed long ago",
			make: func(t *testing.T, parent string) string { return makeFolder(t, parent, folderPrefix+"1", old) },
			want: false,
		},
		{
			name: "an old folder of another program",
			make: func(t *testing.T, parent string) string { return makeFolder(t, parent, "headroom-laboratory", old) },
			want: true,
		},
		{
			name: "a file with a folder's name",
			make: func(t *testing.T, parent string) string {
				path := filepath.Join(parent, folderPrefix+"file")
				if err := os.WriteFile(path, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			},
			want: true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			parent := t.TempDir()
			path := test.make(t, parent)
			removed, err := Sweep(parent)
			if err != nil {
				t.Fatal(err)
			}
			if got := exists(path); got != test.want {
				t.Errorf("%s is there: %t, want %t", path, got, test.want)
			}
			want := []string{}
			if !test.want {
				want = append(want, path)
			}
			if diff := cmp.Diff(want, removed, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("removed (-want +got):\n%s", diff)
			}
		})
	}
}

func makeFolder(t *testing.T, parent, name string, modified time.Time) string {
	t.Helper()
	path := filepath.Join(parent, name)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, modified, modified); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSweepDoesNotKillAnotherProcessWithARecordedNumber(t *testing.T) {
	parent := t.TempDir()
	folder := abandon(t, parent)
	p := startSleeper(t)
	writeRecords(t, folder.path, processRecord{Name: "gone", PID: p.pid(), Identity: "another start"}, processRecord{Name: "init", PID: 1})

	if _, err := Sweep(parent); err != nil {
		t.Fatal(err)
	}
	if exists(folder.path) {
		t.Errorf("%s is still there", folder.path)
	}
	if p.ended() {
		t.Error("the process was killed")
	}
}

func TestSweepGoesOnAfterAFolderItCannotRead(t *testing.T) {
	parent := t.TempDir()
	broken, fine := abandon(t, parent), abandon(t, parent)
	if err := os.WriteFile(filepath.Join(broken.path, recordsFile), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	removed, err := Sweep(parent)
	if err == nil {
		t.Errorf("Sweep() reports no error, want one for %s", broken.path)
	}
	if diff := cmp.Diff([]string{fine.path}, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	if !exists(broken.path) {
		t.Error("the folder with unknown processes is gone")
	}
}
