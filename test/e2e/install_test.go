// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// publishedImage is what the documentation calls the image.
	publishedImage = "headroom-scheduler:v0.1.0-dev"
	triedSpace     = "tried"
)

// TestInstallAsTheREADMESays types the README's commands, but for the first, which makes the image, and then the one that takes
// it all away again.
func TestInstallAsTheREADMESays(t *testing.T) {
	e := cluster(t)
	if e.kind == nil {
		t.Skip("installs a release: on a kind cluster only")
	}
	ctx := t.Context()
	if err := e.removeHeadroom(ctx); err != nil {
		t.Fatal(err)
	}
	e.loadPublished(t)
	e.typeLine(t, "README.md", "helm install ")
	e.tryPod(t, release)
	e.typeLine(t, "docs/install.md", "helm uninstall ")
	var left []string
	if err := e.waitFor(ctx, "the end of all that the chart made", func(ctx context.Context) (gone bool, err error) {
		left, err = e.leftovers(ctx, "headroom-system")
		return len(left) == 0, err
	}); err != nil {
		t.Errorf("%v: %v are left", err, left)
	}
}

// leftovers lists what there is of the chart, of all kinds and in all namespaces by its label, and what its scheduler wrote to its namespace.
func (e *environment) leftovers(ctx context.Context, namespace string) ([]string, error) {
	leases, err := e.clients.CoordinationV1().Leases(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var left []string
	for _, lease := range leases.Items {
		left = append(left, "lease "+lease.Name)
	}
	learned, err := e.clients.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, configMap := range learned.Items {
		if configMap.Name != "kube-root-ca.crt" { // of every namespace
			left = append(left, "configmap "+configMap.Name)
		}
	}
	groups, err := e.clients.Discovery().ServerPreferredResources()
	if err != nil {
		return nil, err
	}
	for _, group := range groups {
		version, err := schema.ParseGroupVersion(group.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, kind := range group.APIResources {
			if !slices.Contains(kind.Verbs, "list") || !slices.Contains(kind.Verbs, "delete") {
				continue
			}
			list, err := e.objects.Resource(version.WithResource(kind.Name)).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=headroom-scheduler"})
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", kind.Name, err)
			}
			for i := range list.Items {
				left = append(left, kind.Name+" "+list.Items[i].GetName())
			}
		}
	}
	return left, nil
}

// typeLine types the first line of a page that begins with a command.
func (e *environment) typeLine(t *testing.T, from, begin string) {
	t.Helper()
	line := regexp.MustCompile("(?m)^" + begin + ".*$").FindString(page(t, from))
	if line == "" {
		t.Fatalf("%s has no command %q", from, begin)
	}
	typed := fmt.Sprintf("cd %s && PATH=%s:$PATH KUBECONFIG=%s %s", root, absolute(t, outFolder), absolute(t, e.kubeconfig), line)
	if _, err := command(t.Context(), "bash", "-c", typed); err != nil {
		t.Fatal(err)
	}
}

// TestStaticPodAsTheInstallPageSays runs both code blocks of docs/install.md on the control plane: Headroom as the static pod that
// the default scheduler was, twice, and back.
func TestStaticPodAsTheInstallPageSays(t *testing.T) {
	e := cluster(t)
	if e.kind == nil {
		t.Skip("writes to the control plane's machine: on a kind cluster only")
	}
	ctx := t.Context()
	if err := e.removeHeadroom(ctx); err != nil {
		t.Fatal(err)
	}
	e.loadPublished(t)
	blocks := regexp.MustCompile("(?s)```sh\n([^`]*kube-scheduler.yaml.before[^`]*)```").FindAllStringSubmatch(page(t, "docs/install.md"), -1)
	if len(blocks) != 2 {
		t.Fatalf("docs/install.md has %d blocks about the static pod, want there and back", len(blocks))
	}
	back := func(ctx context.Context) error {
		_, err := e.onRepository(ctx, blocks[1][1])
		return err
	}
	t.Cleanup(func() {
		if err := back(context.Background()); err != nil {
			t.Error(err)
		}
	})
	if _, err := e.kind.onControlPlane(ctx, "mkdir", "-p", "/opt/headroom"); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"config", "manifests"} {
		if _, err := command(ctx, "docker", "cp", root+"/"+folder, e.kind.name+"-control-plane:/opt/headroom/"); err != nil {
			t.Fatal(err)
		}
	}
	before := e.staticImage(t, func(string) bool { return true })
	for range 2 { // the second time must not take Headroom's manifest for what was there before
		if _, err := e.onRepository(ctx, blocks[0][1]); err != nil {
			t.Fatal(err)
		}
		e.staticImage(t, func(image string) bool { return strings.Contains(image, publishedImage) })
	}
	e.tryPod(t, corev1.DefaultSchedulerName)
	if err := back(ctx); err != nil {
		t.Fatal(err)
	}
	e.staticImage(t, func(image string) bool { return image == before })
	e.tryPod(t, corev1.DefaultSchedulerName)
}

// onRepository runs commands on the control plane in a copy of the repository's folders.
func (e *environment) onRepository(ctx context.Context, commands string) (string, error) {
	return e.kind.onControlPlane(ctx, "bash", "-ec", "cd /opt/headroom; export KUBECONFIG=/etc/kubernetes/admin.conf\n"+commands)
}

// staticImage waits until the control plane's scheduler is ready with an image that is wanted, and returns it.
func (e *environment) staticImage(t *testing.T, wanted func(string) bool) (image string) {
	t.Helper()
	if err := e.waitFor(t.Context(), "the control plane's scheduler", func(ctx context.Context) (bool, error) {
		list, err := e.clients.CoreV1().Pods(system).List(ctx, metav1.ListOptions{LabelSelector: "component=kube-scheduler"})
		if err != nil || len(list.Items) != 1 {
			return false, err
		}
		image = list.Items[0].Spec.Containers[0].Image
		return wanted(image) && ready(&list.Items[0]), nil
	}); err != nil {
		t.Fatal(err)
	}
	return image
}

// loadPublished gives the nodes the image under the name that the documentation has for it.
func (e *environment) loadPublished(t *testing.T) {
	t.Helper()
	if _, err := command(t.Context(), "docker", "tag", images()[0], publishedImage); err != nil {
		t.Fatal(err)
	}
	if err := e.kind.load(t.Context(), publishedImage); err != nil {
		t.Fatal(err)
	}
}

// tryPod waits until a pod that asks for a scheduler is ready, and removes it.
func (e *environment) tryPod(t *testing.T, scheduler string) {
	t.Helper()
	ctx := t.Context()
	if err := e.newNamespace(ctx, triedSpace); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "tried"},
		Spec: corev1.PodSpec{SchedulerName: scheduler, TerminationGracePeriodSeconds: new(int64(1)), Containers: []corev1.Container{{
			Name: "main", Image: images()[2], ImagePullPolicy: corev1.PullNever, Args: []string{"1Mi:0s"},
		}}},
	}
	if _, err := e.clients.CoreV1().Pods(triedSpace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := e.waitFor(ctx, "a pod for "+scheduler, func(ctx context.Context) (bool, error) {
		current, err := e.clients.CoreV1().Pods(triedSpace).Get(ctx, pod.Name, metav1.GetOptions{})
		return err == nil && ready(current), err
	}); err != nil {
		t.Fatal(err)
	}
	if err := e.removeNamespace(ctx, triedSpace); err != nil {
		t.Fatal(err)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func page(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(root + "/" + path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
