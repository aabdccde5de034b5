// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	// abandonedAge is the age after which a folder without a lock cannot be one that is just being made.
	abandonedAge = time.Hour
	// killTimeout bounds the wait for a killed process to be gone.
	killTimeout = 5 * time.Second
)

// Sweep removes what clusters left in parentDir whose owner was killed: processes that still run, and the folder. It leaves
// alone folders of living owners and of other users. removed lists the folders that are gone; Start calls Sweep first.
func Sweep(parentDir string) (removed []string, err error) {
	entries, err := os.ReadDir(parentDir)
	if err != nil {
		return nil, fmt.Errorf("looking for abandoned clusters: %w", err)
	}
	var problems []error
	for _, entry := range entries {
		if !entry.IsDir() || !ownedByUser(entry) {
			continue
		}
		path := filepath.Join(parentDir, entry.Name())
		var gone bool
		var err error
		switch {
		case strings.HasPrefix(entry.Name(), folderPrefix):
			gone, err = sweepFolder(path, entry)
		case strings.HasPrefix(entry.Name(), newFolderPrefix):
			gone, err = sweepUnlockable(path, entry)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("abandoned cluster %s: %w", path, err))
		} else if gone {
			removed = append(removed, path)
		}
	}
	return removed, errors.Join(problems...)
}

// sweepFolder removes a folder and ends its processes unless its owner lives.
func sweepFolder(path string, entry fs.DirEntry) (gone bool, err error) {
	lock, err := lockFolder(path, 0)
	switch {
	case errors.Is(err, errLocked):
		return false, nil
	case errors.Is(err, fs.ErrNotExist):
		return sweepUnlockable(path, entry) // its owner removes it just now, or was killed as it did
	case err != nil:
		return false, err
	}
	folder := &workFolder{path: path, lock: lock}
	if err := endRecorded(path); err != nil {
		return false, errors.Join(err, lock.Close())
	}
	return true, folder.remove()
}

// sweepUnlockable removes an old folder without a lock: its owner was killed before it held the lock, when no process had been
// started, or while it removed the folder, when all had ended.
func sweepUnlockable(path string, entry fs.DirEntry) (gone bool, err error) {
	info, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil || time.Since(info.ModTime()) < abandonedAge {
		return false, err
	}
	return true, os.RemoveAll(path)
}

// endRecorded kills the processes that a folder's records name and that are still those processes.
func endRecorded(path string) error {
	content, err := os.ReadFile(filepath.Join(path, recordsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var records []processRecord
	if err := json.Unmarshal(content, &records); err != nil {
		return fmt.Errorf("%s: %w; end its processes by hand, then remove the folder", recordsFile, err)
	}
	for _, record := range records {
		if err := endProcess(record); err != nil {
			return err
		}
	}
	return nil
}

// endProcess kills a process that is not this one's child and waits until it is gone.
func endProcess(record processRecord) error {
	if !record.alive() {
		return nil
	}
	// Whatever it holds is about to be removed: there is nothing it could still save.
	if err := syscall.Kill(record.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("ending %s (process %d): %w", record.Name, record.PID, err)
	}
	deadline := time.Now().Add(killTimeout)
	for record.alive() {
		if time.Now().After(deadline) {
			return fmt.Errorf("%s (process %d) is still there %s after SIGKILL", record.Name, record.PID, killTimeout)
		}
		time.Sleep(10 * time.Millisecond) // the kernel tells only a parent when a process is gone
	}
	return nil
}

// alive tells whether the recorded process still runs; the same number with another start time is another process.
func (r processRecord) alive() bool {
	if r.PID <= 1 || r.Identity == "" {
		return false
	}
	identity, err := processIdentity(r.PID)
	return err == nil && identity == r.Identity
}

// ownedByUser tells whether a folder belongs to the user who runs this program. In a shared folder anybody may make one that
// looks like ours, with records that name our processes.
func ownedByUser(entry fs.DirEntry) bool {
	info, err := entry.Info()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Geteuid()
}
