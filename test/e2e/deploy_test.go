// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Images that the tests need, in docker: "make e2e-images" builds them.
func images() []string {
	return []string{"headroom-scheduler:e2e", "headroom-e2e/metrics-server:e2e", "headroom-e2e/memoryload:e2e"}
}

const (
	system            = "kube-system"
	ownLabel          = "headroom.dev/e2e" // of namespaces that the tests made
	controlPlaneLabel = "node-role.kubernetes.io/control-plane"
	staticScheduler   = "/etc/kubernetes/manifests/kube-scheduler.yaml"
	storedScheduler   = "/etc/kubernetes/kube-scheduler.yaml"
)

// prepare gives a new kind cluster its images and metrics-server.
func (e *environment) prepare(ctx context.Context) error {
	if err := e.kind.load(ctx, images()...); err != nil {
		return err
	}
	content, err := os.ReadFile("manifests/metrics-server.yaml")
	if err != nil {
		return err
	}
	if err := e.apply(ctx, "", string(content)); err != nil {
		return err
	}
	return e.waitFor(ctx, "metrics of all nodes", func(ctx context.Context) (bool, error) {
		nodes, err := e.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		// Not served yet is not measured yet.
		body, err := e.clients.CoreV1().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/nodes").DoRaw(ctx)
		var measured struct{ Items []json.RawMessage }
		return err == nil && json.Unmarshal(body, &measured) == nil && len(measured.Items) == len(nodes.Items), nil
	})
}

// documents splits YAML into objects.
func documents(text string) ([]*unstructured.Unstructured, error) {
	var objects []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return objects, nil
		} else if err != nil {
			return nil, fmt.Errorf("object %d: %w", len(objects), err)
		}
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// apply makes the cluster have the objects; those without a namespace go to the given one.
func (e *environment) apply(ctx context.Context, namespace, text string) error {
	objects, err := documents(text)
	if err != nil {
		return err
	}
	for _, object := range objects {
		if err := e.applyOne(ctx, namespace, object); err != nil {
			return fmt.Errorf("apply %s %s: %w", object.GetKind(), object.GetName(), err)
		}
	}
	return nil
}

func (e *environment) applyOne(ctx context.Context, namespace string, object *unstructured.Unstructured) error {
	kind := object.GroupVersionKind()
	mapping, err := e.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	content, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: "headroom-e2e", Force: new(true)}
	resource := e.objects.Resource(mapping.Resource)
	if mapping.Scope.Name() != "namespace" {
		_, err = resource.Patch(ctx, object.GetName(), types.ApplyPatchType, content, options)
		return err
	}
	if own := object.GetNamespace(); own != "" {
		namespace = own
	}
	_, err = resource.Namespace(namespace).Patch(ctx, object.GetName(), types.ApplyPatchType, content, options)
	return err
}

// waitFor waits until a condition holds; its errors end the wait.
func (e *environment) waitFor(ctx context.Context, what string, condition wait.ConditionWithContextFunc) error {
	if err := wait.PollUntilContextTimeout(ctx, waitInterval, waitLimit, true, condition); err != nil {
		return fmt.Errorf("wait for %s: %w", what, err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// stopDefaultScheduler ends the control plane's own scheduler; startDefaultScheduler brings it back. Both wait.
func (e *environment) stopDefaultScheduler(ctx context.Context) error {
	return e.moveDefaultScheduler(ctx, staticScheduler, storedScheduler, 0)
}

func (e *environment) startDefaultScheduler(ctx context.Context) error {
	return e.moveDefaultScheduler(ctx, storedScheduler, staticScheduler, 1)
}

func (e *environment) moveDefaultScheduler(ctx context.Context, from, to string, pods int) error {
	if _, err := e.kind.onControlPlane(ctx, "sh", "-c", fmt.Sprintf("if [ -e %s ]; then mv %s %s; fi", from, from, to)); err != nil {
		return err
	}
	return e.waitFor(ctx, "the default scheduler", func(ctx context.Context) (bool, error) {
		list, err := e.clients.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "component=kube-scheduler"})
		if err != nil || len(list.Items) != pods {
			return false, err
		}
		for _, pod := range list.Items {
			if !ready(&pod) || pod.DeletionTimestamp != nil {
				return false, nil
			}
		}
		return true, nil
	})
}

// ready reports whether a pod runs and is ready.
func ready(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// newNamespace makes an empty namespace, after an older one of the name is gone.
func (e *environment) newNamespace(ctx context.Context, name string) error {
	if err := e.removeNamespace(ctx, name); err != nil {
		return err
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{ownLabel: ""}}}
	if _, err := e.clients.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return err
	}
	return e.waitFor(ctx, "its service account", func(ctx context.Context) (bool, error) {
		_, err := e.clients.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, nil
	})
}

// restrict has the API server admit to a namespace only pods that meet the restricted Pod Security Standard.
func (e *environment) restrict(ctx context.Context, namespace string) error {
	patch := []byte(`{"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}`)
	_, err := e.clients.CoreV1().Namespaces().Patch(ctx, namespace, types.MergePatchType, patch, metav1.PatchOptions{})
	return err
}

// ours fails for a namespace that somebody else made: what is in it is not ours to remove.
func (e *environment) ours(ctx context.Context, name string) error {
	namespace, err := e.clients.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return ignoreMissing(err)
	}
	if _, ok := namespace.Labels[ownLabel]; !ok {
		return fmt.Errorf("namespace %s has no label %s, so these tests did not make it and do not touch it: remove it, or test on another cluster", name, ownLabel)
	}
	return nil
}

func (e *environment) removeNamespace(ctx context.Context, name string) error {
	if err := e.ours(ctx, name); err != nil {
		return err
	}
	if err := ignoreMissing(e.clients.CoreV1().Namespaces().Delete(ctx, name, metav1.DeleteOptions{})); err != nil {
		return err
	}
	return e.waitFor(ctx, "the end of namespace "+name, func(ctx context.Context) (bool, error) {
		_, err := e.clients.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	})
}

// waitQuiet waits until none of the named workers is under memory pressure; of all, if none is named.
func (e *environment) waitQuiet(ctx context.Context, names ...string) error {
	return e.waitFor(ctx, "workers without memory pressure", func(ctx context.Context) (bool, error) {
		workers, err := e.workers(ctx)
		if err != nil {
			return false, err
		}
		for _, node := range workers {
			if len(names) > 0 && !slices.Contains(names, node.Name) {
				continue
			}
			if len(node.Spec.Taints) > 0 {
				return false, nil
			}
			for _, condition := range node.Status.Conditions {
				if condition.Type == corev1.NodeMemoryPressure && condition.Status != corev1.ConditionFalse {
					return false, nil
				}
			}
		}
		return true, nil
	})
}

// pause waits for a time: only for what is given to a real system to do, such as the length of a run.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
