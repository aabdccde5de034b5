// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// MaxLines is the length that no Go file exceeds. Generated files are not counted.
const MaxLines = 400

// License is the line that a source file begins with, after its comment marker.
const License = "SPDX-License-Identifier: Apache-2.0"

var (
	generatedLine = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	// licensed matches what carries the license line beside Go files: whatever runs or builds.
	licensed = regexp.MustCompile(`(^|/)(Makefile|Dockerfile|.*\.sh|run|tidy-tools)$`)
)

// isGo reports whether the go command reads the file. It leaves testdata and folders with a leading dot or underscore out.
func isGo(file File) bool {
	if path.Ext(file.Path) != ".go" {
		return false
	}
	return !slices.ContainsFunc(strings.Split(path.Dir(file.Path), "/"), func(folder string) bool {
		return folder == "testdata" || len(folder) > 1 && strings.HasPrefix(folder, ".") || strings.HasPrefix(folder, "_")
	})
}

// CheckFileLength reports Go files over MaxLines lines.
func CheckFileLength(files []File) []Finding {
	var findings []Finding
	for _, file := range files {
		lines := strings.Count(file.Text, "\n")
		if isGo(file) && lines > MaxLines && !generatedLine.MatchString(file.Text) {
			findings = append(findings, findingf(file.Path, "%d lines, at most %d are allowed: split it by what its parts do", lines, MaxLines))
		}
	}
	return findings
}

// CheckLicenseLine reports source files without the license line. It is the first line of a Go file; a generated file
// may have its build constraint, and a script its "#!", before it.
func CheckLicenseLine(files []File) []Finding {
	var findings []Finding
	for _, file := range files {
		head, want := 1, "// "+License
		switch {
		case isGo(file) && generatedLine.MatchString(file.Text):
			head = 4
		case isGo(file):
		case licensed.MatchString(file.Path):
			head, want = 2, "# "+License
		default:
			continue
		}
		lines := strings.SplitN(file.Text, "\n", head+1)
		if !slices.Contains(lines[:min(head, len(lines))], want) {
			findings = append(findings, findingf(file.Path, "does not begin with the line %q", want))
		}
	}
	return findings
}

// CheckPackageComments reports packages whose comment is missing or does not begin with "Package <name> ", and commands
// whose comment does not begin with "Command <folder> ".
func CheckPackageComments(files []File) []Finding {
	type folder struct {
		name     string
		comments []string
	}
	folders := map[string]*folder{}
	var findings []Finding
	for _, file := range files {
		if !isGo(file) {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file.Path, file.Text, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			findings = append(findings, findingf(file.Path, "does not parse: %v", err))
			continue
		}
		dir := path.Dir(file.Path)
		f := folders[dir]
		if f == nil {
			f = &folder{name: strings.TrimSuffix(parsed.Name.Name, "_test")}
			folders[dir] = f
		}
		if parsed.Doc != nil {
			f.comments = append(f.comments, parsed.Doc.Text())
		}
	}
	for dir, f := range folders {
		want := "Package " + f.name + " "
		if f.name == "main" {
			want = "Command " + path.Base(dir) + " "
		}
		if !slices.ContainsFunc(f.comments, func(comment string) bool { return strings.HasPrefix(comment, want) }) {
			findings = append(findings, findingf(dir, "no package comment begins with %q", want))
		}
	}
	slices.SortFunc(findings, func(a, b Finding) int { return strings.Compare(a.Where, b.Where) })
	return findings
}

// vagueNames are package names that say nothing of what the package does.
func vagueNames() []string {
	return []string{"base", "common", "helper", "helpers", "misc", "shared", "types", "util", "utils"}
}

// CheckPackageNames reports packages with a name that says nothing.
func CheckPackageNames(files []File) []Finding {
	var findings []Finding
	seen := map[string]bool{}
	for _, file := range files {
		dir := path.Dir(file.Path)
		if !isGo(file) || seen[dir] {
			continue
		}
		seen[dir] = true
		if slices.Contains(vagueNames(), path.Base(dir)) {
			findings = append(findings, findingf(dir, "the name %q says nothing: name the package after what it does", path.Base(dir)))
		}
	}
	return findings
}

// clockCalls are the functions of package time that read or wait for the machine's clock.
func clockCalls() []string {
	return []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}
}

// CheckNoClock reports reads of the machine's clock in the pure packages, pkg/constraint and pkg/memory. Tests are free.
func CheckNoClock(files []File) []Finding {
	return checkParsed(files, isPure, func(file *ast.File, line func(ast.Node) string) (findings []Finding) {
		name := importedAs(file, "time")
		ast.Inspect(file, func(node ast.Node) bool {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if ident, ok := selector.X.(*ast.Ident); ok && ident.Name == name && slices.Contains(clockCalls(), selector.Sel.Name) {
				findings = append(findings, findingf(line(selector), "time.%s in a pure package: take the time as an argument", selector.Sel.Name))
			}
			return true
		})
		return findings
	})
}

// checkParsed checks the Go files of the folders that are of interest, tests excepted, one by one. line says where a node is.
func checkParsed(files []File, of func(folder string) bool, check func(file *ast.File, line func(ast.Node) string) []Finding) (findings []Finding) {
	for _, file := range files {
		if !isGo(file) || !of(path.Dir(file.Path)) || strings.HasSuffix(file.Path, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file.Path, file.Text, parser.SkipObjectResolution)
		if err != nil {
			findings = append(findings, findingf(file.Path, "does not parse: %v", err))
			continue
		}
		findings = append(findings, check(parsed, func(node ast.Node) string {
			return fmt.Sprintf("%s:%d", file.Path, set.Position(node.Pos()).Line)
		})...)
	}
	return findings
}

// importedAs returns the name by which a file knows an import, or "" when it does not import it.
func importedAs(file *ast.File, importPath string) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != `"`+importPath+`"` {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}
