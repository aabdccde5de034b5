// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/headroom-dev/headroom/test/perf/commands"
)

// asCommand makes the test's binary the command itself.
const asCommand = "KUBECTL_HEADROOM_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	m.Run()
}

// BenchmarkCommands runs commands on 5,000 nodes and 50,000 pods, each in a process of its own, whose processor time and largest
// memory are told. The server has its answers ready: what it takes a real one to make them comes on top.
func BenchmarkCommands(b *testing.B) {
	server := httptest.NewServer(large(b, 5000, 50_000))
	b.Cleanup(server.Close)
	commands.Benchmark(b, func(arguments ...string) *exec.Cmd {
		command := exec.CommandContext(b.Context(), os.Args[0], append(arguments, "--server", server.URL)...)
		command.Env = append(os.Environ(), asCommand+"=1", "KUBECONFIG="+os.DevNull)
		return command
	})
}

// large is a server of a cluster that has only nodes, pods and their metrics, in protobuf.
func large(b *testing.B, nodeCount, podCount int) http.Handler {
	b.Helper()
	encoder := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
	encode := func(list runtime.Object) []byte {
		var out bytes.Buffer
		if err := encoder.Encode(list, &out); err != nil {
			b.Fatal(err)
		}
		return out.Bytes()
	}
	nodes := &corev1.NodeList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "NodeList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
	nodeMetrics := &metricsv1beta1.NodeMetricsList{TypeMeta: metav1.TypeMeta{APIVersion: "metrics.k8s.io/v1beta1", Kind: "NodeMetricsList"}}
	podMetrics := &metricsv1beta1.PodMetricsList{TypeMeta: metav1.TypeMeta{APIVersion: "metrics.k8s.io/v1beta1", Kind: "PodMetricsList"}}
	measured := metav1.NewTime(time.Now())
	usage := func(bytes int64) corev1.ResourceList {
		return corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: *resource.NewQuantity(bytes, resource.BinarySI)}
	}
	for i := range nodeCount {
		nodes.Items = append(nodes.Items, usualNode(i))
		nodeMetrics.Items = append(nodeMetrics.Items, metricsv1beta1.NodeMetrics{
			ObjectMeta: metav1.ObjectMeta{Name: nodes.Items[i].Name}, Timestamp: measured, Window: metav1.Duration{Duration: 15 * time.Second},
			Usage: usage(int64(i%20+1) << 30),
		})
	}
	const size = 2000
	var pages [][]byte
	for first := 0; first < podCount; first += size {
		page := &corev1.PodList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "PodList"}, ListMeta: metav1.ListMeta{ResourceVersion: "1"}}
		for i := first; i < min(first+size, podCount); i++ {
			page.Items = append(page.Items, usualPod(i, nodes.Items[i%nodeCount].Name))
			podMetrics.Items = append(podMetrics.Items, metricsv1beta1.PodMetrics{
				ObjectMeta: metav1.ObjectMeta{Namespace: page.Items[i-first].Namespace, Name: page.Items[i-first].Name},
				Timestamp:  measured, Window: metav1.Duration{Duration: 15 * time.Second},
				Containers: []metricsv1beta1.ContainerMetrics{{Name: "main", Usage: usage(int64(i%500+1) << 20)}},
			})
		}
		if first+size < podCount {
			page.Continue = strconv.Itoa(first/size + 1)
		}
		pages = append(pages, encode(page))
	}
	answers := map[string][]byte{
		"/api/v1/nodes":                      encode(nodes),
		"/apis/metrics.k8s.io/v1beta1/nodes": encode(nodeMetrics),
		"/apis/metrics.k8s.io/v1beta1/pods":  encode(podMetrics),
	}
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		answer := answers[request.URL.Path]
		if request.URL.Path == "/api/v1/pods" {
			query := request.URL.Query()
			if page, _ := strconv.Atoi(query.Get("continue")); query.Get("fieldSelector") != "status.phase=Failed" {
				answer = pages[page]
			}
		}
		if answer == nil {
			response.Header().Set("Content-Type", "application/json")
			_, _ = response.Write([]byte(`{"metadata":{"resourceVersion":"1"},"items":[]}`))
			return
		}
		response.Header().Set("Content-Type", runtime.ContentTypeProtobuf)
		_, _ = response.Write(answer)
	})
}

func usualNode(i int) corev1.Node {
	size := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	name := fmt.Sprintf("node-%d-with-a-name-of-usual-length", i)
	return corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID(name), Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelTopologyZone: fmt.Sprint("zone", i%3)},
			ManagedFields: []metav1.ManagedFieldsEntry{fields(40)},
		},
		Status: corev1.NodeStatus{Capacity: size, Allocatable: size, Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}},
	}
}

// usualPod has what pods have beside what decides: environment, probes, managed fields.
func usualPod(i int, node string) corev1.Pod {
	name := fmt.Sprintf("workload-%d-7c9d8f6b5-%05d", i/20, i)
	started := metav1.NewTime(time.Now().Add(-time.Hour).Truncate(time.Second))
	container := corev1.Container{
		Name: "main", Image: "registry.example.org/a-team/a-workload:v1.2.3",
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("200Mi"),
		}},
		VolumeMounts:  []corev1.VolumeMount{{Name: "kube-api-access", MountPath: "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true}},
		LivenessProbe: &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz"}}, PeriodSeconds: 10},
	}
	for n := range 8 {
		container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprint("VARIABLE_", n), Value: "a value of usual length"})
	}
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: fmt.Sprint("team-", i/20%50), Name: name, UID: types.UID(name), CreationTimestamp: started,
			Labels:          map[string]string{"app": "a-workload", "pod-template-hash": "7c9d8f6b5"},
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: fmt.Sprintf("workload-%d-7c9d8f6b5", i/20), Controller: new(true)}},
			ManagedFields:   []metav1.ManagedFieldsEntry{fields(40), fields(30)},
		},
		Spec: corev1.PodSpec{
			NodeName: node, SchedulerName: corev1.DefaultSchedulerName, Containers: []corev1.Container{container},
			Tolerations: []corev1.Toleration{{Key: "node.kubernetes.io/not-ready", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute}},
			Volumes:     []corev1.Volume{{Name: "kube-api-access", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{}}}},
		},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, StartTime: &started, PodIP: "10.0.0.1",
			Conditions: []corev1.PodCondition{
				{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: started},
				{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: started},
			},
			ContainerStatuses: []corev1.ContainerStatus{{
				Name: "main", Ready: true, Image: container.Image, ImageID: "registry.example.org/a-team/a-workload@sha256:0123456789abcdef",
				ContainerID: "containerd://0123456789abcdef0123456789abcdef", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: started}},
			}},
		},
	}
}

// fields are managed fields of so many entries.
func fields(count int) metav1.ManagedFieldsEntry {
	var raw strings.Builder
	for i := range count {
		fmt.Fprintf(&raw, `"f:field-of-some-object-%d":{},`, i)
	}
	return metav1.ManagedFieldsEntry{
		Manager: "controller", Operation: metav1.ManagedFieldsOperationUpdate, APIVersion: "v1", FieldsType: "FieldsV1",
		FieldsV1: metav1.NewFieldsV1("{" + strings.TrimSuffix(raw.String(), ",") + "}"),
	}
}
