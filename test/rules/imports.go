// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"maps"
	"slices"
	"strings"
)

// directions says which parts of the house a part may import. A part is the first folder below pkg, or "cmd".
func directions() map[string][]string {
	return map[string][]string{
		"cmd":        {"lab", "explain", "plugins", "usage", "memory", "constraint", "apis"},
		"lab":        {"explain", "plugins", "usage", "memory", "constraint", "apis"},
		"explain":    {"plugins", "usage", "memory", "constraint", "apis"},
		"plugins":    {"usage", "memory", "constraint", "apis"},
		"usage":      {"memory", "apis"},
		"memory":     {"apis"},
		"constraint": {"apis"},
		"apis":       {},
	}
}

// components are the packages that carry a whole component of Kubernetes.
func components() []string {
	return []string{
		"go.etcd.io/etcd/server/v3",
		"k8s.io/kubectl/pkg/cmd",
		"k8s.io/kubernetes/cmd",
		"sigs.k8s.io/kwok/cmd",
		"sigs.k8s.io/kwok/pkg/kwok/cmd",
		"sigs.k8s.io/metrics-server/cmd",
		"sigs.k8s.io/metrics-server/pkg/server",
	}
}

// impurities are what pkg/constraint and pkg/memory do not import themselves.
func impurities() map[string]string {
	return map[string]string{
		"k8s.io/client-go":                "a client",
		"k8s.io/klog":                     "logging",
		"k8s.io/utils/clock":              "a clock",
		"github.com/prometheus":           "metrics",
		"k8s.io/component-base/metrics":   "metrics",
		"k8s.io/metrics/pkg/client":       "a client",
		"sigs.k8s.io/controller-runtime":  "a client",
		"k8s.io/kubernetes/pkg/scheduler": "the scheduler",
		"k8s.io/kube-scheduler/framework": "the scheduler",
	}
}

// isPure reports whether a folder of the repository belongs to the packages without client, clock and log.
func isPure(dir string) bool {
	return within(dir, "pkg/constraint") || within(dir, "pkg/memory")
}

// within reports whether path is parent or below it.
func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// partOf returns the part of the house that an import path belongs to: "" when it is no part of pkg or cmd.
func partOf(importPath string) string {
	path, ours := strings.CutPrefix(importPath, Module+"/")
	if !ours {
		return ""
	}
	first, rest, _ := strings.Cut(path, "/")
	switch first {
	case "cmd":
		return "cmd"
	case "pkg":
		part, _, _ := strings.Cut(rest, "/")
		return part
	}
	return ""
}

// CheckImportDirections reports imports against the directions of the house, in code and in tests, and parts that the
// directions do not know.
func CheckImportDirections(packages []Package) []Finding {
	allowed := directions()
	var findings []Finding
	for _, p := range packages {
		from := partOf(p.ImportPath)
		if from == "" {
			continue
		}
		if _, known := allowed[from]; !known {
			findings = append(findings, findingf(p.ImportPath,
				"pkg/%s is no part of the house: use one of %s, or add it to the design and to this rule",
				from, strings.Join(slices.Sorted(maps.Keys(allowed)), ", ")))
			continue
		}
		for _, imported := range p.allImports() {
			to := partOf(imported)
			if to != "" && to != from && !slices.Contains(allowed[from], to) {
				findings = append(findings, findingf(p.ImportPath, "imports %s: %s may import %s only", imported, from, orNothing(allowed[from])))
			}
		}
	}
	return findings
}

// CheckPurity reports impure imports of pkg/constraint and pkg/memory, and a client at any distance. Tests are free.
func CheckPurity(packages []Package) []Finding {
	var findings []Finding
	for _, p := range packages {
		if !isPure(strings.TrimPrefix(p.ImportPath, Module+"/")) {
			continue
		}
		for _, imported := range p.Imports {
			for impure, what := range impurities() {
				if within(imported, impure) {
					findings = append(findings, findingf(p.ImportPath, "imports %s: a pure package has no place for %s", imported, what))
				}
			}
		}
		for _, dep := range p.Deps {
			// The feature gates of client-go are a table; Kubernetes' own API helpers read it.
			if within(dep, "k8s.io/client-go") && dep != "k8s.io/client-go/features" && !slices.Contains(p.Imports, dep) {
				findings = append(findings, findingf(p.ImportPath, "pulls in %s through another import: a pure package has no place for a client", dep))
			}
		}
	}
	return findings
}

// CheckComponentImports reports packages below pkg, other than pkg/lab/component, that import a whole component.
func CheckComponentImports(packages []Package) []Finding {
	var findings []Finding
	for _, p := range packages {
		if !within(p.ImportPath, Module+"/pkg") || within(p.ImportPath, Module+"/pkg/lab/component") {
			continue
		}
		for _, imported := range p.allImports() {
			if slices.ContainsFunc(components(), func(c string) bool { return within(imported, c) }) {
				findings = append(findings, findingf(p.ImportPath, "imports %s: whole components belong to pkg/lab/component and cmd", imported))
			}
		}
	}
	return findings
}

func (p Package) allImports() []string {
	all := slices.Concat(p.Imports, p.TestImports, p.XTestImports)
	slices.Sort(all)
	return slices.Compact(all)
}

func orNothing(parts []string) string {
	if len(parts) == 0 {
		return "nothing of ours"
	}
	return strings.Join(parts, ", ")
}
