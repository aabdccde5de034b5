// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/apis/v1alpha1"
	"sigs.k8s.io/kwok/pkg/kwok/metrics"
	"sigs.k8s.io/kwok/pkg/utils/gotpl"
	"sigs.k8s.io/kwok/pkg/utils/lifecycle"
	"sigs.k8s.io/yaml"
)

// These tests put the configuration through KWOK's own evaluators.

// ofKind decodes the objects of a kind in KWOK's configuration.
func ofKind[T any](t *testing.T, kind string) []T {
	t.Helper()
	config, err := kwokConfig()
	if err != nil {
		t.Fatal(err)
	}
	var found []T
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(config)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		var is metav1.TypeMeta
		if err := yaml.Unmarshal(document, &is); err != nil {
			t.Fatal(err)
		}
		if is.Kind != kind {
			continue
		}
		var object T
		if err := yaml.UnmarshalStrict(document, &object); err != nil {
			t.Fatal(err)
		}
		found = append(found, object)
	}
}

const podMemory = 3 << 30

func TestUsageOfContainersAndNodes(t *testing.T) {
	environment, err := metrics.NewEnvironment(metrics.EnvironmentConfig{
		NodeResourceUsage:                func(string, string) float64 { return podMemory },
		NodeResourceCumulativeUsage:      func(string, string) float64 { return 0 },
		PodResourceUsage:                 func(string, string, string) float64 { return 0 },
		PodResourceCumulativeUsage:       func(string, string, string) float64 { return 0 },
		ContainerResourceUsage:           func(string, string, string, string) float64 { return 0 },
		ContainerResourceCumulativeUsage: func(string, string, string, string) float64 { return 0 },
	})
	if err != nil {
		t.Fatal(err)
	}
	usages := ofKind[v1alpha1.ClusterResourceUsage](t, v1alpha1.ClusterResourceUsageKind)[0].Spec.Usages[0].Usage
	expressions := map[string]string{}
	for name, usage := range usages {
		expressions["container "+name] = *usage.Expression
	}
	for _, metric := range ofKind[v1alpha1.Metric](t, v1alpha1.MetricKind)[0].Spec.Metrics {
		expressions[metric.Name] = metric.Value
	}

	pod := func(phase corev1.PodPhase, memory string, containers int) *corev1.Pod {
		pod := &corev1.Pod{Status: corev1.PodStatus{Phase: phase, StartTime: &metav1.Time{Time: time.Unix(1000, 0)}}}
		pod.CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Second))
		pod.Spec.Containers = make([]corev1.Container, containers)
		if memory != "" {
			pod.Annotations = map[string]string{UsageMemoryAnnotation: memory, UsageCPUAnnotation: "200m"}
		}
		return pod
	}
	node := func(system string) *corev1.Node {
		node := &corev1.Node{}
		node.CreationTimestamp = metav1.NewTime(time.Now().Add(-time.Second))
		if system != "" {
			node.Annotations = map[string]string{SystemMemoryAnnotation: system}
		}
		return node
	}
	tests := []struct {
		name, expression string
		pod              *corev1.Pod
		node             *corev1.Node
		want             float64
		atLeast          bool
	}{
		{name: "a pod with an annotation", expression: "container memory", pod: pod(corev1.PodRunning, "1Gi", 1), want: 1 << 30},
		{name: "two containers share it", expression: "container memory", pod: pod(corev1.PodRunning, "1Gi", 2), want: 1 << 29},
		{name: "a pod without an annotation", expression: "container memory", pod: pod(corev1.PodRunning, "", 1), want: 1 << 20},
		{name: "an evicted pod", expression: "container memory", pod: pod(corev1.PodFailed, "1Gi", 1), want: 0},
		{name: "a pod that waits for its start", expression: "container memory", pod: pod(corev1.PodPending, "1Gi", 1), want: 0},
		{name: "CPU of a pod with an annotation", expression: "container cpu", pod: pod(corev1.PodRunning, "1Gi", 2), want: 0.1},
		{name: "CPU of a pod without an annotation", expression: "container cpu", pod: pod(corev1.PodRunning, "", 1), want: 0.01},
		{name: "CPU of an evicted pod", expression: "container cpu", pod: pod(corev1.PodFailed, "1Gi", 1), want: 0},
		{name: "CPU time before the second scrape", expression: "container_cpu_usage_seconds_total", pod: pod(corev1.PodRunning, "", 1), want: 1e-6, atLeast: true},
		{name: "CPU time of an evicted pod", expression: "container_cpu_usage_seconds_total", pod: pod(corev1.PodFailed, "", 1), want: 0},
		{name: "the start of a container", expression: "container_start_time_seconds", pod: pod(corev1.PodRunning, "", 1), want: 1000},
		{name: "a node without an annotation", expression: "node_memory_working_set_bytes", node: node(""), want: podMemory + 256<<20},
		{name: "a node with a quantity", expression: "node_memory_working_set_bytes", node: node("1.5Gi"), want: podMemory + 3<<29},
		{name: "a node with a number", expression: "node_memory_working_set_bytes", node: node("123456789"), want: podMemory + 123456789},
		{name: "CPU time of a new node", expression: "node_cpu_usage_seconds_total", node: node(""), want: 0.1, atLeast: true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			source, found := expressions[test.expression]
			if !found {
				t.Fatalf("the configuration has no %s", test.expression)
			}
			expression, err := environment.Compile(source)
			if err != nil {
				t.Fatal(err)
			}
			got, err := expression.EvaluateFloat64(t.Context(), metrics.Data{Node: test.node, Pod: test.pod, Container: &corev1.Container{Name: "main"}})
			if err != nil {
				t.Fatal(err)
			}
			if got != test.want && !(test.atLeast && got >= test.want && got < 100*test.want) {
				t.Errorf("%s = %g, want %g (at least: %t)", test.expression, got, test.want, test.atLeast)
			}
		})
	}
}

func TestStagesOfAPod(t *testing.T) {
	var stages []*internalversion.Stage
	for _, stage := range ofKind[v1alpha1.Stage](t, v1alpha1.StageKind) {
		if stage.Spec.ResourceRef.Kind != "Pod" {
			continue
		}
		internal, err := internalversion.ConvertToInternalStage(&stage)
		if err != nil {
			t.Fatal(err)
		}
		stages = append(stages, internal)
	}
	stagesOfPod, err := lifecycle.NewLifecycle(stages)
	if err != nil {
		t.Fatal(err)
	}
	started := time.Date(2030, 1, 2, 3, 4, 0, 0, time.UTC)
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(started)}}
	later := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(started.Add(5 * time.Second))}}
	crashed := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
	pod := func(restart corev1.RestartPolicy, phase corev1.PodPhase, duration string, states ...corev1.ContainerState) *corev1.Pod {
		pod := &corev1.Pod{Spec: corev1.PodSpec{RestartPolicy: restart}, Status: corev1.PodStatus{Phase: phase}}
		if duration != "" {
			pod.Annotations = map[string]string{DurationAnnotation: duration}
		}
		for _, state := range states {
			pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{State: state})
		}
		return pod
	}
	deleted := func(pod *corev1.Pod) *corev1.Pod {
		grace := int64(30)
		pod.DeletionTimestamp = &metav1.Time{Time: started.Add(30 * time.Second)}
		pod.DeletionGracePeriodSeconds = &grace
		return pod
	}
	tests := []struct {
		name  string
		pod   *corev1.Pod
		want  string
		delay time.Duration // from started on
	}{
		{name: "a new pod starts", pod: pod("Always", "Pending", ""), want: "pod-ready"},
		{name: "a running pod runs on", pod: pod("Always", "Running", "", running)},
		{name: "a pod that restarts always runs on", pod: pod("Always", "Running", "5s", running)},
		{name: "a job without a duration runs on", pod: pod("Never", "Running", "", running)},
		{name: "a job whose duration is none runs on", pod: pod("Never", "Running", "5 apples", running)},
		{name: "a job ends after its duration", pod: pod("Never", "Running", "1h2m3s", running), want: "pod-complete", delay: time.Hour + 2*time.Minute + 3*time.Second},
		{name: "fractions round up", pod: pod("OnFailure", "Running", "1500ms", running), want: "pod-complete", delay: 2 * time.Second},
		{name: "a restarted container starts over", pod: pod("OnFailure", "Running", "10s", running, later), want: "pod-complete", delay: 15 * time.Second},
		{name: "a crashed container does not complete", pod: pod("OnFailure", "Running", "10s", running, crashed)},
		{name: "a crash-looping pod is left alone", pod: pod("Always", "Running", "", crashed)},
		{name: "an evicted pod is left alone", pod: pod("Always", "Failed", "5s", running)},
		{name: "a running pod stops within its grace", pod: deleted(pod("Always", "Running", "", running)), want: "pod-stop", delay: time.Second},
		{name: "a deleted job does not complete", pod: deleted(pod("Never", "Running", "5s", running)), want: "pod-stop", delay: time.Second},
		{name: "an evicted pod goes at once", pod: deleted(pod("Always", "Failed", "")), want: "pod-remove"},
		{name: "a pod that never ran goes at once", pod: deleted(pod("Always", "Pending", "")), want: "pod-remove"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			event := &lifecycle.Event{Annotations: test.pod.Annotations, Data: test.pod}
			stage, err := stagesOfPod.Match(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			got, delay := "", time.Duration(0)
			if stage != nil {
				got = stage.Name()
				if delay, _, err = stage.Delay(t.Context(), event, started); err != nil {
					t.Fatal(err)
				}
			}
			if got != test.want || delay != test.delay {
				t.Errorf("stage %q after %s, want %q after %s", got, delay, test.want, test.delay)
			}
		})
	}
}

func TestACompletedPodKeepsItsRestarts(t *testing.T) {
	var template string
	for _, stage := range ofKind[v1alpha1.Stage](t, v1alpha1.StageKind) {
		if stage.Name == "pod-complete" {
			template = stage.Spec.Steps[0].Patch.Template
		}
	}
	now := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	renderer := gotpl.NewRenderer(gotpl.FuncMap{"Now": func() string { return now.Format(time.RFC3339) }})
	killed := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"}}
	before := corev1.ContainerStatus{
		Name: "main", Image: "image", RestartCount: 2, LastTerminationState: killed,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now.Add(-time.Minute))}},
	}
	pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{before}}}
	patch, err := renderer.ToJSON(template, pod)
	if err != nil {
		t.Fatal(err)
	}
	var got corev1.PodStatus
	if err := json.Unmarshal(patch, &got); err != nil {
		t.Fatal(err)
	}
	no := false
	want := []corev1.ContainerStatus{{
		Name: "main", Image: "image", RestartCount: 2, LastTerminationState: killed, Started: &no,
		State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			Reason: "Completed", StartedAt: metav1.NewTime(now.Add(-time.Minute).Local()), FinishedAt: metav1.NewTime(now.Local()),
		}},
	}}
	if diff := cmp.Diff(want, got.ContainerStatuses); diff != "" {
		t.Errorf("containers (-want +got):\n%s", diff)
	}
	if got.Phase != corev1.PodSucceeded {
		t.Errorf("phase %s, want %s", got.Phase, corev1.PodSucceeded)
	}
}
