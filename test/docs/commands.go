// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

var (
	makeTarget = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*):(?:[^=]|$)`)
	makeOption = regexp.MustCompile(`^(-[jkns]\d*|--[a-z-]+(=.*)?)$`)
	// components is how the lab's help lists the components that the same binary is.
	componentList = regexp.MustCompile(`headroom-lab \{([a-z0-9|-]+)\}`)
	// ourPath finds arguments that are paths of the repository.
	ourPath = regexp.MustCompile(`^(\./)?(cmd|config|docs|manifests|pkg|test)/`)
)

// Commands knows the commands that the documentation may show.
type Commands struct {
	// Makefile is its text.
	Makefile string
	// Help runs one of our binaries with the arguments and --help, and returns what it prints.
	Help func(binary string, args ...string) (string, error)
	// Exists tells whether a path of the repository is a file or a folder.
	Exists func(path string) bool
}

// Check reports what is wrong with a call of make or of one of our binaries, and paths of the repository that are not there.
func (c *Commands) Check(call Command) []Problem {
	words := call.Words
	for len(words) > 1 && slices.Contains([]string{"sudo", "exec", "nohup", "command"}, words[0]) {
		words = words[1:]
	}
	var problems []Problem
	for _, word := range words {
		if file := strings.TrimSuffix(path.Clean(word), "/..."); ourPath.MatchString(word) && !strings.ContainsAny(word, unknown+"*?[<") && !c.Exists(file) {
			problems = append(problems, problemf(call.Place, "the repository has no %s", word))
		}
	}
	switch name := words[0]; path.Base(name) {
	case "make":
		problems = append(problems, c.checkMake(call, words[1:])...)
	case "headroom-lab":
		problems = append(problems, c.checkBinary(call, "headroom-lab", "headroom-lab", words[1:])...)
	case "headroom-scheduler":
		problems = append(problems, c.checkBinary(call, "headroom-scheduler", "headroom-scheduler", words[1:])...)
	case "kubectl":
		if len(words) > 1 && words[1] == "headroom" {
			problems = append(problems, c.checkBinary(call, "kubectl-headroom", "kubectl headroom", words[2:])...)
		}
	}
	return problems
}

// checkMake compares targets and variables with the Makefile.
func (c *Commands) checkMake(call Command, words []string) []Problem {
	var targets []string
	for _, match := range makeTarget.FindAllStringSubmatch(c.Makefile, -1) {
		targets = append(targets, match[1])
	}
	var problems []Problem
	variables := slices.Clone(call.Variables)
	for _, word := range words {
		variable, _, isVariable := strings.Cut(word, "=")
		switch {
		case makeOption.MatchString(word):
		case isVariable:
			variables = append(variables, variable)
		case !slices.Contains(targets, word):
			problems = append(problems, problemf(call.Place, "make %s: the Makefile has no such target", word))
		}
	}
	for _, variable := range variables {
		if !regexp.MustCompile(`\$\([^)\n]*\b` + regexp.QuoteMeta(variable) + `\b`).MatchString(c.Makefile) {
			problems = append(problems, problemf(call.Place, "make %s=: the Makefile reads no such variable", variable))
		}
	}
	return problems
}

// checkBinary follows the subcommands as far as the help of the binary knows them, then looks the flags up. name is what the
// help calls the binary.
func (c *Commands) checkBinary(call Command, binary, name string, words []string) []Problem {
	help, err := c.Help(binary)
	if err != nil {
		return []Problem{problemf(call.Place, "%s --help: %v", binary, err)}
	}
	if list := componentList.FindStringSubmatch(help); list != nil && len(words) > 0 && slices.Contains(strings.Split(list[1], "|"), words[0]) {
		return nil // the arguments are those of the component
	}
	if end := slices.Index(words, "--"); end >= 0 {
		words = words[:end]
	}
	first := slices.IndexFunc(words, isFlag)
	if first < 0 {
		first = len(words)
	}
	name, help, err = c.subcommand(binary, name, help, words[:first])
	if err != nil {
		return []Problem{problemf(call.Place, "%v", err)}
	}
	var problems []Problem
	for _, word := range words[first:] {
		flag, _, _ := strings.Cut(word, "=")
		if isFlag(word) && flag != "--help" && !regexp.MustCompile(`(?m)(^|[\s,])`+regexp.QuoteMeta(flag)+`([\s,=[]|$)`).MatchString(help) {
			problems = append(problems, problemf(call.Place, "%s has no flag %s", name, flag))
		}
	}
	return problems
}

// subcommand follows words down the subcommands and returns the full name of the last one and its help. What a command
// without subcommands is given are arguments.
func (c *Commands) subcommand(binary, called, help string, words []string) (name, lastHelp string, err error) {
	name = called
	for i, word := range words {
		if !strings.Contains(help, "Available Commands:") {
			break
		}
		next, err := c.Help(binary, words[:i+1]...)
		// An unknown subcommand is answered with the help of its parent.
		usage := regexp.MustCompile(`(?m)^ *` + regexp.QuoteMeta(name+" "+word) + `( |$)`)
		if err != nil || !usage.MatchString(next) {
			return "", "", fmt.Errorf("%s has no subcommand %q", name, word)
		}
		name, help = name+" "+word, next
	}
	return name, help, nil
}

func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

// helpOnce keeps what Help returned: starting a binary of this size takes a good part of a second.
func helpOnce(help func(binary string, args ...string) (string, error)) func(binary string, args ...string) (string, error) {
	type result struct {
		text string
		err  error
	}
	known := map[string]result{}
	return func(binary string, args ...string) (string, error) {
		key := fmt.Sprint(binary, args)
		r, ok := known[key]
		if !ok {
			r.text, r.err = help(binary, args...)
			known[key] = r
		}
		return r.text, r.err
	}
}
