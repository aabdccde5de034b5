// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/scanner"
	"go/token"
	"regexp"
	"strings"
)

// source finds blocks that call themselves output and are input: a command or the start of a file.
var source = regexp.MustCompile(`^(\$ |make |kubectl |helm |docker |git clone|go (build|get|install|run|test) |bin/|apiVersion:|package |\{$)`)

// CheckBlock reports what is wrong with a fenced code block. The commands in a shell block are checked against commands.
func CheckBlock(block Block, objects *Objects, commands *Commands) []Problem {
	switch block.Language {
	case "yaml":
		return objects.Check(block.Place, block.Text)
	case "json":
		return checkJSON(block.Place, block.Text)
	case "go":
		return checkGo(block)
	case "sh", "bash", "console":
		return checkShell(block, commands)
	case "", "text":
		if first := source.FindString(block.Text); first != "" {
			return []Problem{problemf(block.Place, "the block begins with %q and names no language: only output goes without", strings.TrimSpace(first))}
		}
		return nil
	}
	return []Problem{problemf(block.Place, "language %q is not checked: use yaml, json, go, sh, bash, console or, for output, text", block.Language)}
}

func checkJSON(place Place, text string) []Problem {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return []Problem{problemf(place, "JSON: %v", err)}
	}
	return nil
}

// checkGo accepts a file, declarations, or statements. The error is that of the statements, what most blocks are.
func checkGo(block Block) []Problem {
	var err error
	for _, frame := range [][2]string{{"", ""}, {"package p;", ""}, {"package p; func _() {", "\n}"}} {
		if _, err = parser.ParseFile(token.NewFileSet(), "", frame[0]+block.Text+frame[1], parser.SkipObjectResolution); err == nil {
			return nil
		}
	}
	place, message := block.Place, err.Error()
	if list, ok := errors.AsType[scanner.ErrorList](err); ok && len(list) > 0 {
		place.Line += list[0].Pos.Line - 1
		message = list[0].Msg
	}
	return []Problem{problemf(place, "Go that is neither a file nor declarations nor statements: %s", message)}
}
