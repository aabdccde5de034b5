// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

// installNodeNamePolicy creates what config/node-name-policy.yaml holds, until the test ends, and waits until it is in force.
func installNodeNamePolicy(t *testing.T, clients kubernetes.Interface, namespace string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "node-name-policy.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	policy, binding := &admissionv1.MutatingAdmissionPolicy{}, &admissionv1.MutatingAdmissionPolicyBinding{}
	for _, object := range []any{policy, binding} {
		if err := decoder.Decode(object); err != nil {
			t.Fatal(err)
		}
	}
	if err := decoder.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		t.Fatalf("the policy's file has more than a policy and its binding: %v", err)
	}
	admission := clients.AdmissionregistrationV1()
	if _, err := admission.MutatingAdmissionPolicies().Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := admission.MutatingAdmissionPolicyBindings().Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
		defer cancel()
		if err := errors.Join(
			admission.MutatingAdmissionPolicyBindings().Delete(ctx, binding.Name, metav1.DeleteOptions{}),
			admission.MutatingAdmissionPolicies().Delete(ctx, policy.Name, metav1.DeleteOptions{}),
		); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the policy in force", func(ctx context.Context) error {
		pod := headroomPod("probe", "64Mi", onNode("no-such-node"))
		created, err := clients.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && created.Spec.NodeName != "" {
			err = errors.New("spec.nodeName stays")
		}
		return err
	})
}

func onNode(name string) func(*corev1.PodSpec) {
	return func(spec *corev1.PodSpec) { spec.NodeName = name }
}

func TestTheNodeNamePolicyNamesTheNodeByAffinity(t *testing.T) {
	c := lab(t)
	clients, namespace := client(t, c), newNamespace(t, c)
	installNodeNamePolicy(t, clients, namespace)
	name := corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{"n1"}}
	zone := expression("zone", corev1.NodeSelectorOpIn, "a").MatchExpressions
	other := corev1.NodeSelectorRequirement{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpNotIn, Values: []string{"n2"}}
	preferred := []corev1.PreferredSchedulingTerm{{Weight: 1, Preference: expression("zone", corev1.NodeSelectorOpExists)}}
	spread := &corev1.PodAntiAffinity{PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
		Weight: 1, PodAffinityTerm: corev1.PodAffinityTerm{TopologyKey: corev1.LabelHostname},
	}}}
	required := func(terms ...corev1.NodeSelectorTerm) *corev1.NodeSelector {
		return &corev1.NodeSelector{NodeSelectorTerms: terms}
	}
	for _, test := range []struct {
		name       string
		have, want *corev1.Affinity
	}{
		{"no affinity", nil, &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: required(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{name}}),
		}}},
		{"affinity to pods only", &corev1.Affinity{PodAntiAffinity: spread}, &corev1.Affinity{PodAntiAffinity: spread, NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: required(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{name}}),
		}}},
		{"preferred terms only", &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: preferred,
		}}, &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: preferred,
			RequiredDuringSchedulingIgnoredDuringExecution:  required(corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{name}}),
		}}},
		{"each of several terms", &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: required(
				corev1.NodeSelectorTerm{MatchExpressions: zone}, corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{other}}, corev1.NodeSelectorTerm{}),
		}}, &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: required(
				corev1.NodeSelectorTerm{MatchExpressions: zone, MatchFields: []corev1.NodeSelectorRequirement{name}},
				corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{other, name}}, corev1.NodeSelectorTerm{}),
		}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := headroomPod("p", "64Mi", onNode("n1"), func(spec *corev1.PodSpec) { spec.Affinity = test.have })
			created, err := clients.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil {
				t.Fatal(err)
			}
			if created.Spec.NodeName != "" {
				t.Errorf("spec.nodeName = %q, want none", created.Spec.NodeName)
			}
			if diff := cmp.Diff(test.want, created.Spec.Affinity); diff != "" {
				t.Errorf("affinity (-want +got):\n%s", diff)
			}
		})
	}
	for what, change := range map[string]func(*corev1.Pod){
		"a pod of another scheduler": func(pod *corev1.Pod) { pod.Spec.SchedulerName = "another" },
		"a mirror pod":               func(pod *corev1.Pod) { pod.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "1"} },
	} {
		t.Run(what+" is left alone", func(t *testing.T) {
			pod := headroomPod("p", "64Mi", onNode("n1"))
			change(pod)
			created, err := clients.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			if err != nil {
				t.Fatal(err)
			}
			if created.Spec.NodeName != "n1" || created.Spec.Affinity != nil {
				t.Errorf("node %q, affinity %v; want node n1 and no affinity", created.Spec.NodeName, created.Spec.Affinity)
			}
		})
	}
}

// Without the policy, the second pod would be on the full node and fail there.
func TestPodsThatNameAFullNodeWaitForIt(t *testing.T) {
	c := lab(t)
	clients, namespace := client(t, c), newNamespace(t, c)
	installNodeNamePolicy(t, clients, namespace)
	addNodes(t, c, "1Gi", "full", "free")
	startHeadroom(t, c, shippedConfig)
	if node, reason := place(t, clients, namespace, headroomPod("first", "600Mi", onNode("full"))); node != "full" {
		t.Fatalf("the first pod is on %q (%s), want the node that it names", node, reason)
	}
	node, reason := place(t, clients, namespace, headroomPod("second", "600Mi", onNode("full")))
	wantReason(t, node, reason, "1 Insufficient memory")
	node, reason = place(t, clients, namespace, headroomPod("lost", "64Mi", onNode("gone")))
	wantReason(t, node, reason, nodeaffinity.ErrReasonPod+`: 2 by metadata.name In [gone]; no node is called "gone"`)
}
