// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/explain"
	explaincluster "github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/manifest"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// explainedPods is how many generated pods are explained before the scheduler decides.
const explainedPods = 300

// explainConfig is the shipped profile with samples that do not change, all nodes scored and nothing learned.
const explainConfig = `apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
percentageOfNodesToScore: 100
profiles:
- schedulerName: headroom-scheduler
  plugins:
    multiPoint:
      enabled:
      - name: HeadroomNodeName
      - {name: HeadroomNodeAffinity, weight: 2}
      - {name: HeadroomMemory, weight: 10}
      disabled:
      - name: NodeName
      - name: NodeAffinity
    postFilter:
      enabled:
      - name: HeadroomMemory
      - name: HeadroomNodeAffinity
  pluginConfig:
  - name: HeadroomMemory
    args:
      refreshInterval: 1s
      warmUp: 1h
      source:
        type: Prometheus
        prometheus:
          address: %s
          nodes: {bytes: node_bytes, times: node_times}
`

// fixedPrometheus serves what each node holds, in bytes, as if it were measured now.
func fixedPrometheus(t *testing.T, held map[string]int64) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		now := float64(time.Now().UnixMilli()) / 1000
		result := []any{}
		for node, bytes := range held {
			var value string
			switch request.FormValue("query") {
			case "node_bytes":
				value = strconv.FormatInt(bytes, 10)
			case "node_times":
				value = fmt.Sprint(now)
			default:
				continue
			}
			result = append(result, map[string]any{"metric": map[string]string{"node": node}, "value": []any{now, value}})
		}
		response.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(response).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "vector", "result": result}})
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What explain says before a pod is there is what the scheduler then does: the node, or how many nodes lack what.
func TestExplainSaysWhatTheSchedulerDoes(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	held := map[string]int64{}
	var names []string
	for i := range 8 {
		names = append(names, fmt.Sprintf("told-%d", i))
		held[names[i]] = int64(i+1) << 30
	}
	addNodes(t, c, "16Gi", names...)
	for i, name := range names {
		labelNode(t, clients, name, map[string]string{"zone": fmt.Sprint("z", i%3), "disk": []string{"ssd", "hdd"}[i%2], "generation": strconv.Itoa(i)})
	}
	taint(t, clients, names[7], corev1.Taint{Key: "pool", Value: "batch", Effect: corev1.TaintEffectNoSchedule})
	namespace := newNamespace(t, c)
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, explainConfig, fixedPrometheus(t, held)), 0o600); err != nil {
		t.Fatal(err)
	}
	// Batching would place equal pods by the scores of an earlier one.
	startScheduler(t, c, cluster.SchedulerOptions{Name: headroomScheduler, Executable: binary(t, "headroom-scheduler"), ConfigFile: file,
		Args: []string{"--feature-gates=OpportunisticBatching=false"}})
	awaitMeasured(t, clients, namespace, names[6], "12Gi")

	with, err := profile.OfFile(file)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	placed, rejected := 0, 0
	for i := range explainedPods {
		pod := generatedPod(random, fmt.Sprintf("generated-%d", i), names)
		told := explained(t, c.RESTConfig(), with, namespace, pod)
		createPod(t, clients, namespace, pod)
		node, reason := decided(t, clients, namespace, pod.Name)
		wantSame(t, pod, told, node, reason)
		if node != "" {
			placed++
			continue
		}
		rejected++
		if err := clients.CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)}); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d pods placed, %d rejected, as explain said", placed, rejected)
	if placed < explainedPods/4 || rejected < explainedPods/10 {
		t.Errorf("%d placed and %d rejected: the pods are too much alike to show anything", placed, rejected)
	}
}

// explained asks where the pod goes, as kubectl headroom explain -f does.
func explained(t *testing.T, config *rest.Config, with *profile.Profile, namespace string, pod *corev1.Pod) *explain.Placement {
	t.Helper()
	ctx, cancel := context.WithTimeout(klog.NewContext(t.Context(), logr.Discard()), waitLimit)
	defer cancel()
	object := pod.DeepCopy()
	object.APIVersion, object.Kind = "v1", "Pod"
	text, err := yaml.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	found, err := manifest.Read(text, namespace)
	if err != nil {
		t.Fatal(err)
	}
	of, err := explaincluster.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	scheduler, err := explain.Open(ctx, explain.Options{Cluster: of, Profile: with, Wanted: []string{pod.Spec.SchedulerName}})
	if err != nil {
		t.Fatal(err)
	}
	placement, err := scheduler.Explain(ctx, found.Pod, 0)
	if err != nil {
		t.Fatal(err)
	}
	return placement
}

// wantSame compares what was told with what the scheduler did: a node, or a reason.
func wantSame(t *testing.T, pod *corev1.Pod, told *explain.Placement, node, reason string) {
	t.Helper()
	switch {
	case node != "" && node != told.Winner && !slices.Contains(told.Ties, node):
		t.Errorf("%s: the scheduler chose %s; explain said %q, level with %v: %s", pod.Name, node, told.Winner, told.Ties, spec(pod))
	case node == "" && (told.Winner != "" || !strings.HasPrefix(reason, told.Message)):
		t.Errorf("%s: the scheduler said %q; explain said it goes to %q, or %q", pod.Name, reason, told.Winner, told.Message)
	}
}

func spec(pod *corev1.Pod) string {
	text, err := json.Marshal(pod.Spec)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// decided is verdict without its rests: hundreds of pods are waited for.
func decided(t *testing.T, clients kubernetes.Interface, namespace, name string) (node, reason string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, waitLimit, true, func(ctx context.Context) (bool, error) {
		pod, err := clients.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		node = pod.Spec.NodeName
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodScheduled && condition.Reason == corev1.PodReasonUnschedulable {
				reason = condition.Message
			}
		}
		return node != "" || reason != "", nil
	})
	if err != nil {
		t.Fatalf("no scheduler decided on %s: %v", name, err)
	}
	return node, reason
}

// awaitMeasured waits until the scheduler refuses a node for what is measured there. Pods that it places before that end as pods do: those
// that are deleted by force count in its book until the next one is made, and would be why it refuses.
func awaitMeasured(t *testing.T, clients kubernetes.Interface, namespace, node, request string) {
	t.Helper()
	attempt := 0
	eventually(t, "the scheduler to know what "+node+" holds", func(ctx context.Context) error {
		attempt++
		name := fmt.Sprintf("probe-%d", attempt)
		placed, reason := place(t, clients, namespace, headroomPod(name, request, requiring(named(node))))
		if err := clients.CoreV1().Pods(namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
		gone := func(ctx context.Context) (bool, error) {
			_, err := clients.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
			return apierrors.IsNotFound(err), nil
		}
		if err := wait.PollUntilContextCancel(ctx, 20*time.Millisecond, true, gone); err != nil {
			return fmt.Errorf("%s is still there: %w", name, err)
		}
		if placed != "" || !strings.Contains(reason, memory.ErrReasonMeasured) {
			return fmt.Errorf("it is placed on %q, or refused for %q", placed, reason)
		}
		return nil
	})
}

func taint(t *testing.T, clients kubernetes.Interface, node string, taints ...corev1.Taint) {
	t.Helper()
	eventually(t, "taints of "+node, func(ctx context.Context) error {
		object, err := clients.CoreV1().Nodes().Get(ctx, node, metav1.GetOptions{})
		if err != nil {
			return err
		}
		object.Spec.Taints = append(object.Spec.Taints, taints...)
		_, err = clients.CoreV1().Nodes().Update(ctx, object, metav1.UpdateOptions{})
		return err
	})
}

// generatedPod asks for something else every time.
func generatedPod(random *rand.Rand, name string, nodes []string) *corev1.Pod {
	request := []string{"64Mi", "200Mi", "300Mi", "512Mi", "1Gi", "5Gi"}[random.IntN(6)]
	pod := headroomPod(name, request)
	pod.Labels = map[string]string{"app": fmt.Sprint("app-", random.IntN(4))}
	main := &pod.Spec.Containers[0]
	if random.IntN(2) == 0 {
		main.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("8Gi")}
	}
	if random.IntN(3) == 0 {
		main.Resources.Requests[corev1.ResourceCPU] = resource.MustParse([]string{"50m", "300m", "3"}[random.IntN(3)])
	}
	if random.IntN(8) == 0 {
		main.Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 8080}}
	}
	if random.IntN(4) == 0 {
		pod.Spec.Tolerations = []corev1.Toleration{{Key: "pool", Operator: corev1.TolerationOpExists}}
	}
	selector := &metav1.LabelSelector{MatchLabels: pod.Labels}
	changes := []func(){
		func() {
			pod.Spec.NodeSelector = map[string]string{"disk": []string{"ssd", "hdd"}[random.IntN(2)]}
		},
		func() {
			requiring(expression("zone", corev1.NodeSelectorOpIn, fmt.Sprint("z", random.IntN(4))))(&pod.Spec)
		},
		func() {
			requiring(expression("generation", corev1.NodeSelectorOpGt, strconv.Itoa(random.IntN(8))))(&pod.Spec)
		},
		func() { requiring(named(nodes[random.IntN(len(nodes))]))(&pod.Spec) },
		func() {
			preferring(expression("zone", corev1.NodeSelectorOpIn, fmt.Sprint("z", random.IntN(3))))(&pod.Spec)
		},
		func() {
			pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
				MaxSkew: 1, TopologyKey: "zone", WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: selector,
			}}
		},
		func() {
			pod.Spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
				RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{TopologyKey: corev1.LabelHostname, LabelSelector: selector}},
			}}
		},
		func() {},
	}
	changes[random.IntN(len(changes))]()
	return pod
}
