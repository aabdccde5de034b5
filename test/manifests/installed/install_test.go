// SPDX-License-Identifier: Apache-2.0

package installed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// The scheduler as installed places a pod, takes its lease and reads samples, and misses no permission.
func TestThePermissionsOfTheChartAreEnough(t *testing.T) {
	c, clients := lab(t)
	release := newHelm(t, c, "enough", "headroom-enough")
	release.verbosity = 9 // requests, with their headers
	release.install(t, "schedulerNames: [enough]")
	t.Cleanup(func() { release.uninstall(t) })
	log := release.startAsInstalled(t, c, clients, "enough")
	place(t, clients, release.namespace, "placed", "enough")

	eventually(t, "the event of the scheduler", func(ctx context.Context) error {
		events, err := clients.EventsV1().Events(release.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=Scheduled"})
		if err != nil {
			return err
		}
		for _, event := range events.Items {
			if event.Regarding.Name == "placed" && event.ReportingController == "enough" {
				return nil
			}
		}
		return errors.New("there is none")
	})
	lease, err := clients.CoordinationV1().Leases(release.namespace).Get(t.Context(), "enough-headroom-scheduler", metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity == nil {
		t.Fatalf("lease %v, want one that is held (%v)", lease, err)
	}
	eventually(t, "memory decides", func(context.Context) error {
		text, err := os.ReadFile(log)
		if err == nil && !strings.Contains(string(text), "memory decides") {
			err = errors.New("the log does not say so")
		}
		return err
	})
	wantNothingForbidden(t, log)
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "Authorization: Bearer <masked>") || strings.Contains(string(text), release.token) {
		t.Error("the most verbose log has the token, or tells of no request")
	}
}

// Without the permission the log says so: the test above is able to fail.
func TestAMissingPermissionIsSeen(t *testing.T) {
	c, clients := lab(t)
	release := newHelm(t, c, "missing", "headroom-missing")
	release.install(t, "schedulerNames: [missing]")
	t.Cleanup(func() { release.uninstall(t) })
	if err := clients.RbacV1().ClusterRoleBindings().Delete(t.Context(), "headroom-missing:missing-headroom-scheduler:memory", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	log := release.startAsInstalled(t, c, clients, "missing")
	eventually(t, "the log tells of it", func(context.Context) error {
		text, err := os.ReadFile(log)
		if err == nil && !strings.Contains(string(text), "403 Forbidden") {
			err = errors.New("nothing is forbidden")
		}
		return err
	})
	place(t, clients, release.namespace, "placed", "missing") // by requests
}

func TestTwoReleasesRunInOneCluster(t *testing.T) {
	c, clients := lab(t)
	for _, name := range []string{"blue", "green"} {
		release := newHelm(t, c, name, "headroom-two")
		release.install(t, "schedulerNames: ["+name+"]")
		t.Cleanup(func() { release.uninstall(t) })
		log := release.startAsInstalled(t, c, clients, name)
		t.Cleanup(func() { wantNothingForbidden(t, log) })
	}
	for _, name := range []string{"blue", "green"} {
		place(t, clients, "headroom-two", name, name)
	}
}

// pods of a Deployment come from a template, whose hash they carry.
func templateHash(t *testing.T, clients kubernetes.Interface, release *helm) string {
	t.Helper()
	pods, err := clients.CoreV1().Pods(release.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=" + release.name})
	if err != nil {
		t.Fatal(err)
	}
	var hashes []string
	for _, pod := range pods.Items {
		if pod.DeletionTimestamp == nil {
			hashes = append(hashes, pod.Labels["pod-template-hash"])
		}
	}
	slices.Sort(hashes)
	if hashes = slices.Compact(hashes); len(hashes) != 1 {
		t.Fatalf("pods of %d templates, want 1", len(hashes))
	}
	return hashes[0]
}

func TestUpgradeAndRollbackChangeTheConfigurationAndThePods(t *testing.T) {
	c, clients := lab(t)
	release := newHelm(t, c, "change", "headroom-change")
	ballast(t, clients, "first")
	release.install(t, "schedulerNames: [change]")
	t.Cleanup(func() { release.uninstall(t) })
	configuration := func() string {
		configMap, err := clients.CoreV1().ConfigMaps(release.namespace).Get(t.Context(), "change-headroom-scheduler", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return configMap.Data["scheduler-config.yaml"]
	}
	first, firstPods := configuration(), templateHash(t, clients, release)
	release.startAsInstalled(t, c, clients, "change-1")
	running := place(t, clients, release.namespace, "before", "change")

	release.upgrade(t, "{schedulerNames: [change], memory: {filter: Soft}}")
	second, secondPods := configuration(), templateHash(t, clients, release)
	if second == first || secondPods == firstPods {
		t.Errorf("after the upgrade: configuration changed %t, pods changed %t; want both", second != first, secondPods != firstPods)
	}
	wantApart(t, clients, release)
	release.startAsInstalled(t, c, clients, "change-2")
	if err := c.StopScheduler("change-1"); err != nil {
		t.Fatal(err)
	}
	place(t, clients, release.namespace, "between", "change")

	release.rollback(t, 1)
	if diff := cmp.Diff(first, configuration()); diff != "" {
		t.Errorf("after the rollback, the configuration (-want +got):\n%s", diff)
	}
	if got := templateHash(t, clients, release); got != firstPods {
		t.Errorf("after the rollback, pods of the template %s, want %s again", got, firstPods)
	}
	wantApart(t, clients, release)
	pod, err := clients.CoreV1().Pods(release.namespace).Get(t.Context(), "before", metav1.GetOptions{})
	if err != nil || pod.Spec.NodeName != running || pod.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("the pod that ran before is %v (%v), want it untouched on %s", pod, err, running)
	}
}

// ballast fills a node by requests, so that whoever looks at them puts everything on the other one.
func ballast(t *testing.T, clients kubernetes.Interface, node string) {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "ballast", Namespace: metav1.NamespaceDefault},
		Spec: corev1.PodSpec{NodeName: node, Containers: []corev1.Container{{
			Name: "main", Image: "image",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("3"), corev1.ResourceMemory: resource.MustParse("6Gi")}},
		}}},
	}
	if _, err := clients.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := clients.CoreV1().Pods(pod.Namespace).Delete(context.Background(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			t.Error(err)
		}
	})
}

// wantApart waits until every pod of the release has a node, and wants no two on one: a node that goes must not take both replicas. The
// pods of the template of before do not count, or both of the new ones could end where the first old one went.
func wantApart(t *testing.T, clients kubernetes.Interface, release *helm) {
	t.Helper()
	var nodes []string
	eventually(t, "both replicas have a node", func(ctx context.Context) error {
		pods, err := clients.CoreV1().Pods(release.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=" + release.name})
		if err != nil {
			return err
		}
		nodes = nil
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp == nil && pod.Spec.NodeName != "" {
				nodes = append(nodes, pod.Spec.NodeName)
			}
		}
		if len(nodes) != 2 {
			return fmt.Errorf("%d have", len(nodes))
		}
		return nil
	})
	if nodes[0] == nodes[1] {
		t.Errorf("both replicas are on %s", nodes[0])
	}
}

// inventory lists every object of the cluster but events, measurements and kinds that are deprecated.
func inventory(t *testing.T, c *cluster.Cluster, clients kubernetes.Interface) []string {
	t.Helper()
	objects, err := dynamic.NewForConfig(c.RESTConfig())
	if err != nil {
		t.Fatal(err)
	}
	lists, err := clients.Discovery().ServerPreferredResources()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			t.Fatal(err)
		}
		for _, kind := range list.APIResources {
			if slices.Contains([]string{"Event", "ComponentStatus", "Endpoints"}, kind.Kind) || version.Group == "metrics.k8s.io" || !slices.Contains(kind.Verbs, "list") {
				continue
			}
			found, err := objects.Resource(version.WithResource(kind.Name)).List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatalf("listing %s: %v", kind.Name, err)
			}
			for _, object := range found.Items {
				all = append(all, fmt.Sprintf("%s %s/%s", object.GetKind(), object.GetNamespace(), object.GetName()))
			}
		}
	}
	slices.Sort(all)
	return all
}

func TestUninstallLeavesNothing(t *testing.T) {
	for name, upgrade := range map[string]string{
		"gone":      "",
		"moved":     "{mode: replace, schedulerNames: [moved]}",                                // the lease of before is left by the scheduler
		"forgetful": "{schedulerNames: [forgetful], forecast: {checkpoint: {enabled: false}}}", // and what it learned before
	} {
		t.Run(name, func(t *testing.T) { uninstallLeavesNothing(t, name, upgrade) })
	}
}

// uninstallLeavesNothing installs a release, upgrades it if it is given values for that, and uninstalls it.
func uninstallLeavesNothing(t *testing.T, name, upgrade string) {
	t.Helper()
	c, clients := lab(t)
	before := inventory(t, c, clients)
	release := newHelm(t, c, name, "headroom-"+name)
	release.install(t, "schedulerNames: ["+name+"]")
	release.startAsInstalled(t, c, clients, name)
	place(t, clients, release.namespace, "placed", name)
	if err := c.StopScheduler(name); err != nil {
		t.Fatal(err)
	}
	learned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name + "-headroom-scheduler-forecast"}} // written after minutes
	if _, err := clients.CoreV1().ConfigMaps(release.namespace).Create(t.Context(), learned, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	installed := inventory(t, c, clients)
	own := release.namespace + "/" + name + "-headroom-scheduler"
	for _, want := range []string{"Lease " + own, "Deployment " + own} {
		if !slices.Contains(installed, want) {
			t.Errorf("after the installation there is no %s", want)
		}
	}
	if upgrade != "" {
		release.upgrade(t, upgrade)
	}
	release.uninstall(t)
	if err := clients.CoreV1().Pods(release.namespace).Delete(t.Context(), "placed", metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "nothing is left", func(context.Context) error {
		left := slices.DeleteFunc(inventory(t, c, clients), func(object string) bool {
			// The namespace is of "helm install --create-namespace", which leaves it to its owner.
			return slices.Contains(before, object) || slices.Contains([]string{
				"Namespace /" + release.namespace, "ServiceAccount " + release.namespace + "/default", "ConfigMap " + release.namespace + "/kube-root-ca.crt",
			}, object)
		})
		if len(left) > 0 {
			return fmt.Errorf("left: %s", strings.Join(left, ", "))
		}
		return nil
	})
}
