// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	serializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	yamlstream "k8s.io/apimachinery/pkg/util/yaml"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// Objects decodes YAML documents strictly: a field or a kind that Kubernetes does not know is a problem.
type Objects struct {
	decoder runtime.Decoder
}

// NewObjects returns a checker that knows every kind of client-go, APIService and CustomResourceDefinition.
func NewObjects() (*Objects, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, apiregistrationv1.AddToScheme, apiextensionsv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("registering the kinds of Kubernetes: %w", err)
		}
	}
	options := serializer.SerializerOptions{Yaml: true, Strict: true}
	return &Objects{decoder: serializer.NewSerializerWithOptions(serializer.DefaultMetaFactory, scheme, scheme, options)}, nil
}

// Check reports documents in a YAML stream that do not decode. A document without a kind is a fragment, or the file of
// another program: it has to be valid YAML in which no key is there twice.
func (o *Objects) Check(place Place, text string) []Problem {
	var problems []Problem
	reader := yamlstream.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return problems
		}
		if err != nil {
			return append(problems, problemf(place, "YAML: %v", err))
		}
		start := place
		if at := strings.Index(text, string(document)); at > 0 {
			start.Line += strings.Count(text[:at], "\n")
		}
		problems = append(problems, o.document(start, document)...)
	}
}

// document checks one document of a stream.
func (o *Objects) document(place Place, document []byte) []Problem {
	var fields map[string]any
	if err := yaml.UnmarshalStrict(document, &fields); err != nil {
		var list []any
		if yaml.UnmarshalStrict(document, &list) == nil {
			return nil // a fragment that is a list
		}
		return []Problem{problemf(place, "YAML: %v", err)}
	}
	kind, _ := fields["kind"].(string)
	apiVersion, _ := fields["apiVersion"].(string)
	var err error
	switch group, _ := schema.ParseGroupVersion(apiVersion); {
	case strings.HasPrefix(path.Base(place.File), "kustomization.") || kind == "Kustomization":
		err = yaml.UnmarshalStrict(document, &kustomize.Kustomization{})
	case kind == "" && apiVersion == "":
		return nil
	case kind == "" || apiVersion == "":
		err = errors.New("an object has both apiVersion and kind")
	case group.Group == schedulerconfig.GroupName:
		err = checkSchedulerConfiguration(document)
	default:
		return o.object(place, document)
	}
	if err != nil {
		return []Problem{problemf(place, "%s: %v", kind, err)}
	}
	return nil
}

// object decodes an object of the Kubernetes API, and the configuration files that a ConfigMap carries.
func (o *Objects) object(place Place, document []byte) []Problem {
	object, kind, err := o.decoder.Decode(document, nil, nil)
	if err != nil {
		return []Problem{problemf(place, "%v", err)}
	}
	var problems []Problem
	switch typed := object.(type) {
	case *corev1.List:
		problems = append(problems, problemf(place, "a List hides its items from strict decoding: write documents with --- between them"))
	case *corev1.ConfigMap:
		for name, text := range typed.Data {
			if extension := path.Ext(name); extension != ".yaml" && extension != ".yml" {
				continue
			}
			for _, problem := range o.Check(place, text) {
				problem.Place = place
				problem.What = fmt.Sprintf("%s %s, data[%q]: %s", kind.Kind, typed.Name, name, problem.What)
				problems = append(problems, problem)
			}
		}
	}
	return problems
}
