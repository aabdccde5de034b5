// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	folderPrefix = "headroom-lab-"
	// newFolderPrefix is the name of a folder whose owner does not hold its lock yet.
	newFolderPrefix = ".headroom-lab-new-"

	lockFile        = "owner.lock"
	recordsFile     = "processes.json"
	logsFolder      = "logs"
	temporaryFolder = "tmp"
)

// workFolder is where all of a cluster's files are. Its owner holds a lock on a file in it for as long as the owner lives,
// so that a folder whose lock is free is nobody's.
type workFolder struct {
	path string
	lock *os.File
}

// processRecord is what a folder says about a child, for the one who finds the folder without its owner.
type processRecord struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	// Identity is what processIdentity said of the child when it had just been started.
	Identity string `json:"identity"`
}

// newWorkFolder makes a folder in parent, readable by this user only, and takes its lock.
func newWorkFolder(parent string) (*workFolder, error) {
	parent, err := filepath.Abs(parent)
	if err != nil {
		return nil, err
	}
	unlocked, err := os.MkdirTemp(parent, newFolderPrefix)
	if err != nil {
		return nil, fmt.Errorf("making the cluster's folder: %w", err)
	}
	lock, err := lockFolder(unlocked, os.O_CREATE)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(unlocked))
	}
	// Only a locked folder gets the name that Sweep looks for: there is no moment in which it looks abandoned.
	path := filepath.Join(parent, folderPrefix+strings.TrimPrefix(filepath.Base(unlocked), newFolderPrefix))
	if err := os.Rename(unlocked, path); err != nil {
		return nil, errors.Join(err, lock.Close(), os.RemoveAll(unlocked))
	}
	folder := &workFolder{path: path, lock: lock}
	for _, name := range []string{logsFolder, temporaryFolder} {
		if err := os.Mkdir(filepath.Join(path, name), 0o700); err != nil {
			return nil, errors.Join(err, folder.remove())
		}
	}
	return folder, nil
}

// errLocked says that the owner of a folder lives.
var errLocked = errors.New("the folder is in use")

// lockFolder takes the lock of a folder. It returns errLocked when another holds it. flag may add os.O_CREATE.
func lockFolder(path string, flag int) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(path, lockFile), flag|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	switch err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, errors.Join(errLocked, lock.Close())
	case err != nil:
		return nil, errors.Join(fmt.Errorf("locking %s: %w", path, err), lock.Close())
	}
	return lock, nil
}

// record writes the children's identities, all of them at once.
func (f *workFolder) record(processes map[string]*process) error {
	records := []processRecord{}
	for name, p := range processes {
		identity, err := processIdentity(p.pid())
		if err != nil {
			continue // it has ended
		}
		records = append(records, processRecord{Name: name, PID: p.pid(), Identity: identity})
	}
	content, err := json.Marshal(records)
	if err != nil {
		return err
	}
	path := filepath.Join(f.path, recordsFile)
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return fmt.Errorf("recording the process numbers: %w", err)
	}
	return os.Rename(path+".new", path) // never a half-written one
}

// remove removes the folder and lets go of its lock. The lock goes last: until then, what is left of the folder is in use.
func (f *workFolder) remove() error {
	err := removeAllBut(f.path, lockFile)
	if err == nil {
		err = os.RemoveAll(f.path)
	}
	if closeErr := f.lock.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("removing the cluster's folder: %w", err)
	}
	return nil
}

// removeAllBut removes everything in a folder but the entry named keep.
func removeAllBut(path, keep string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == keep {
			continue
		}
		if err := os.RemoveAll(filepath.Join(path, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}
