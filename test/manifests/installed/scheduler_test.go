// SPDX-License-Identifier: Apache-2.0

package installed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

// startAsInstalled runs the real scheduler as one of the release's pods would: with the configuration of its ConfigMap and a
// token of its service account. It returns the path of the scheduler's log.
func (h *helm) startAsInstalled(t *testing.T, c *cluster.Cluster, clients kubernetes.Interface, process string) string {
	t.Helper()
	deployments, err := clients.AppsV1().Deployments(h.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/instance=" + h.name})
	if err != nil || len(deployments.Items) != 1 {
		t.Fatalf("%d Deployments of %s, want 1 (%v)", len(deployments.Items), h.name, err)
	}
	spec := deployments.Items[0].Spec.Template.Spec
	configMap, err := clients.CoreV1().ConfigMaps(h.namespace).Get(t.Context(), spec.Volumes[0].ConfigMap.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	configuration, kubeconfig := filepath.Join(folder, "scheduler-config.yaml"), filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(configuration, []byte(configMap.Data["scheduler-config.yaml"]), 0o600); err != nil {
		t.Fatal(err)
	}
	token, err := clients.CoreV1().ServiceAccounts(h.namespace).CreateToken(t.Context(), spec.ServiceAccountName, &authenticationv1.TokenRequest{}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	h.token = token.Status.Token
	config := clientcmdapi.NewConfig()
	config.Clusters["lab"] = &clientcmdapi.Cluster{Server: c.RESTConfig().Host, CertificateAuthorityData: c.RESTConfig().CAData}
	config.AuthInfos["scheduler"] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	config.Contexts["lab"] = &clientcmdapi.Context{Cluster: "lab", AuthInfo: "scheduler"}
	config.CurrentContext = "lab"
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := c.StartScheduler(ctx, cluster.SchedulerOptions{
		Name: process, Executable: filepath.Join(shared.binaries, "headroom-scheduler"), ConfigFile: configuration,
		Kubeconfig: kubeconfig, LeaderElection: true, Args: []string{fmt.Sprintf("--v=%d", h.verbosity)},
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, runs := c.PIDs()[process]; !runs {
			return
		}
		if err := c.StopScheduler(process); err != nil {
			t.Error(err)
		}
	})
	return filepath.Join(c.Dir(), "logs", process+".log")
}

// place creates a pod and returns the node on which it runs.
func place(t *testing.T, clients kubernetes.Interface, namespace, name, scheduler string) string {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		SchedulerName: scheduler,
		Containers: []corev1.Container{{Name: "main", Image: "example.com/fake", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
		}}},
	}}
	eventually(t, "creating the pod "+name, func(ctx context.Context) error {
		_, err := clients.CoreV1().Pods(namespace).Create(ctx, pod, metav1.CreateOptions{})
		return err
	})
	t.Cleanup(func() {
		_ = clients.CoreV1().Pods(namespace).Delete(context.Background(), name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	})
	node := ""
	eventually(t, "the pod "+name+" runs", func(ctx context.Context) error {
		got, err := clients.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && got.Status.Phase != corev1.PodRunning {
			err = fmt.Errorf("it is %s: %v", got.Status.Phase, got.Status.Conditions)
		}
		if err == nil {
			node = got.Spec.NodeName
		}
		return err
	})
	return node
}

// wantNothingForbidden fails on lines of a scheduler's log that tell of a missing permission.
func wantNothingForbidden(t *testing.T, log string) {
	t.Helper()
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(text), "\n") {
		lower := strings.ToLower(line)
		if denied := strings.Contains(lower, "forbidden") || strings.Contains(lower, "unauthorized"); denied && !strings.Contains(line, "FLAG: ") {
			t.Error(line)
		}
	}
}
