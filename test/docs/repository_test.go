// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/headroom-dev/headroom/test/rules"
)

// repository is what the tests below read.
type repository struct {
	root  string
	files map[string]string
}

func load(t *testing.T) repository {
	t.Helper()
	root, err := rules.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := rules.Files(root)
	if err != nil {
		t.Fatal(err)
	}
	r := repository{root: root, files: map[string]string{}}
	for _, file := range files {
		r.files[file.Path] = file.Text
	}
	return r
}

// exists tells whether a path is a file, or a folder with a file in it, of the repository.
func (r repository) exists(name string) bool {
	name = path.Clean(name)
	if _, ok := r.files[name]; ok || name == "." {
		return true
	}
	for file := range r.files {
		if strings.HasPrefix(file, name+"/") {
			return true
		}
	}
	return false
}

// paths returns the paths that match, in order.
func (r repository) paths(match func(string) bool) []string {
	var paths []string
	for file := range r.files {
		if match(file) && !strings.Contains(file, "testdata/") {
			paths = append(paths, file)
		}
	}
	slices.Sort(paths)
	return paths
}

func (r repository) page(t *testing.T, file string) Page {
	t.Helper()
	page, err := ParsePage(file, []byte(r.files[file]))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return page
}

// help returns a function that runs a binary with --help. The binaries are those in HEADROOM_BIN; without it the one that
// is asked for is built.
func (r repository) help(t *testing.T) func(binary string, args ...string) (string, error) {
	t.Helper()
	built := t.TempDir()
	folder := os.Getenv("HEADROOM_BIN")
	build := sync.OnceValue(func() error {
		cmd := exec.Command("go", "build", "-o", built+string(filepath.Separator), "./cmd/...")
		cmd.Dir = r.root
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building the binaries: %w: %s", err, out)
		}
		return nil
	})
	return helpOnce(func(binary string, args ...string) (string, error) {
		if folder == "" {
			if err := build(); err != nil {
				return "", err
			}
			folder = built
		}
		var output bytes.Buffer
		cmd := exec.CommandContext(t.Context(), filepath.Join(folder, binary), append(slices.Clone(args), "--help")...)
		cmd.Stdout, cmd.Stderr = &output, &output
		if err := cmd.Run(); err != nil {
			return "", errors.Join(err, errors.New(strings.TrimSpace(output.String())))
		}
		return output.String(), nil
	})
}

func TestDocumentationShowsOnlyWhatHolds(t *testing.T) {
	r := load(t)
	objects, err := NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	commands := &Commands{Makefile: r.files["Makefile"], Help: r.help(t), Exists: r.exists}
	anchors := func(file string) []string { return r.page(t, file).Anchors }
	pages := r.paths(func(file string) bool { return path.Ext(file) == ".md" })
	if len(pages) == 0 {
		t.Fatal("the repository has no documentation")
	}
	for _, file := range pages {
		t.Run(file, func(t *testing.T) {
			page := r.page(t, file)
			for _, problem := range CheckLinks(page, r.exists, anchors) {
				t.Error(problem)
			}
			for _, block := range page.Blocks {
				for _, problem := range CheckBlock(block, objects, commands) {
					t.Error(problem)
				}
			}
		})
	}
}

func TestDocumentationIsComplete(t *testing.T) {
	r := load(t)
	for _, file := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"} {
		if !r.exists(file) {
			t.Errorf("the repository has no %s", file)
		}
	}
}

// scheduler-plugins shipped an example of a removed API.
func TestPeerBugAShippedConfigurationDoesNotDecode(t *testing.T) {
	r := load(t)
	objects, err := NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	files := r.paths(func(file string) bool {
		// What lies in a chart's templates is YAML only after Helm rendered it, and its Chart.yaml is for Helm: test/manifests.
		return (strings.HasPrefix(file, "config/") || strings.HasPrefix(file, "manifests/")) && !strings.Contains(file, "/templates/") && path.Base(file) != "Chart.yaml"
	})
	checked := 0
	for _, file := range files {
		var problems []Problem
		switch path.Ext(file) {
		case ".yaml", ".yml":
			problems = objects.Check(Place{File: file, Line: 1}, r.files[file])
		case ".json":
			problems = checkJSON(Place{File: file, Line: 1}, r.files[file])
		default:
			continue
		}
		checked++
		for _, problem := range problems {
			t.Error(problem)
		}
	}
	if checked == 0 {
		t.Error("the repository ships no configuration: config and manifests hold neither YAML nor JSON")
	}
}

// Reports that are written between marks must not be lost with an edit.
func TestReportsAreThere(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, report := range []string{"results", "throughput"} {
		_, after, begins := strings.Cut(string(text), "<!-- bench "+report+": begin -->")
		content, _, ends := strings.Cut(after, "<!-- bench "+report+": end -->")
		if !begins || !ends || !strings.Contains(content, "\n|") || !strings.Contains(content, ".svg)") {
			t.Errorf("docs/performance.md: between the marks of %s there is no table and plot", report)
		}
	}
}
