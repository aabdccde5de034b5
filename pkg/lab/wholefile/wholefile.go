// SPDX-License-Identifier: Apache-2.0

// Package wholefile writes a file whole or not at all.
package wholefile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts content under path by renaming a finished file of the same folder, which has to exist, in place of an older
// one. Everybody may read the file. After an error, which names path, the older one is untouched and nothing else is left.
func Write(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("%s: making a temporary file beside it: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	if _, err = file.Write(content); err != nil {
		return err
	}
	if err = file.Chmod(0o644); err != nil {
		return err
	}
	if err = file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// CheckFolder returns an error if nothing could be written into folder, which may be missing, as may those above it. It leaves
// nothing behind: worth asking before a long work.
func CheckFolder(folder string) error {
	there := filepath.Clean(folder)
	for {
		_, err := os.Stat(there)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s: %w", folder, err)
		}
		there = filepath.Dir(there) // at the latest the root, or the current folder, is there
	}
	temporary, err := os.MkdirTemp(there, ".writable.*")
	if err != nil {
		return fmt.Errorf("%s: making a temporary folder where it will be written: %w", folder, err)
	}
	return os.Remove(temporary)
}

// WriteJSON writes value as indented JSON that ends with a newline.
func WriteJSON(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return Write(path, append(content, '\n'))
}
