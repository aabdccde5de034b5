// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"
	kubeleteviction "k8s.io/kubernetes/pkg/kubelet/eviction"
	evictionapi "k8s.io/kubernetes/pkg/kubelet/eviction/api"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// TestTheKubeletEvictsWhomWePredict runs the kubelet's manager on generated nodes until it evicts nobody more, and follows
// it with ours. Where ours says that chance decides, any of those that are level will do.
func TestTheKubeletEvictsWhomWePredict(t *testing.T) {
	evictions, cases := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		machine, node := drawMachine(t)
		pods := predicted(machine)
		victims, pressure := machine.run()
		met := false
		for _, victim := range victims {
			next, want, ok := eviction.Pass(node, pods)
			met = true
			i := slices.IndexFunc(pods, func(pod eviction.Pod) bool { return pod.Name == victim })
			if !ok || i < 0 || eviction.Compare(pods[i], want.Pod) != 0 {
				t.Fatalf("the kubelet evicts %s of\n%v\nwe predict %s (%s), %v", victim, pods, want.Name, want.Reason, ok)
			}
			// Those that are level may differ in what they free.
			next.NodeHeld, next.PodsHeld = node.NodeHeld-pods[i].UsageBytes, node.PodsHeld-pods[i].UsageBytes
			node, pods = next, slices.Delete(slices.Clone(pods), i, i+1)
		}
		next, want, ok := eviction.Pass(node, pods)
		if ok {
			t.Fatalf("the kubelet stops after %v, we predict %s (%s), %d short", victims, want.Name, want.Reason, want.ShortBytes)
		}
		if met = met || next.NodeMet || next.PodsMet; pressure != met {
			t.Fatalf("MemoryPressure is %v, we predict %v", pressure, met)
		}
		evictions += len(victims)
		cases++
	})
	t.Logf("%d evictions in %d cases", evictions, cases)
}

// drawMachine makes a node near its thresholds, as the kubelet sees it and as we see it through the API.
func drawMachine(t *rapid.T) (*machine, eviction.Node) {
	m := &machine{system: rapid.Int64Range(0, 500).Draw(t, "system") * mi}
	m.pods, m.usage = drawPods(t)
	held := m.system + m.podsHeld()
	m.hugepages = rapid.SampledFrom([]int64{0, 0, 256 * mi}).Draw(t, "hugepages")
	m.capacity = held + m.hugepages + rapid.Int64Range(1, 1500).Draw(t, "free")*mi
	reserved := rapid.Int64Range(0, (m.capacity-m.hugepages-m.podsHeld())/mi/2).Draw(t, "reserved") * mi

	configuration := kubeletconfigv1beta1.KubeletConfiguration{EvictionHard: map[string]string{}, EvictionMinimumReclaim: map[string]string{}}
	configuration.EvictionPressureTransitionPeriod.Duration = 5 * time.Minute
	if amount := drawAmount(t, "memory.available"); amount != "" {
		configuration.EvictionHard["memory.available"] = amount
	}
	if rapid.IntRange(0, 9).Draw(t, "by name") == 0 {
		configuration.EvictionHard["allocatableMemory.available"] = drawAmount(t, "allocatableMemory.available")
		if configuration.EvictionHard["allocatableMemory.available"] == "" {
			delete(configuration.EvictionHard, "allocatableMemory.available")
		}
	}
	if rapid.IntRange(0, 2).Draw(t, "reclaim") == 0 && configuration.EvictionHard["allocatableMemory.available"] == "" {
		configuration.EvictionMinimumReclaim["memory.available"] = rapid.SampledFrom([]string{"300Mi", "0", "10%"}).Draw(t, "reclaim")
	}
	m.podsLimit = m.capacity
	if rapid.IntRange(0, 3).Draw(t, "enforced") > 0 {
		configuration.EnforceNodeAllocatable = []string{"pods"}
		m.podsLimit = m.capacity - reserved
	}
	var err error
	m.thresholds, err = kubeleteviction.ParseThresholdConfig(configuration.EnforceNodeAllocatable, configuration.EvictionHard, nil, nil, configuration.EvictionMinimumReclaim)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := threshold.SettingsOf(&configuration)
	if err != nil {
		t.Fatal(err)
	}
	node := m.node(reserved)
	if node.Status.Allocatable.Memory().Sign() <= 0 {
		t.Skip("a kubelet that keeps everything for itself does not start, or takes no pods")
	}
	thresholds, err := threshold.Of(node, &settings, 0)
	if err != nil {
		t.Fatal(err)
	}
	return m, eviction.Node{Thresholds: thresholds, NodeHeld: held, PodsHeld: m.podsHeld()}
}

func drawAmount(t *rapid.T, signal string) string {
	switch rapid.IntRange(0, 9).Draw(t, signal) {
	case 0:
		return ""
	case 1:
		return rapid.SampledFrom([]string{"0%", "100%"}).Draw(t, signal)
	case 2, 3, 4:
		return fmt.Sprintf("%d%%", rapid.IntRange(1, 30).Draw(t, signal))
	default:
		return fmt.Sprintf("%dMi", rapid.IntRange(1, 400).Draw(t, signal))
	}
}

// node writes the status as the kubelet does (pkg/kubelet/cm/helpers.go:45-66, pkg/kubelet/nodestatus/setters.go:310-341).
func (m *machine) node(reserved int64) *corev1.Node {
	capacity, reservation := quantity(m.capacity), reserved
	for _, t := range m.thresholds {
		if t.Signal == evictionapi.SignalMemoryAvailable {
			reservation += evictionapi.GetThresholdQuantity(t.Value, &capacity).Value()
		}
	}
	node := &corev1.Node{}
	node.Name = "n1"
	node.Status.Capacity = corev1.ResourceList{corev1.ResourceMemory: capacity, corev1.ResourceHugePagesPrefix + "2Mi": quantity(m.hugepages)}
	node.Status.Allocatable = corev1.ResourceList{corev1.ResourceMemory: quantity(m.capacity - reservation - m.hugepages)}
	return node
}

// predicted are the machine's pods as we see them.
func predicted(m *machine) []eviction.Pod {
	var pods []eviction.Pod
	for _, pod := range m.pods {
		var measured sample.Measurement
		if bytes, ok := m.usage[pod.Name]; ok {
			measured = sample.Measurement{Bytes: bytes, Time: time.Unix(1, 0)}
		}
		pods = append(pods, eviction.PodOf(resizing(pod), measured))
	}
	return pods
}

// resizing returns the pod as the API shows it while more is asked for than the kubelet has allocated, which is what its
// manager is given.
func resizing(pod *corev1.Pod) *corev1.Pod {
	pod = pod.DeepCopy()
	resize := func(containers []corev1.Container, statuses *[]corev1.ContainerStatus) {
		for i := range containers {
			requests := containers[i].Resources.Requests
			memory, ok := requests[corev1.ResourceMemory]
			if !ok {
				continue
			}
			j := slices.IndexFunc(*statuses, func(status corev1.ContainerStatus) bool { return status.Name == containers[i].Name })
			if j < 0 {
				j = len(*statuses)
				*statuses = append(*statuses, corev1.ContainerStatus{Name: containers[i].Name})
			}
			(*statuses)[j].AllocatedResources = requests.DeepCopy()
			requests[corev1.ResourceMemory] = quantity(memory.Value() + 50*mi)
		}
	}
	resize(pod.Spec.InitContainers, &pod.Status.InitContainerStatuses)
	resize(pod.Spec.Containers, &pod.Status.ContainerStatuses)
	if pod.Spec.Resources != nil {
		if memory, ok := pod.Spec.Resources.Requests[corev1.ResourceMemory]; ok {
			pod.Status.AllocatedResources = corev1.ResourceList{corev1.ResourceMemory: quantity(memory.Value() + pod.Spec.Overhead.Memory().Value())}
			pod.Spec.Resources.Requests[corev1.ResourceMemory] = quantity(memory.Value() + 50*mi)
		}
	}
	return pod
}
