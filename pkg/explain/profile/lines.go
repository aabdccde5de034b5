// SPDX-License-Identifier: Apache-2.0

package profile

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	configv1 "k8s.io/kube-scheduler/config/v1"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	headroomv1 "github.com/headroom-dev/headroom/pkg/apis/config/v1"
)

// lineFinder finds the lines of fields in a file.
type lineFinder struct{ root *kyaml.Node }

func newLineFinder(text []byte) lineFinder {
	parsed, err := kyaml.Parse(string(text))
	if err != nil {
		return lineFinder{}
	}
	return lineFinder{parsed.YNode()}
}

// place gives the problems their lines, and sorts by them.
func (f lineFinder) place(problems []Problem) []Problem {
	for i := range problems {
		if problems[i].Line == 0 && f.root != nil && problems[i].Field != "" {
			problems[i].Line = f.find(problems[i].Field)
		}
	}
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(a.Line-b.Line, strings.Compare(a.Field, b.Field), strings.Compare(a.Text, b.Text))
	})
	return problems
}

// secondDocument returns the line on which a second document of YAML begins that has more than comments, or 0.
func secondDocument(text []byte) int {
	began, said := 0, false
	at := 0
	for line := range strings.Lines(string(text)) {
		at++
		switch line = strings.TrimSpace(line); {
		case line == "" || line[0] == '#':
		case strings.HasPrefix(line, "---"):
			if said {
				began = at
			}
		case began > 0:
			return began
		default:
			said = true
		}
	}
	return 0
}

// find returns the line of a field, or of the nearest above it that is in the file.
func (f lineFinder) find(path string) int {
	node, line := f.root, f.root.Line
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next, at := child(node, segment)
		if next == nil {
			return line
		}
		node, line = next, at
	}
	return line
}

// child returns the value of a key or an index, and the line where it is written.
func child(node *kyaml.Node, segment string) (*kyaml.Node, int) {
	switch node.Kind {
	case kyaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if node.Content[i].Value == segment {
				return node.Content[i+1], node.Content[i].Line
			}
		}
	case kyaml.SequenceNode:
		if i, err := strconv.Atoi(segment); err == nil && i >= 0 && i < len(node.Content) {
			return node.Content[i], node.Content[i].Line
		}
	}
	return nil, 0
}

// fieldNames returns every field that a configuration and Headroom's plugin arguments may have.
func fieldNames() []string {
	seen := map[reflect.Type]bool{}
	var names []string
	var walk func(reflect.Type)
	walk = func(kind reflect.Type) {
		for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice || kind.Kind() == reflect.Map {
			kind = kind.Elem()
		}
		if kind.Kind() != reflect.Struct || seen[kind] {
			return
		}
		seen[kind] = true
		for field := range kind.Fields() {
			if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
				names = append(names, name)
			}
			walk(field.Type)
		}
	}
	walk(reflect.TypeFor[configv1.KubeSchedulerConfiguration]())
	walk(reflect.TypeFor[headroomv1.HeadroomMemoryArgs]())
	walk(reflect.TypeFor[headroomv1.HeadroomNodeAffinityArgs]())
	slices.Sort(names)
	return slices.Compact(names)
}
