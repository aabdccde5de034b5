// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
	"github.com/headroom-dev/headroom/pkg/usage/metricsapi"
)

func TestRecordWritesATraceOfTheClusterUntilItIsInterrupted(t *testing.T) {
	c := lab(t)
	addNodes(t, c, "8Gi", "recorded-1")
	namespace := newNamespace(t, c)
	clients := client(t, c)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "measured", Annotations: map[string]string{cluster.UsageMemoryAnnotation: "300Mi"}},
		Spec: corev1.PodSpec{NodeName: "recorded-1", Containers: []corev1.Container{{
			Name: "main", Image: "registry.k8s.io/pause",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("200Mi")}},
		}}},
	}
	if _, err := clients.CoreV1().Pods(namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	source, err := metricsapi.New(c.RESTConfig(), metricsapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "a sample of the pod", func(ctx context.Context) error {
		set, err := source.Read(ctx)
		if err != nil {
			return err
		}
		for name := range set.Pods {
			if name.Namespace == namespace {
				return nil
			}
		}
		return errors.New("the pod is not measured")
	})

	out := filepath.Join(t.TempDir(), "recorded")
	command := exec.CommandContext(t.Context(), binary(t, "headroom-lab"), "record",
		"--kubeconfig", c.Kubeconfig(), "--out", out, "--interval", "1s", "--duration", "1h")
	if stderr, err := interruptWhen(t, command, "1 pods, 1 samples"); err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	got, err := trace.Read(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Series) != 1 || got.Facts.Samples == 0 {
		t.Fatalf("%d series and %d samples, want the pod's", len(got.Series), got.Facts.Samples)
	}
	s := got.Series[0]
	want := trace.Series{
		ID: namespace + "/measured", RequestBytes: 200 * mebibyte, RequestSource: "provisioned", End: trace.Open,
		Extra: map[string]string{"namespace": namespace, "qos": "Burstable", "priority": "0", "limit_bytes": "0"},
	}
	if s.Bytes[0] != 300*mebibyte {
		t.Errorf("the first sample is of %d bytes, want the pod's 300Mi", s.Bytes[0])
	}
	s.Times, s.Bytes = nil, nil
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.Notes, "ended early: interrupted") {
		t.Errorf("the notes do not say that it ended early:\n%s", got.Notes)
	}
}
