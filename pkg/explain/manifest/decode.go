// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// decode reads the one object of a text, and refuses fields that it does not have, as kubectl and the API server do: a misspelt
// nodeSelector that is passed over would be an answer about another pod.
func decode(text []byte) (runtime.Object, *schema.GroupVersionKind, error) {
	document, err := onlyDocument(string(text))
	if err != nil {
		return nil, nil, err
	}
	strict := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	object, kind, err := strict.Decode([]byte(document), nil, nil)
	if runtime.IsNotRegisteredError(err) {
		var of metav1.TypeMeta
		if yaml.Unmarshal([]byte(document), &of) == nil {
			return nil, nil, fmt.Errorf("it is a %s of %s, want a Pod or an object of Kubernetes with a pod template", of.Kind, of.APIVersion)
		}
	}
	return object, kind, err
}

// onlyDocument returns the one document of a text that has more than comments, with empty lines before it, so that its lines keep their
// numbers.
func onlyDocument(text string) (only string, err error) {
	documents, before := 0, -1 // lines; one is put before the first document, to be cut off there as before the others
	for document := range strings.SplitSeq("\n"+text, "\n---") {
		if says(document) {
			documents++
			only = strings.TrimPrefix(strings.Repeat("\n", before+1)+document, "\n")
		}
		before += strings.Count(document, "\n") + 1
	}
	if documents != 1 {
		return "", fmt.Errorf("it has %d objects, want one", documents)
	}
	return only, nil
}

// says reports whether a document of YAML has more than comments.
func says(document string) bool {
	for line := range strings.Lines(document) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

// asNew drops of a pod what the API server does when one is made: a file may be of a pod that was, with its status.
func asNew(pod *corev1.Pod) {
	pod.UID, pod.ResourceVersion, pod.ManagedFields = "", "", nil
	pod.CreationTimestamp, pod.DeletionTimestamp, pod.DeletionGracePeriodSeconds = metav1.Time{}, nil, nil
	pod.Status = corev1.PodStatus{}
}
