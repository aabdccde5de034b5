// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
	"github.com/headroom-dev/headroom/pkg/usage/metricsapi"
)

// kubelets returns a source that asks the kubelets of the nodes. They sign their certificates themselves.
func (e *environment) kubelets(nodes func() ([]*corev1.Node, error)) (*kubelet.Source, error) {
	return kubelet.New(kubelet.Options{Nodes: nodes, Config: e.config, Insecure: true})
}

func (e *environment) allNodes(ctx context.Context) ([]*corev1.Node, error) {
	list, err := e.clients.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	nodes := make([]*corev1.Node, len(list.Items))
	for i := range list.Items {
		nodes[i] = &list.Items[i]
	}
	return nodes, nil
}

// samples reads both sources of a cluster with nodes and pods at rest.
func (e *environment) samples(t *testing.T) (nodes []*corev1.Node, pods []corev1.Pod, metrics, summaries *sample.Set) {
	t.Helper()
	ctx := t.Context()
	nodes, err := e.allNodes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	list, err := e.clients.CoreV1().Pods(system).List(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range list.Items {
		if ready(&pod) && time.Since(pod.Status.StartTime.Time) > time.Minute {
			pods = append(pods, pod)
		}
	}
	api, err := metricsapi.New(e.config, metricsapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if metrics, err = api.Read(ctx); err != nil {
		t.Fatal(err)
	}
	source, err := e.kubelets(func() ([]*corev1.Node, error) { return nodes, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer source.CloseIdleConnections()
	if summaries, err = source.Read(ctx); err != nil {
		t.Fatal(err)
	}
	return nodes, pods, metrics, summaries
}

func TestBothSourcesKnowAllNodesAndPods(t *testing.T) {
	e := cluster(t)
	nodes, pods, metrics, summaries := e.samples(t)
	for name, set := range map[string]*sample.Set{"metrics.k8s.io": metrics, "summaries": summaries} {
		t.Run(name, func(t *testing.T) {
			for _, refusal := range set.Refused {
				t.Errorf("refused %s: %s: %s", refusal.Object, refusal.Reason, refusal.Detail)
			}
			for _, node := range nodes {
				got := set.Nodes[node.Name]
				if age := time.Since(got.Time); !got.Known() || got.Bytes <= 0 || age > 90*time.Second || age < -time.Second {
					t.Errorf("node %s: %d bytes, %s old", node.Name, got.Bytes, age)
				}
			}
			for _, pod := range pods {
				if got, ok := set.Pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]; !ok || got.Bytes <= 0 {
					t.Errorf("pod %s: known %t, %d bytes", pod.Name, ok, got.Bytes)
				}
			}
		})
	}
	for _, node := range nodes {
		t.Logf("node %s: metrics.k8s.io %d MiB, summary %d MiB, its pods %d MiB, stall %+v", node.Name,
			metrics.Nodes[node.Name].Bytes>>20, summaries.Nodes[node.Name].Bytes>>20, summaries.Nodes[node.Name].Pods.Bytes>>20, summaries.Nodes[node.Name].Stall)
	}
}

func TestSummariesTellUIDsAllPodsTogetherAndStalls(t *testing.T) {
	e := cluster(t)
	nodes, pods, _, summaries := e.samples(t)
	for _, pod := range pods {
		own := cmp.Or(pod.Annotations[corev1.MirrorPodAnnotationKey], string(pod.UID))
		if got := summaries.Pods[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}]; string(got.UID) != own {
			t.Errorf("pod %s: UID %q, want %q", pod.Name, got.UID, own)
		}
	}
	for _, node := range nodes {
		got := summaries.Nodes[node.Name]
		if !got.Pods.Known() || got.Pods.Bytes <= 0 {
			t.Errorf("node %s: the summary has no kubepods cgroup", node.Name)
		}
		if got.Stall != nil && (got.Stall.Some < 0 || got.Stall.Some > 100 || got.Stall.Full > got.Stall.Some) {
			t.Errorf("node %s: stalls %+v are no shares of time", node.Name, *got.Stall)
		}
	}
}

// The source asks for protobuf first: a metrics-server that answers in JSON would leave our decoder untried.
func TestMetricsServerAnswersInProtobuf(t *testing.T) {
	e := cluster(t)
	client, err := rest.HTTPClientFor(e.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range []string{"nodes", "pods"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, e.config.Host+"/apis/metrics.k8s.io/v1beta1/"+list, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "application/vnd.kubernetes.protobuf, application/json;q=0.9")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if kind := response.Header.Get("Content-Type"); kind != "application/vnd.kubernetes.protobuf" {
			t.Errorf("%s: answered in %q", list, kind)
		}
		t.Logf("%s: %d bytes", list, len(body))
	}
}

func TestThresholdsAreTheKubeletsOwn(t *testing.T) {
	e := cluster(t)
	ctx := t.Context()
	nodes, err := e.allNodes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	source, err := e.kubelets(func() ([]*corev1.Node, error) { return nodes, nil })
	if err != nil {
		t.Fatal(err)
	}
	defer source.CloseIdleConnections()
	configurations := source.Configurations(ctx, nodes)
	for _, node := range nodes {
		configuration := configurations[node.Name]
		if configuration.Err != nil {
			t.Error(configuration.Err)
			continue
		}
		settings, err := threshold.SettingsOf(configuration.Config)
		if err != nil {
			t.Errorf("node %s: %v", node.Name, err)
			continue
		}
		got, err := threshold.Of(node, &settings, 100<<20)
		if err != nil {
			t.Error(err)
			continue
		}
		t.Logf("node %s: %+v", node.Name, got)
		e.checkThresholds(t, node, got)
	}
}

// checkThresholds compares with what the kubelet says by another way, and with the limit that it gave the cgroup of all pods.
func (e *environment) checkThresholds(t *testing.T, node *corev1.Node, got threshold.Thresholds) {
	t.Helper()
	body, err := e.clients.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes", node.Name, "proxy/configz").DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Kubeletconfig struct{ EvictionHard map[string]string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	want := int64(0)
	if text, ok := answer.Kubeletconfig.EvictionHard["memory.available"]; ok {
		if want, err = strconv.ParseInt(text, 10, 64); err != nil {
			t.Skipf("node %s: evictionHard %q is not in bytes", node.Name, text)
		}
	}
	if got.EvictionHard != want || got.EvictionHardOrigin != threshold.OriginConfigz {
		t.Errorf("node %s: eviction threshold %d by %s, want %d", node.Name, got.EvictionHard, got.EvictionHardOrigin, want)
	}
	if e.kind == nil {
		return
	}
	limit, err := command(t.Context(), "docker", "exec", node.Name, "sh", "-c",
		"cd /sys/fs/cgroup; cat memory/kubelet.slice/kubelet-kubepods.slice/memory.limit_in_bytes 2>/dev/null || cat kubelet.slice/kubelet-kubepods.slice/memory.max")
	if err != nil {
		t.Fatal(err)
	}
	if limit = strings.TrimSpace(limit); limit != strconv.FormatInt(got.PodsLimit, 10) {
		t.Errorf("node %s: we take %d for the limit of all pods, and it is %s", node.Name, got.PodsLimit, limit)
	}
}
