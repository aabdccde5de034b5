// SPDX-License-Identifier: Apache-2.0

package cases

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// ReadAll reads all files of a folder that end in .txt. Titles must differ, also between files.
func ReadAll(folder string) ([]File, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("%s holds no file of cases: want at least one that ends in .txt", folder)
	}
	var files []File
	titles := map[string]Position{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		file, err := Parse(filepath.Base(path), string(text))
		if err != nil {
			return nil, err
		}
		for _, c := range file.Cases {
			if other, taken := titles[c.Title]; taken {
				return nil, &Error{c.At, fmt.Sprintf("found title %q, which %s has too: titles must differ", c.Title, other)}
			}
			titles[c.Title] = c.At
		}
		files = append(files, *file)
	}
	return files, nil
}

// Parse reads the text of one file; name is how errors call it. An error is an *Error.
func Parse(name, text string) (*File, error) {
	statements, err := scan(name, text)
	if err != nil {
		return nil, err
	}
	file := &File{Name: name}
	p := &parser{}
	for _, s := range statements {
		p.tokens = s.tokens
		if p.peek().is("case") {
			p.endCase()
			if p.err != nil {
				break
			}
			file.Cases = append(file.Cases, Case{Title: s.title, At: p.next().at})
			p.begin(&file.Cases[len(file.Cases)-1])
			continue
		}
		p.statement()
		if p.err != nil {
			break
		}
	}
	p.endCase()
	if p.err != nil {
		return nil, p.err
	}
	return file, nil
}

// parser reads the statements of one case after the other. The first fault sticks: from then on no token is left.
type parser struct {
	tokens  []token
	current *Case
	nodes   map[string]bool
	pods    map[string]bool
	err     *Error
}

func (p *parser) begin(c *Case) {
	p.current, p.nodes, p.pods = c, map[string]bool{}, map[string]bool{}
}

func (p *parser) endCase() {
	if p.current == nil || p.err != nil {
		return
	}
	if !slices.ContainsFunc(p.current.Steps, func(step Step) bool { return step.Expect != nil }) {
		p.err = &Error{p.current.At, fmt.Sprintf("found case %q without an expectation: end it with expect", p.current.Title)}
	}
}

func (p *parser) fail(at token, format string, args ...any) {
	if p.err == nil {
		p.err = &Error{at.at, fmt.Sprintf(format, args...)}
	}
}

// peek returns the next token; after a fault, and behind the last one, one of kind end.
func (p *parser) peek() token {
	if p.err != nil {
		return token{kind: end}
	}
	return p.tokens[0]
}

func (p *parser) next() token {
	t := p.peek()
	if t.kind != end {
		p.tokens = p.tokens[1:]
	}
	return t
}

// accept takes the next token if it is this word or mark.
func (p *parser) accept(text string) bool {
	if p.peek().is(text) {
		p.next()
		return true
	}
	return false
}

func (p *parser) want(text string) {
	if t := p.peek(); !p.accept(text) {
		p.fail(t, "found %s, expected %s", t, text)
	}
}

// value takes a word or a quoted text. what says what is expected.
func (p *parser) value(what string) (string, token) {
	t := p.next()
	if t.kind != word && t.kind != quoted {
		p.fail(t, "found %s, expected %s", t, what)
	}
	return t.text, t
}

// name takes the name of a node or a pod.
func (p *parser) name(what string) (string, token) {
	name, t := p.value("the name of " + what)
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		p.fail(t, "found %s, expected the name of %s: %s", t, what, problems[0])
	}
	return name, t
}

// known takes the name of a node or a pod that the case has introduced.
func (p *parser) known(what string, names map[string]bool) string {
	name, t := p.name(what)
	if !names[name] {
		p.fail(t, "found %s, expected the name of %s that the case has introduced before", t, what)
	}
	return name
}

// quantity takes an amount that is not negative.
func (p *parser) quantity(what string) resource.Quantity {
	text, t := p.value(what)
	amount, err := resource.ParseQuantity(text)
	if err != nil || amount.Sign() < 0 {
		p.fail(t, "found %s, expected %s: a quantity that is not negative, such as 4 or 64Mi", t, what)
	}
	return amount
}

// statement reads one statement of a case.
func (p *parser) statement() {
	first := p.peek()
	if p.current == nil {
		p.fail(first, "found %s, expected case: every statement belongs to a case", first)
		return
	}
	step := Step{At: first.at}
	if p.accept("then") {
		p.happening(&step)
	} else {
		p.opening(&step)
	}
	if t := p.peek(); t.kind != end {
		p.fail(t, "found %s, expected the end of the statement", t)
	}
	if says := step.Expect != nil || step.Node != nil || step.Pod != nil || step.Change != nil; says && p.err == nil {
		p.current.Steps = append(p.current.Steps, step)
	}
}

// opening reads a statement that begins without then.
func (p *parser) opening(step *Step) {
	keyword := p.peek()
	switch {
	case p.accept("config"):
		p.config(keyword)
	case p.accept("skip"):
		p.skip(keyword)
	case p.accept("expect"):
		step.Expect = p.expectation()
	case p.arrival(step):
	case isChange(keyword):
		p.fail(keyword, "found %s, expected then %s: what changes begins with then", keyword, keyword.text)
	default:
		p.fail(keyword, "found %s, expected one of case, config, skip, node, existing, pod, expect, then", keyword)
	}
}

// happening reads what follows then.
func (p *parser) happening(step *Step) {
	keyword := p.peek()
	switch {
	case p.arrival(step):
	case isChange(keyword):
		p.next()
		step.Change = p.change(ChangeKind(keyword.text))
	default:
		p.fail(keyword, "found %s after then, expected node, pod, existing or one of %s", keyword, changeWords())
	}
}

// arrival reads a statement that adds a node or a pod, and reports whether it is one.
func (p *parser) arrival(step *Step) bool {
	switch {
	case p.accept("node"):
		step.Node = p.node()
	case p.accept("pod"):
		step.Pod = p.pod()
	case p.accept("existing"):
		step.Pod = p.existing()
	default:
		return false
	}
	return true
}

func (p *parser) config(keyword token) {
	if p.current.Config != "" || len(p.current.Steps) > 0 {
		p.fail(keyword, "found config, expected it once and before the first node or pod of the case")
	}
	p.current.Config, _ = p.name("a file of the folder config, without its ending")
}

func (p *parser) skip(keyword token) {
	if len(p.current.Steps) > 0 {
		p.fail(keyword, "found skip, expected it before the first node or pod of the case")
	}
	text, at := p.value("a runner")
	if !slices.Contains(runners(), Runner(text)) || at.kind == quoted {
		p.fail(at, "found %s, expected one of process, cluster, kind, stock", at)
	}
	reason, at := p.value("the reason in double quotes")
	if at.kind != quoted || strings.TrimSpace(reason) == "" {
		p.fail(at, "found %s, expected the reason in double quotes", at)
	}
	if p.current.Skipped(Runner(text)) != "" {
		p.fail(at, "found a second skip %s, expected one", text)
	}
	p.current.Skips = append(p.current.Skips, Skip{Runner(text), reason})
}
