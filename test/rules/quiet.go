// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"go/ast"
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
	ofPlugin := func(folder string) bool { return strings.HasPrefix(folder, "pkg/plugins/") }
	return checkParsed(files, ofPlugin, func(file *ast.File, line func(ast.Node) string) (findings []Finding) {
		for _, declaration := range file.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if !ok || method.Recv == nil || method.Body == nil || !slices.Contains(perNode(), method.Name.Name) {
				continue
			}
			ast.Inspect(method.Body, func(node ast.Node) bool {
				called, ok := node.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if does := loud()[called.Sel.Name]; does != "" {
					findings = append(findings, findingf(line(called), "%s %s for each node of a cycle", method.Name.Name, does))
				}
				return true
			})
		}
		return findings
	})
}
