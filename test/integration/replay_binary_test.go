// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/replay"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// replayedNodes and replayedPods are the small case.
const replayedNodes, replayedPods = 20, 300

// A replay's scheduler places pods where the real binary does: what chance decides between nodes that score alike is taken over
// from the binary, and all else must be the same.
func TestReplayPlacesAsTheBinaryDoes(t *testing.T) {
	c := lab(t)
	clients := client(t, c)
	held := map[string]int64{}
	var names []string
	for i := range replayedNodes {
		names = append(names, fmt.Sprintf("replayed-%02d", i))
		held[names[i]] = int64(1+(i*7)%13)<<30 + int64(i)<<24
	}
	addNodes(t, c, "16Gi", names...)
	for i, name := range names {
		labelNode(t, clients, name, map[string]string{"zone": fmt.Sprint("z", i%3), "disk": []string{"ssd", "hdd"}[i%2], "generation": strconv.Itoa(i % 8)})
	}
	taint(t, clients, names[7], corev1.Taint{Key: "pool", Value: "batch", Effect: corev1.TaintEffectNoSchedule})
	namespace := newNamespace(t, c)
	configuration := fmt.Sprintf(explainConfig, fixedPrometheus(t, held))
	file := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	startScheduler(t, c, cluster.SchedulerOptions{Name: headroomScheduler, Executable: binary(t, "headroom-scheduler"), ConfigFile: file,
		Args: []string{"--feature-gates=OpportunisticBatching=false"}})
	awaitMeasured(t, clients, namespace, names[11], "12Gi") // which holds 13Gi

	standing := &replay.Standing{Now: time.Now(), Samples: &sample.Set{Nodes: map[string]sample.Node{}}}
	for _, name := range names {
		node, err := clients.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		standing.Nodes = append(standing.Nodes, node)
		standing.Samples.Nodes[name] = sample.Node{Measurement: sample.Measurement{Bytes: held[name], Time: standing.Now}}
	}
	pods := func(yield func(*corev1.Pod) bool) {
		random := rand.New(rand.NewPCG(5, 6))
		for i := range replayedPods {
			pod := generatedPod(random, fmt.Sprintf("replayed-%d", i), names)
			pod.Namespace, pod.UID = namespace, types.UID(pod.Name)
			if !yield(pod) {
				return
			}
		}
	}
	placed, refused := 0, 0
	err := standing.Place(t.Context(), replay.PolicyOf("headroom", configuration), pods, func(pod *corev1.Pod, best []string) (string, error) {
		createPod(t, clients, namespace, pod)
		node, reason := decided(t, clients, namespace, pod.Name)
		if node == "" {
			refused++
			if len(best) > 0 {
				t.Errorf("%s: the binary says %q, the replay places it on one of %v: %s", pod.Name, reason, best, spec(pod))
			}
			return "", clients.CoreV1().Pods(namespace).Delete(t.Context(), pod.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
		}
		placed++
		if !slices.Contains(best, node) {
			t.Errorf("%s: the binary places it on %s, the replay on one of %v: %s", pod.Name, node, best, spec(pod))
		}
		return node, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d pods placed, %d refused, by both alike", placed, refused)
	if placed < replayedPods/3 || refused < replayedPods/20 {
		t.Errorf("%d placed and %d refused: the pods are too much alike to show anything", placed, refused)
	}
}
