// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"bytes"
	"context"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/yaml"
)

//go:embed manifests/*.yaml
var manifests embed.FS

// readManifest returns the objects of an embedded file.
func readManifest(name string) ([]*unstructured.Unstructured, error) {
	content, err := manifests.ReadFile("manifests/" + name)
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("manifests/%s: %w", name, err)
		}
		object := &unstructured.Unstructured{}
		encoded, err := yaml.YAMLToJSONStrict(document)
		if err == nil {
			err = object.UnmarshalJSON(encoded)
		}
		if err != nil {
			return nil, fmt.Errorf("manifests/%s, object %d: %w", name, len(objects)+1, err)
		}
		objects = append(objects, object)
	}
}

// kwokConfig is what KWOK reads: its options, what happens to nodes and pods, and what they use.
//
// Of KWOK's own stages for nodes it has the one that makes a node Ready and not the heartbeat, which would set all conditions
// anew, MemoryPressure among them; leases keep a node Ready. Of those for pods it has the one that makes a pod Running.
func kwokConfig() ([]byte, error) {
	documents := []string{nodefast.DefaultNodeInit, podfast.DefaultPodReady}
	for _, name := range []string{"kwok-options.yaml", "pod-stages.yaml", "usage.yaml", "metrics.yaml"} {
		content, err := manifests.ReadFile("manifests/" + name)
		if err != nil {
			return nil, err
		}
		documents = append(documents, string(content))
	}
	return []byte(strings.Join(documents, "\n---\n")), nil
}

// createManifest creates the objects of an embedded file.
func (c *Cluster) createManifest(ctx context.Context, name string, change func(*unstructured.Unstructured) error) error {
	objects, err := readManifest(name)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if change != nil {
			if err := change(object); err != nil {
				return fmt.Errorf("manifests/%s: %w", name, err)
			}
		}
		// The kinds in these files form their plurals regularly.
		resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
		client := c.dynamic.Resource(resource)
		if namespace := object.GetNamespace(); namespace != "" {
			_, err = client.Namespace(namespace).Create(ctx, object, metav1.CreateOptions{})
		} else {
			_, err = client.Create(ctx, object, metav1.CreateOptions{})
		}
		if err != nil {
			return fmt.Errorf("creating %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

// fillMetricsAPI returns a function that sets what is only known at run time in the objects of metrics-api.yaml.
func fillMetricsAPI(port int, authorityPath string) (func(*unstructured.Unstructured) error, error) {
	authority, err := os.ReadFile(authorityPath)
	if err != nil {
		return nil, err
	}
	return func(object *unstructured.Unstructured) error {
		switch object.GetKind() {
		case "Service":
			ports := []any{map[string]any{"name": "https", "protocol": "TCP", "port": int64(port)}}
			return unstructured.SetNestedSlice(object.Object, ports, "spec", "ports")
		case "APIService":
			bundle := base64.StdEncoding.EncodeToString(authority)
			if err := unstructured.SetNestedField(object.Object, bundle, "spec", "caBundle"); err != nil {
				return err
			}
			return unstructured.SetNestedField(object.Object, int64(port), "spec", "service", "port")
		default:
			return fmt.Errorf("unexpected kind %s", object.GetKind())
		}
	}, nil
}
