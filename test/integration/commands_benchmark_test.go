// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/workqueue"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/test/perf/commands"
)

// BenchmarkCommandsOnALargeCluster times commands of kubectl headroom on a control plane with 5,000 nodes and 50,000 pods, all of it on this
// machine: what the API server takes to answer is in it. Its fake kubelets and its controllers, which would keep two cores busy, are
// stopped: the nodes are measured, and the pods are bound and have no samples. Filling the cluster takes ten minutes.
func BenchmarkCommandsOnALargeCluster(b *testing.B) {
	const nodes, pods = 5000, 50_000
	command := filepath.Join(shared.binaries, "kubectl-headroom")
	if _, err := os.Stat(command); err != nil {
		b.Fatalf("%s: %v", binariesVariable, err)
	}
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour)
	defer cancel()
	c := large(ctx, b, nodes, pods)
	commands.Benchmark(b, func(arguments ...string) *exec.Cmd {
		return exec.CommandContext(ctx, command, append(arguments, "--kubeconfig", c.Kubeconfig())...)
	})
}

// large is a cluster of nodes that were measured, filled with pods.
func large(ctx context.Context, b *testing.B, nodeCount, podCount int) *cluster.Cluster {
	b.Helper()
	c, err := cluster.Start(ctx, cluster.Options{Executable: filepath.Join(shared.binaries, "headroom-lab"), ExpectedNodes: nodeCount, MetricsResolution: time.Minute})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := c.Close(); err != nil {
			b.Error(err)
		}
	})
	size := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"), corev1.ResourcePods: resource.MustParse("110"),
	}
	nodes := make([]*corev1.Node, nodeCount)
	for i := range nodes {
		nodes[i] = &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%04d", i)}, Status: corev1.NodeStatus{Capacity: size, Allocatable: size}}
	}
	clients, err := kubernetes.NewForConfig(c.RESTConfig())
	if err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(c.Ready(ctx), c.CreateNodes(ctx, nodes), c.WaitNodesReady(ctx, nodeCount), c.WaitNodeMetrics(ctx, nodes[0].Name, nodes[nodeCount-1].Name)); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"kwok", "kube-controller-manager"} {
		process, ok := c.PIDs()[name]
		if !ok {
			b.Fatalf("%s does not run: there are %v", name, c.PIDs())
		}
		if err := syscall.Kill(process, syscall.SIGSTOP); err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = syscall.Kill(process, syscall.SIGCONT) }) // or it would not hear that it is to end
	}
	failures := make([]error, podCount)
	workqueue.ParallelizeUntil(ctx, 8, podCount, func(i int) {
		_, failures[i] = clients.CoreV1().Pods(metav1.NamespaceDefault).Create(ctx, usualPod(i, nodes[i%nodeCount].Name), metav1.CreateOptions{})
	})
	if err := errors.Join(failures...); err != nil {
		b.Fatal(err)
	}
	return c
}

// usualPod has what pods have beside what decides.
func usualPod(i int, node string) *corev1.Pod {
	pod := newPod(fmt.Sprintf("workload-%d-7c9d8f6b5-%05d", i/20, i), node, nil)
	pod.Labels = map[string]string{"app": fmt.Sprint("workload-", i/20), "pod-template-hash": "7c9d8f6b5"}
	container := &pod.Spec.Containers[0]
	container.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("200Mi")}
	container.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{"/alive"}}}}
	for n := range 8 {
		container.Env = append(container.Env, corev1.EnvVar{Name: fmt.Sprint("VARIABLE_", n), Value: "a value of usual length"})
	}
	return pod
}
