// SPDX-License-Identifier: Apache-2.0

package eviction_test

import (
	"context"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	statsapi "k8s.io/kubelet/pkg/apis/stats/v1alpha1"
	kubeleteviction "k8s.io/kubernetes/pkg/kubelet/eviction"
	evictionapi "k8s.io/kubernetes/pkg/kubelet/eviction/api"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"
)

// machine is a node whose kubelet's eviction manager runs, all but the manager being played. Figures are bytes.
type machine struct {
	capacity, hugepages, podsLimit int64
	system                         int64 // held outside pods
	pods                           []*corev1.Pod
	usage                          map[string]int64 // of pods with statistics, by name
	thresholds                     []evictionapi.Threshold

	mutex   sync.Mutex
	reads   int // of the summary, so that each is newer than the last
	victims []string
	seen    int // victims at the end of the last pass
	idle    chan struct{}
}

func (m *machine) podsHeld() int64 {
	var held int64
	for _, pod := range m.pods {
		held += m.usage[pod.Name]
	}
	return held
}

// run lets the manager work until a pass evicts nobody. It returns the victims in order, and whether there is pressure.
func (m *machine) run() (victims []string, pressure bool) {
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logr.Discard()))
	defer cancel()
	m.idle, m.seen = make(chan struct{}), -1
	config := kubeleteviction.Config{Thresholds: m.thresholds, PressureTransitionPeriod: 5 * time.Minute}
	manager, _ := kubeleteviction.NewManager(m, config, m.kill, m, m, &record.FakeRecorder{}, &corev1.ObjectReference{},
		instantTicks{testingclock.NewFakeClock(time.Unix(0, 0))}, true)
	manager.Start(ctx, m, m.active, func(*corev1.Pod) bool { return true }, time.Microsecond)
	<-m.idle
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return m.victims, manager.IsUnderMemoryPressure()
}

// active is asked for the pods at the beginning of each pass.
func (m *machine) active() []*corev1.Pod {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.seen == len(m.victims) {
		select {
		case <-m.idle:
		default:
			close(m.idle)
		}
		return nil
	}
	m.seen = len(m.victims)
	return append([]*corev1.Pod(nil), m.pods...)
}

func (m *machine) kill(victim *corev1.Pod, _ bool, _ *int64, _ func(*corev1.PodStatus)) error {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.victims = append(m.victims, victim.Name)
	for i, pod := range m.pods {
		if pod.Name == victim.Name {
			m.pods = append(append([]*corev1.Pod(nil), m.pods[:i]...), m.pods[i+1:]...)
			break
		}
	}
	return nil
}

// Get returns the statistics as the kubelet collects them (pkg/kubelet/stats/helper.go, pkg/kubelet/server/stats/summary.go).
func (m *machine) Get(context.Context, bool) (*statsapi.Summary, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.reads++
	taken := metav1.NewTime(time.Unix(int64(m.reads), 0))
	stats := func(available, held int64) *statsapi.MemoryStats {
		return &statsapi.MemoryStats{Time: taken, AvailableBytes: new(uint64(available)), WorkingSetBytes: new(uint64(held))}
	}
	pods := m.podsHeld()
	held := pods + m.system
	summary := &statsapi.Summary{Node: statsapi.NodeStats{
		Memory: stats(max(m.capacity-held-m.hugepages, 0), held),
		SystemContainers: []statsapi.ContainerStats{
			{Name: statsapi.SystemContainerPods, Memory: stats(m.podsLimit-pods, pods)},
		},
	}}
	for _, pod := range m.pods {
		if bytes, ok := m.usage[pod.Name]; ok {
			summary.Pods = append(summary.Pods, statsapi.PodStats{
				PodRef: statsapi.PodReference{Name: pod.Name, UID: string(pod.UID)},
				Memory: stats(0, bytes),
			})
		}
	}
	return summary, nil
}

func (m *machine) GetCPUAndMemoryStats(ctx context.Context) (*statsapi.Summary, error) {
	return m.Get(ctx, false)
}

func (m *machine) HasDedicatedImageFs(context.Context) (bool, error)     { return false, nil }
func (m *machine) HasDedicatedContainerFs(context.Context) (bool, error) { return false, nil }

// Nothing but pods can be reclaimed for memory.
func (m *machine) DeleteUnusedImages(context.Context) error        { return nil }
func (m *machine) DeleteAllUnusedContainers(context.Context) error { return nil }

// instantTicks is a clock that stands still and whose tickers never make anybody wait: an evicted pod is gone at once.
type instantTicks struct{ *testingclock.FakeClock }

func (instantTicks) NewTicker(time.Duration) clock.Ticker { return instant{} }

type instant struct{}

func (instant) C() <-chan time.Time {
	ticks := make(chan time.Time)
	close(ticks)
	return ticks
}

func (instant) Stop() {}

func quantity(bytes int64) resource.Quantity { return *resource.NewQuantity(bytes, resource.BinarySI) }
