// SPDX-License-Identifier: Apache-2.0

package profile

import (
	"encoding/json"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// misfit returns the first value that its field does not take, if there is one. Decoders of quantities and durations do not say whose the value
// was that they refuse, so each is given alone to an object like the one that refused them all.
func (f lineFinder) misfit() (problem Problem, found bool) {
	if f.root == nil {
		return Problem{}, false
	}
	if f.root.Kind != kyaml.MappingNode {
		return Problem{Text: "it has no fields: want kind KubeSchedulerConfiguration, apiVersion " + configv1.SchemeGroupVersion.String(), Refused: true}, true
	}
	if problem, found := misfitOf(f.root, "", alone(&configv1.KubeSchedulerConfiguration{})); found {
		return problem, true
	}
	profiles, _ := child(f.root, "profiles")
	for i, profile := range itemsOf(profiles) {
		plugins, _ := child(profile, "pluginConfig")
		for j, plugin := range itemsOf(plugins) {
			name, _ := child(plugin, "name")
			arguments, _ := child(plugin, "args")
			if name == nil || arguments == nil {
				continue
			}
			object, err := schedulerscheme.Scheme.New(configv1.SchemeGroupVersion.WithKind(name.Value + "Args"))
			if err != nil { // Nobody here knows what they are.
				continue
			}
			if problem, found := misfitOf(arguments, fmt.Sprintf("profiles[%d].pluginConfig[%d].args", i, j), alone(object)); found {
				return problem, true
			}
		}
	}
	return Problem{}, false
}

// itemsOf returns the items of a list, none of anything else.
func itemsOf(node *kyaml.Node) []*kyaml.Node {
	if node == nil || node.Kind != kyaml.SequenceNode {
		return nil
	}
	return node.Content
}

// alone returns a function that gives a document to a copy of an empty object, and returns why that does not take it.
func alone(empty runtime.Object) func(document any) error {
	return func(document any) error {
		text, err := json.Marshal(document)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, empty.DeepCopyObject())
	}
}

// misfitOf walks the values of a node at a path. take says why a document is not taken that has nothing but a value at its place.
func misfitOf(node *kyaml.Node, path string, take func(any) error) (Problem, bool) {
	switch node.Kind {
	case kyaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			key := node.Content[i].Value
			at := key
			if path != "" {
				at = path + "." + key
			}
			if problem, found := misfitOf(node.Content[i+1], at, func(value any) error { return take(map[string]any{key: value}) }); found {
				return problem, true
			}
		}
	case kyaml.SequenceNode:
		for i, item := range node.Content {
			if problem, found := misfitOf(item, fmt.Sprintf("%s[%d]", path, i), func(value any) error { return take([]any{value}) }); found {
				return problem, true
			}
		}
	case kyaml.ScalarNode:
		var value any
		if err := node.Decode(&value); err != nil {
			return Problem{}, false
		}
		if err := take(value); err != nil {
			return Problem{Line: node.Line, Field: path, Text: misfitText(node.Value, err), Refused: true}, true
		}
	}
	return Problem{}, false
}

func misfitText(value string, err error) string {
	if errors.Is(err, resource.ErrFormatWrong) || errors.Is(err, resource.ErrNumeric) || errors.Is(err, resource.ErrSuffix) {
		return fmt.Sprintf("%q is no quantity: want one such as 256Mi", value)
	}
	return fmt.Sprintf("%q: %v", value, err)
}
