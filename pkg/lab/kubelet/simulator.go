// SPDX-License-Identifier: Apache-2.0

// Package kubelet gives the pods of fake nodes a memory life: usage over time, MemoryPressure at the threshold, evictions
// in the kubelet's order and OOM kills in the kernel's.
//
// Fake nodes have no memory, so it says what a real node's would be: each pod follows the profile of its annotation, the
// kubelet's two signals are computed as package threshold does, and what the kubelet would write is written: usage
// annotations (which KWOK serves to metrics-server), conditions, pod and container statuses.
package kubelet

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// The kubelet's timing (k8s.io/kubernetes pkg/kubelet/kubelet.go:197; pkg/kubelet/eviction/eviction_manager.go:428-478;
// pkg/kubelet/kuberuntime, container back-off).
const (
	monitoringInterval = 10 * time.Second // between two looks at the signals
	evictionCleanup    = 2 * time.Second  // from an eviction to the next look: 1 s of grace, then the pod is gone
	firstBackOff       = 10 * time.Second
	longestBackOff     = 5 * time.Minute
)

// defaultSystemMemory is held outside pods on a node without the annotation, as KWOK's metrics have it.
const defaultSystemMemory = 256 << 20

// Options say how the simulated kubelets are set.
type Options struct {
	// EvictionHard is the memory.available threshold in bytes. More than 0.
	EvictionHard int64
	// PressureTransition is how long MemoryPressure stays after the last crossing (evictionPressureTransitionPeriod).
	PressureTransition time.Duration
	// Seed varies the pods' peaks and the moments of their bursts.
	Seed int64
	// Jitter is the largest share by which a pod's usage differs from its profile, 0 to 1.
	Jitter float64
	// ReportInterval is how often usage annotations are brought up to date.
	ReportInterval time.Duration
	// Step is the time between two steps of the simulation.
	Step time.Duration
	// Clock tells the time; the real one if nil.
	Clock clock.WithTicker
}

// Simulator runs the memory life of every node and pod in a cluster.
type Simulator struct {
	options Options
	client  kubernetes.Interface
	nodes   corelisters.NodeLister
	pods    corelisters.PodLister
	history *History

	podStates  map[types.UID]*podState
	nodeStates map[string]*nodeState
	ordinals   map[string]int // pods seen so far, by namespace and workload
}

// New returns a simulator. factory must not have been started with a filter that hides pods or nodes; the caller starts it.
func New(client kubernetes.Interface, factory informers.SharedInformerFactory, options Options) *Simulator {
	if options.Clock == nil {
		options.Clock = clock.RealClock{}
	}
	return &Simulator{
		options:    options,
		client:     client,
		nodes:      factory.Core().V1().Nodes().Lister(),
		pods:       factory.Core().V1().Pods().Lister(),
		history:    newHistory(options.Clock.Now()),
		podStates:  map[types.UID]*podState{},
		nodeStates: map[string]*nodeState{},
		ordinals:   map[string]int{},
	}
}

// History returns what happened so far. It may be read while Run goes on.
func (s *Simulator) History() *History { return s.history }

// Run steps until ctx ends. synced are the informers' HasSynced.
func (s *Simulator) Run(ctx context.Context, synced ...cache.InformerSynced) error {
	if !cache.WaitForCacheSync(ctx.Done(), synced...) {
		return fmt.Errorf("simulated kubelets: pods and nodes were not listed: %w", context.Cause(ctx))
	}
	ticker := s.options.Clock.NewTicker(s.options.Step)
	defer ticker.Stop()
	for {
		if err := s.step(ctx); err != nil && ctx.Err() == nil {
			// The API server may be busy for a moment; the next step tries again, as a kubelet would.
			klog.FromContext(ctx).Error(err, "A step of the simulated kubelets was not carried out whole")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
		}
	}
}

// step brings every pod and node to the present.
func (s *Simulator) step(ctx context.Context) error {
	now := s.options.Clock.Now()
	nodes, err := s.nodes.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	pods, err := s.pods.List(labels.Everything())
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	byNode := make(map[string][]*podState, len(nodes))
	alive := make(map[types.UID]*podState, len(pods))
	for _, pod := range pods {
		if pod.Spec.NodeName == "" {
			continue
		}
		state := s.podState(pod)
		alive[pod.UID] = state
		state.advance(now)
		byNode[pod.Spec.NodeName] = append(byNode[pod.Spec.NodeName], state)
	}
	s.podStates = alive

	this := &step{now: now, options: s.options, history: s.history, writes: &writes{client: s.client}}
	for _, node := range nodes {
		s.nodeState(node).advance(this, node, byNode[node.Name])
	}
	for _, state := range alive {
		state.write(now, s.options.ReportInterval, this.writes)
	}
	return this.writes.flush(ctx)
}

func (s *Simulator) podState(pod *corev1.Pod) *podState {
	state, ok := s.podStates[pod.UID]
	if !ok {
		workload := pod.Name
		if len(pod.OwnerReferences) > 0 {
			workload = pod.Labels["app"]
		}
		s.ordinals[pod.Namespace+"/"+workload]++
		ordinal := s.ordinals[pod.Namespace+"/"+workload]
		// Drawn by the workload's name and not by its namespace: in two pools that run one workload, the n-th pods are alike.
		state = newPodState(pod, s.options, draw(s.options.Seed, workload, ordinal, "scale"), draw(s.options.Seed, workload, ordinal, "phase"))
	}
	state.pod = pod
	return state
}

func (s *Simulator) nodeState(node *corev1.Node) *nodeState {
	state, ok := s.nodeStates[node.Name]
	if !ok {
		state = &nodeState{}
		s.nodeStates[node.Name] = state
	}
	return state
}

// draw returns a number from 0 to 1 that depends on its arguments only: the n-th pod of a workload gets the same whichever
// scheduler placed it.
func draw(seed int64, workload string, n int, what string) float64 {
	hash := fnv.New64a()
	fmt.Fprintf(hash, "%d|%s|%d|%s", seed, workload, n, what)
	// FNV's high bits are poor for short inputs: mix once more (the finaliser of MurmurHash3).
	mixed := hash.Sum64()
	mixed ^= mixed >> 33
	mixed *= 0xff51afd7ed558ccd
	mixed ^= mixed >> 33
	return float64(mixed>>11) / (1 << 53)
}
