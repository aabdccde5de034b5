// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// perNode are the methods of plugins that are called for each node of a scheduling cycle.
func perNode() []string {
	return []string{"Filter", "Score", "NormalizeScore", "AddPod", "RemovePod"}
}

// loud are the methods of loggers, and of locks.
func loud() map[string]string {
	return map[string]string{
		"Info": "logs", "InfoS": "logs", "Error": "logs", "ErrorS": "logs", "V": "logs", "Lock": "takes a lock", "RLock": "takes a lock",
	}
}

// CheckQuietCalls reports plugins that log or take a lock in what is called for each node. What they call is not looked into.
func CheckQuietCalls(files []File) []Finding {
	var findings []Finding
	for _, file := range files {
		if !isGo(file) || !strings.HasPrefix(file.Path, "pkg/plugins/") || strings.HasSuffix(file.Path, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		parsed, err := parser.ParseFile(set, file.Path, file.Text, parser.SkipObjectResolution)
		if err != nil {
			findings = append(findings, findingf(file.Path, "does not parse: %v", err))
			continue
		}
		for _, declaration := range parsed.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if !ok || method.Recv == nil || method.Body == nil || !slices.Contains(perNode(), method.Name.Name) {
				continue
			}
			ast.Inspect(method.Body, func(node ast.Node) bool {
				call, ok := node.(*ast.CallExpr)
				if !ok {
					return true
				}
				if called, ok := call.Fun.(*ast.SelectorExpr); ok {
					if does := loud()[called.Sel.Name]; does != "" {
						findings = append(findings, findingf(set.Position(call.Pos()).String(), "%s %s for each node of a cycle", method.Name.Name, does))
					}
				}
				return true
			})
		}
	}
	return findings
}
