// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	fakediscovery "k8s.io/client-go/discovery/fake"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
)

var update = flag.Bool("update", false, "write the golden files anew")

// noon is what time it is in every test.
var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// shop is a small cluster: what it has, and what was measured of it.
type shop struct {
	objects []runtime.Object
	samples sample.Set
	react   func(*fake.Clientset) // nil: the client answers with the objects
	// unmeasured shops are read by the source that the profile names.
	unmeasured bool
	host       string // of what is not asked by the client; "" is nowhere
	release    string // of the API server; "" is the one that Headroom is built for
}

// source gives the samples out.
func (s *shop) Read(context.Context) (*sample.Set, error) { return &s.samples, nil }

// node adds a node of 4 CPUs and 8 GiB that holds so much, measured ten seconds ago; "" is a node without a sample.
func (s *shop) node(name, held string, labels map[string]string, changes ...func(*corev1.Node)) {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelHostname: name}}}
	maps.Copy(node.Labels, labels)
	node.Status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	node.Status.Allocatable = node.Status.Capacity.DeepCopy()
	node.Status.Allocatable[corev1.ResourceMemory] = resource.MustParse("7992Mi") // 100Mi for the threshold, 100Mi for the system
	node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse}}
	for _, change := range changes {
		change(node)
	}
	s.objects = append(s.objects, node)
	if held != "" {
		s.samples.Nodes[name] = sample.Node{Measurement: measured(held)}
	}
}

func measured(bytes string) sample.Measurement {
	quantity := resource.MustParse(bytes)
	return sample.Measurement{Bytes: quantity.Value(), Time: noon.Add(-10 * time.Second)}
}

// pod makes a pod of an hour ago that is for headroom-scheduler and requests so much memory; "" is nothing.
func pod(name, request string, changes ...func(*corev1.Pod)) *corev1.Pod {
	made := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", UID: types.UID(name), CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour))},
		Spec: corev1.PodSpec{
			SchedulerName: "headroom-scheduler", Priority: new(int32),
			Containers: []corev1.Container{{Name: "main", Image: "example.com/" + name}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse}}},
	}
	if request != "" {
		made.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(request)}
	}
	for _, change := range changes {
		change(made)
	}
	return made
}

// running puts a pod on a node, warm, and measures it.
func (s *shop) running(node, held string, made *corev1.Pod) {
	hourAgo := metav1.NewTime(noon.Add(-time.Hour))
	made.Spec.NodeName = node
	made.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, StartTime: &hourAgo,
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: hourAgo},
		},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: "main", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: hourAgo}},
		}},
	}
	s.objects = append(s.objects, made)
	s.samples.Pods[types.NamespacedName{Namespace: made.Namespace, Name: made.Name}] = sample.Pod{Measurement: measured(held)}
}

// newShop returns six nodes: three for the web, one for databases, one that is full and one that is cordoned.
func newShop() *shop {
	s := &shop{samples: sample.Set{Nodes: map[string]sample.Node{}, Pods: map[types.NamespacedName]sample.Pod{}}}
	zone := func(zone, disk string) map[string]string { return map[string]string{"zone": zone, "disktype": disk} }
	s.node("web-1", "3Gi", zone("a", "hdd"))
	s.node("web-2", "2Gi", zone("b", "hdd"))
	s.node("web-3", "5Gi", zone("c", "hdd"))
	s.node("db-1", "1Gi", zone("a", "ssd"), func(node *corev1.Node) {
		node.Labels[corev1.LabelHostname] = "ip-10-0-0-4"
		node.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}}
	})
	s.node("full-1", "7600Mi", zone("b", "hdd"))
	s.node("cordoned-1", "1Gi", zone("c", "hdd"), func(node *corev1.Node) { node.Spec.Unschedulable = true })
	s.running("web-1", "1Gi", pod("cart", "512Mi"))
	s.running("web-1", "900Mi", pod("search", "1Gi"))
	s.running("web-2", "1Gi", pod("front", "1Gi"))
	s.running("full-1", "6Gi", pod("cache", "512Mi"))
	s.running("full-1", "600Mi", pod("batch", "", func(pod *corev1.Pod) { pod.Spec.Priority = new(int32(-10)) }))
	return s
}

// run runs a command on the shop and returns what it printed on both streams, and its exit code.
func (s *shop) run(t *testing.T, arguments ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: corev1.NamespaceDefault}}
	client := fake.NewClientset(append(s.objects, namespace)...)
	if s.react != nil {
		s.react(client)
	}
	host := cmp.Or(s.host, "http://127.0.0.1:9")
	if discovery, ok := client.Discovery().(*fakediscovery.FakeDiscovery); ok {
		discovery.FakedServerVersion = &version.Info{GitVersion: cmp.Or(s.release, "v1.37.2")}
	}
	var source usage.Source
	if !s.unmeasured {
		source = s
	}
	code = run(ctx, environment{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut},
		clock:     clocktesting.NewFakeClock(noon), getenv: func(string) string { return "" },
		given: cluster.Over(client, &rest.Config{Host: host}), source: source,
	}, arguments)
	return out.String(), errOut.String(), code
}

// wantGolden compares with a file of testdata.
func wantGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v: run with -update to write it", err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// wantNarrow fails for lines that a terminal of 80 columns breaks.
func wantNarrow(t *testing.T, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if len([]rune(line)) > pageWidth && strings.Contains(strings.TrimSpace(line), " ") && !strings.Contains(line, "http") {
			t.Errorf("a line of %d characters: %q", len([]rune(line)), line)
		}
	}
}

// answer is both streams with the exit code, as a golden file has them.
func answer(command []string, stdout, stderr string, code int) string {
	text := "$ kubectl headroom " + strings.Join(command, " ") + "\n" + stdout
	if stderr != "" {
		text += "(stderr)\n" + stderr
	}
	return text + fmt.Sprintf("(exit %d)\n", code)
}

type sampleNode = sample.Node

// fileOf makes a file's name of a test's.
func fileOf(command, name string) string {
	return command + "-" + strings.NewReplacer(" ", "-", ":", "", ",", "", ".", "").Replace(name)
}

// configFile writes the shipped configuration with memory arguments of its own.
func configFile(t *testing.T, arguments string) string {
	t.Helper()
	const text = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- schedulerName: headroom-scheduler
  plugins:
    multiPoint:
      enabled:
      - {name: HeadroomMemory, weight: 10}
  pluginConfig:
  - name: HeadroomMemory
    args:
      `
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(text+arguments+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
