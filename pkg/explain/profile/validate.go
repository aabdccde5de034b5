// SPDX-License-Identifier: Apache-2.0

package profile

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	configv1 "k8s.io/kube-scheduler/config/v1"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulervalidation "k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	frameworkplugins "k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/apis/config/validation"
	"github.com/headroom-dev/headroom/pkg/plugins/registry"
)

// Problem is what is wrong with a configuration.
type Problem struct {
	// Line in the file, from 1 on; 0: it is not known.
	Line int `json:"line,omitempty"`
	// Field is the path of the field, such as profiles[0].plugins.multiPoint.enabled[1].name.
	Field string `json:"field,omitempty"`
	Text  string `json:"text"`
	// Refused tells whether the scheduler would not start with it. Other problems are likely mistakes.
	Refused bool `json:"refused"`
}

// Place is where the problem is in a file of that name, by line as far as it is known.
func (p *Problem) Place(file string) string {
	if p.Line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(p.Line)
}

// Words says which field is wrong, as far as it is known, and why.
func (p *Problem) Words() string {
	if p.Field == "" {
		return p.Text
	}
	return p.Field + ": " + p.Text
}

// Validate returns what is wrong with a configuration, by line, and the configuration itself, or nil if it cannot be read.
func Validate(text []byte) (*schedulerconfig.KubeSchedulerConfiguration, []Problem) {
	lines := newLineFinder(text)
	configuration, err := Decode(text)
	if err != nil {
		return nil, lines.place(lines.decodingProblems(err))
	}
	problems := validated(configuration)
	var written configv1.KubeSchedulerConfiguration // without what the defaults put before and behind it
	if err := yaml.Unmarshal(text, &written); err != nil {
		return nil, []Problem{{Text: err.Error(), Refused: true}}
	}
	for i := range written.Profiles {
		problems = append(problems, pluginProblems(fmt.Sprintf("profiles[%d]", i), &written.Profiles[i])...)
	}
	if line := secondDocument(text); line > 0 {
		problems = append(problems, Problem{Line: line, Text: "a second document begins here, which the scheduler does not read: write its profiles into the first"})
	}
	return configuration, lines.place(problems)
}

var (
	unknownField  = regexp.MustCompile(`unknown field "([^"]+)"`)
	duplicateKey  = regexp.MustCompile(`duplicate field "([^"]+)"|key "([^"]+)" already set in map`)
	ofPlugin      = regexp.MustCompile(`decoding \.?(profiles\[\d+\]\.pluginConfig\[\d+\])`)
	yamlLine      = regexp.MustCompile(`line (\d+): (.*)`)
	wrongTypePath = regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field \w+\.([\w.]+) of type (\S+)`)
)

// decodingProblems reads what the decoder says.
func (f lineFinder) decodingProblems(err error) []Problem {
	text := err.Error()
	prefix := ""
	if plugin := ofPlugin.FindStringSubmatch(text); plugin != nil {
		prefix = plugin[1] + ".args."
	}
	if runtime.IsNotRegisteredError(err) {
		return []Problem{{Field: "apiVersion", Text: text[:max(strings.Index(text, " in scheme "), 0)] + ": want kind KubeSchedulerConfiguration, apiVersion " +
			configv1.SchemeGroupVersion.String(), Refused: true}}
	}
	var problems []Problem
	for _, match := range unknownField.FindAllStringSubmatch(text, -1) {
		words := "no such field"
		last := match[1][strings.LastIndex(match[1], ".")+1:]
		switch near := Nearest(last, fieldNames()); {
		case near == last:
			words = "no such field here, though there is elsewhere: look at its indentation"
		case near != "":
			words += fmt.Sprintf("; perhaps %q is meant", near)
		}
		problems = append(problems, Problem{Field: prefix + match[1], Text: words, Refused: true})
	}
	for _, match := range duplicateKey.FindAllStringSubmatch(text, -1) {
		problems = append(problems, Problem{Field: prefix + match[1] + match[2], Text: "it is there twice", Refused: true})
	}
	if match := wrongTypePath.FindStringSubmatch(text); match != nil {
		problems = append(problems, Problem{Field: prefix + match[2], Text: fmt.Sprintf("it is a %s, want a value of type %s", match[1], strings.TrimPrefix(match[3], "*")), Refused: true})
	}
	if len(problems) > 0 {
		return problems
	}
	if match := yamlLine.FindStringSubmatch(text); match != nil {
		line, err := strconv.Atoi(match[1])
		if err == nil {
			return []Problem{{Line: line, Text: match[2], Refused: true}}
		}
	}
	if problem, found := f.misfit(); found {
		return []Problem{problem}
	}
	return []Problem{{Field: strings.TrimSuffix(prefix, ".args."), Text: text, Refused: true}}
}

// validated returns what kube-scheduler and our plugins refuse.
func validated(configuration *schedulerconfig.KubeSchedulerConfiguration) []Problem {
	var problems []Problem
	if faults := schedulervalidation.ValidateKubeSchedulerConfiguration(configuration); faults != nil {
		problems = append(problems, faultsOf(faults)...)
	}
	for i := range configuration.Profiles {
		for j := range configuration.Profiles[i].PluginConfig {
			path := field.NewPath("profiles").Index(i).Child("pluginConfig").Index(j).Child("args")
			var err error
			switch args := configuration.Profiles[i].PluginConfig[j].Args.(type) {
			case *config.HeadroomMemoryArgs:
				err = validation.ValidateHeadroomMemoryArgs(path, args)
			case *config.HeadroomNodeAffinityArgs:
				err = validation.ValidateHeadroomNodeAffinityArgs(path, args)
			}
			if err != nil {
				problems = append(problems, faultsOf(err)...)
			}
		}
	}
	return problems
}

// faultsOf takes an error apart.
func faultsOf(err error) []Problem {
	if several, ok := err.(interface{ Errors() []error }); ok {
		var problems []Problem
		for _, one := range several.Errors() {
			problems = append(problems, faultsOf(one)...)
		}
		return problems
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var problems []Problem
		for _, one := range several.Unwrap() {
			problems = append(problems, faultsOf(one)...)
		}
		return problems
	}
	if of, ok := errors.AsType[*field.Error](err); ok {
		return []Problem{{Field: of.Field, Text: of.ErrorBody(), Refused: true}}
	}
	return []Problem{{Text: err.Error(), Refused: true}}
}

// pluginProblems returns plugins that are not there, and twins that both run.
func pluginProblems(path string, of *configv1.KubeSchedulerProfile) []Problem {
	known := slices.Collect(maps.Keys(registry.Plugins(nil)))
	known = append(known, slices.Collect(maps.Keys(frameworkplugins.NewInTreeRegistry()))...)
	var problems []Problem
	// The scheduler refuses to run what is not there; what else is said of it is idle.
	check := func(where, name string, refused bool) {
		if name == "*" || slices.Contains(known, name) {
			return
		}
		text := fmt.Sprintf("there is no plugin %q", name)
		if near := Nearest(name, known); near != "" {
			text += fmt.Sprintf("; perhaps %q is meant", near)
		}
		problems = append(problems, Problem{Field: where, Text: text, Refused: refused})
	}
	for point, set := range pointsOf(of.Plugins) {
		for i, plugin := range set.Enabled {
			if isNamed(set.Enabled[:i], plugin.Name) {
				problems = append(problems, Problem{Field: fmt.Sprintf("%s.plugins.%s.enabled[%d].name", path, point, i), Text: plugin.Name + " is enabled there twice", Refused: true})
			}
			check(fmt.Sprintf("%s.plugins.%s.enabled[%d].name", path, point, i), plugin.Name, true)
		}
		for i, plugin := range set.Disabled {
			check(fmt.Sprintf("%s.plugins.%s.disabled[%d].name", path, point, i), plugin.Name, false)
		}
	}
	for i, plugin := range of.PluginConfig {
		check(fmt.Sprintf("%s.pluginConfig[%d].name", path, i), plugin.Name, false)
	}
	return append(problems, twins(path, of.Plugins)...)
}

// pointsOf returns the plugin sets by the names of their extension points.
func pointsOf(plugins *configv1.Plugins) map[string]configv1.PluginSet {
	if plugins == nil {
		return nil
	}
	return map[string]configv1.PluginSet{
		"preEnqueue": plugins.PreEnqueue, "queueSort": plugins.QueueSort, "preFilter": plugins.PreFilter, "filter": plugins.Filter,
		"postFilter": plugins.PostFilter, "preScore": plugins.PreScore, "score": plugins.Score, "reserve": plugins.Reserve,
		"permit": plugins.Permit, "preBind": plugins.PreBind, "bind": plugins.Bind, "postBind": plugins.PostBind, "multiPoint": plugins.MultiPoint,
	}
}
