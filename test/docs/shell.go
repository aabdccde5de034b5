// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os/exec"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// unknown stands for a word, or a part of one, that only a running shell knows.
const unknown = "\x00"

// Command is one call in a shell block.
type Command struct {
	Place Place
	// Variables are the names assigned in front of the command.
	Variables []string
	// Words are the command and its arguments, with the quotes removed.
	Words []string
}

// checkShell reports shell code that bash does not parse, and commands of ours that do not exist.
func checkShell(block Block, commands *Commands) []Problem {
	script := block.Text
	if block.Language == "console" {
		script = promptLines(script)
		if strings.TrimSpace(script) == "" {
			return []Problem{problemf(block.Place, "a console block without a line that begins with \"$ \": use text for output, sh for a script")}
		}
	}
	check := exec.Command("bash", "-n")
	check.Stdin = strings.NewReader(script)
	if out, err := check.CombinedOutput(); err != nil {
		return []Problem{problemf(block.Place, "bash does not parse it: %v: %s", err, strings.TrimSpace(string(out)))}
	}
	calls, err := shellCommands(block.Place, script)
	if err != nil {
		return []Problem{problemf(block.Place, "shell: %v", err)}
	}
	var problems []Problem
	for _, call := range calls {
		problems = append(problems, commands.Check(call)...)
	}
	return problems
}

// promptLines keeps what a person typed in a console session: the lines after "$ ", with their continuations. Output
// becomes empty lines, so that line numbers stay.
func promptLines(session string) string {
	lines := strings.Split(session, "\n")
	continued := false
	for i, line := range lines {
		typed, prompt := strings.CutPrefix(line, "$ ")
		switch {
		case prompt:
		case continued:
			typed = strings.TrimPrefix(line, "> ")
		default:
			typed = ""
		}
		continued = strings.HasSuffix(typed, `\`)
		lines[i] = typed
	}
	return strings.Join(lines, "\n")
}

// shellCommands returns every call in a script, those in pipes, lists and substitutions too.
func shellCommands(place Place, script string) ([]Command, error) {
	file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(script), "")
	if err != nil {
		return nil, err
	}
	var commands []Command
	syntax.Walk(file, func(node syntax.Node) bool {
		call, ok := node.(*syntax.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		command := Command{Place: Place{File: place.File, Line: place.Line + int(call.Pos().Line()) - 1}}
		for _, assign := range call.Assigns {
			command.Variables = append(command.Variables, assign.Name.Value)
		}
		for _, word := range call.Args {
			command.Words = append(command.Words, literal(word.Parts))
		}
		commands = append(commands, command)
		return true
	})
	return commands, nil
}

// literal joins the parts of a word; what only a running shell knows becomes unknown.
func literal(parts []syntax.WordPart) string {
	var b strings.Builder
	for _, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		case *syntax.DblQuoted:
			b.WriteString(literal(p.Parts))
		default:
			b.WriteString(unknown)
		}
	}
	return b.String()
}
