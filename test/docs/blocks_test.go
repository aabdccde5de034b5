// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rendered returns problems as text, nil when there is none.
func rendered(problems []Problem) []string {
	var texts []string
	for _, problem := range problems {
		texts = append(texts, problem.String())
	}
	return texts
}

// fakeHelp is the help of a lab with the commands demo, "trace show" and kubectl, and of a scheduler.
func fakeHelp(binary string, args ...string) (string, error) {
	pages := map[string]string{
		"headroom-lab":            "It is also:\nheadroom-lab {etcd|kubectl} [arguments]\n\nUsage:\n  headroom-lab [command]\n\nAvailable Commands:\n  demo\n  trace\n",
		"headroom-lab demo":       "Usage:\n  headroom-lab demo [flags]\n\nFlags:\n      --keep\n  -o, --out string   folder\n",
		"headroom-lab trace":      "Usage:\n  headroom-lab trace [command]\n\nAvailable Commands:\n  show\n",
		"headroom-lab trace show": "Usage:\n  headroom-lab trace show FILE [flags]\n",
		"headroom-scheduler":      "Usage:\n  headroom-scheduler [flags]\n\nMisc flags:\n      --config string\n      --version version[=true]\n",
	}
	key := strings.Join(append([]string{binary}, args...), " ")
	if page, ok := pages[key]; ok {
		return page, nil
	}
	if slices.Contains([]string{"headroom-lab", "headroom-scheduler"}, binary) {
		return pages[binary], nil // cobra answers an unknown subcommand with the help of its parent
	}
	return "", errors.New("no such binary")
}

func fakeCommands() *Commands {
	return &Commands{
		Makefile: "BIN := bin\n\nbuild: ## Compile\n\tgo build\n\ndemo: build\n\tbin/lab $(if $(SEED),--seed $(SEED)) $(EXTRA)\n",
		Help:     fakeHelp,
		Exists:   func(path string) bool { return path == "config/second" || path == "cmd" },
	}
}

func TestCheckBlock(t *testing.T) {
	tests := []struct {
		name     string
		language string
		text     string
		want     []string
	}{
		{name: "target and variable that exist", language: "sh", text: "make build && make demo SEED=3 EXTRA='--a b'\nSEED=1 make demo\nmake -j2 build\n"},
		{name: "unknown target", language: "sh", text: "make build\nmake dmeo\n", want: []string{"x.md:8: make dmeo: the Makefile has no such target"}},
		{name: "a variable is no target", language: "sh", text: "make BIN\n", want: []string{"x.md:7: make BIN: the Makefile has no such target"}},
		{name: "unknown variable", language: "sh", text: "make demo SEEDS=3\n", want: []string{"x.md:7: make SEEDS=: the Makefile reads no such variable"}},
		{name: "unknown target in a pipe", language: "bash", text: "make build | make x\n", want: []string{"x.md:7: make x: the Makefile has no such target"}},
		{name: "unknown target in a substitution", language: "bash", text: "echo \"$(make x)\"\n", want: []string{"x.md:7: make x: the Makefile has no such target"}},
		{name: "shell that does not parse", language: "sh", text: "if true\n", want: []string{"x.md:7: bash does not parse it: exit status 2: bash: line 2: syntax error: unexpected end of file"}},

		{name: "subcommand and flags that exist", language: "sh", text: "bin/headroom-lab demo --out=x --keep -o y\n./bin/headroom-lab trace show FILE\n"},
		{name: "a component of the lab", language: "sh", text: "bin/headroom-lab kubectl get pods -o wide\n"},
		{name: "unknown subcommand", language: "sh", text: "bin/headroom-lab damo\n", want: []string{`x.md:7: headroom-lab has no subcommand "damo"`}},
		{name: "unknown second subcommand", language: "sh", text: "headroom-lab trace shew\n", want: []string{`x.md:7: headroom-lab trace has no subcommand "shew"`}},
		{name: "unknown flag", language: "sh", text: "headroom-lab demo --keeps\n", want: []string{"x.md:7: headroom-lab demo has no flag --keeps"}},
		{name: "unknown short flag", language: "sh", text: "headroom-lab demo -k\n", want: []string{"x.md:7: headroom-lab demo has no flag -k"}},
		{name: "the scheduler's flags", language: "sh", text: "headroom-scheduler --config x --version\n"},
		{name: "unknown flag of the scheduler", language: "sh", text: "sudo headroom-scheduler --konfig x\n", want: []string{"x.md:7: headroom-scheduler has no flag --konfig"}},
		{name: "path that exists", language: "sh", text: "kubectl apply -k config/second\ngo build ./cmd/...\n"},
		{name: "path that does not exist", language: "sh", text: "kubectl apply -k config/third\n", want: []string{"x.md:7: the repository has no config/third"}},

		{name: "console checks what was typed", language: "console", text: "$ make \\\n> build\nmake: output is not checked\n$ make x\n", want: []string{"x.md:10: make x: the Makefile has no such target"}},
		{name: "console without a prompt", language: "console", text: "make build\n", want: []string{`x.md:7: a console block without a line that begins with "$ ": use text for output, sh for a script`}},

		{name: "Go file", language: "go", text: "package p\n\nfunc f() {}\n"},
		{name: "Go declarations", language: "go", text: "import \"fmt\"\n\nfunc f() { fmt.Println() }\n"},
		{name: "Go statements", language: "go", text: "x := f()\nx++\n"},
		{name: "no Go", language: "go", text: "x := 1\nx := := 1\n", want: []string{"x.md:8: Go that is neither a file nor declarations nor statements: expected operand, found ':='"}},
		{name: "JSON", language: "json", text: `{"a": [1]}`},
		{name: "no JSON", language: "json", text: `{"a": [1]`, want: []string{"x.md:7: JSON: unexpected end of JSON input"}},
		{name: "output", language: "text", text: "NODE  LEFT\na     1Gi\n"},
		{name: "output without a language", text: "NODE  LEFT\n"},
		{name: "a command that calls itself output", text: "$ make build\n", want: []string{`x.md:7: the block begins with "$" and names no language: only output goes without`}},
		{name: "YAML that calls itself output", language: "text", text: "apiVersion: v1\n", want: []string{`x.md:7: the block begins with "apiVersion:" and names no language: only output goes without`}},
		{name: "unknown language", language: "yml", text: "a: 1\n", want: []string{`x.md:7: language "yml" is not checked: use yaml, json, go, sh, bash, console or, for output, text`}},
		{name: "YAML with a key twice", language: "yaml", text: "a: 1\na: 2\n", want: []string{`x.md:7: YAML: error converting YAML to JSON: yaml: unmarshal errors:` + "\n" + `  line 2: key "a" already set in map`}},
	}
	objects, err := NewObjects()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			block := Block{Place: Place{File: "x.md", Line: 7}, Language: tt.language, Text: tt.text}
			if diff := cmp.Diff(tt.want, rendered(CheckBlock(block, objects, fakeCommands()))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
