// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Module is the path of the module that the rules are about.
const Module = "github.com/headroom-dev/headroom"

// File is one file of the repository.
type File struct {
	// Path is relative to the root, with slashes.
	Path string
	Text string
}

// Package is what "go list -json" tells of a package of the repository.
type Package struct {
	ImportPath string
	// Imports are those of the files that are no tests.
	Imports []string
	// TestImports and XTestImports are those of the tests, inside the package and beside it.
	TestImports  []string
	XTestImports []string
	// Deps are all packages that the package pulls in, at any distance, without its tests.
	Deps []string
}

// Root returns the folder of the module's go.mod.
func Root() (string, error) {
	out, err := command("", "go", "list", "-m", "-f", "{{.Dir}}")
	return strings.TrimSpace(string(out)), err
}

// Files returns every file under root that git tracks, or would track if it were added. Files that are deleted but still
// in git's index are left out.
func Files(root string) ([]File, error) {
	out, err := command(root, "git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z")
	if err != nil {
		return nil, err
	}
	var files []File
	for path := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading a file of the repository: %w", err)
		}
		files = append(files, File{Path: path, Text: string(text)})
	}
	return files, nil
}

// Packages returns the packages of the module under root. A package that does not compile is no error here: its
// imports are read all the same.
func Packages(root string) ([]Package, error) {
	out, err := command(root, "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	if err != nil {
		return nil, err
	}
	var packages []Package
	decoder := json.NewDecoder(bytes.NewReader(out))
	for {
		var p Package
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decoding the output of go list: %w", err)
		}
		packages = append(packages, p)
	}
}

// command runs a program in dir and returns its standard output; the error carries its standard error.
func command(dir, name string, args ...string) ([]byte, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, strings.TrimSpace(stderr.String()))
	}
	return out, nil
}
