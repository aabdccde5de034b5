// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

const (
	victimNamespace = "victims"
	eventsVariable  = "E2E_EVENTS"
	// sampleInterval is the time between two looks at the kubelet's summary, and freshFor how old the victim's figure in the
	// last one before an eviction may be for the prediction to count: cAdvisor takes one every 10 to 15 s.
	sampleInterval = 500 * time.Millisecond
	freshFor       = 15 * time.Second
	roundLimit     = 150 * time.Second
	// roundsForOne is how many rounds there are at most for each event with fresh figures that is wanted.
	roundsForOne = 3
)

// pressureEvent is one eviction by a kubelet, with what was predicted from the last summary before it.
type pressureEvent struct {
	Node      string `json:"node"`
	Round     int    `json:"round"`
	Victim    string `json:"victim"`
	Predicted string `json:"predicted"`
	Reason    string `json:"reason"`
	// Compared: the victim was measured before the kubelet decided, AgeSeconds before. Fresh: not long before.
	Compared   bool    `json:"compared"`
	AgeSeconds float64 `json:"ageSeconds"`
	Fresh      bool    `json:"fresh"`
	Right      bool    `json:"right"`
	// Ranked is all of the prediction: name, bytes used and requested, priority.
	Ranked []string `json:"ranked"`
}

// TestFirstVictimIsWhoTheKubeletEvicts puts workers under pressure, round by round, with pods of different requests, use and
// priority, and compares each kubelet's first victim with the prediction.
func TestFirstVictimIsWhoTheKubeletEvicts(t *testing.T) {
	e := cluster(t)
	if e.kind == nil {
		t.Skip("fills nodes until they evict: on a kind cluster only")
	}
	ctx := t.Context()
	wanted := number(t, eventsVariable, 10)
	if err := e.newNamespace(ctx, victimNamespace); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.removeNamespace(context.WithoutCancel(ctx), victimNamespace); err != nil {
			t.Error(err)
		}
	})
	for name, priority := range priorities() {
		class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: priority}
		if _, err := e.clients.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := e.clients.SchedulingV1().PriorityClasses().Delete(context.WithoutCancel(ctx), name, metav1.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
	}
	workers, err := e.workers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	events := pressureEvents{wanted: wanted}
	t.Run("workers", func(t *testing.T) {
		for i := range workers {
			t.Run(workers[i].Name, func(t *testing.T) {
				t.Parallel()
				for round, more := events.next(); more; round, more = events.next() {
					event, err := e.press(t.Context(), &workers[i], round)
					if err != nil {
						t.Errorf("round %d: %v", round, err)
						continue
					}
					t.Logf("%+v", *event)
					events.add(event)
				}
			})
		}
	})
	if err := wholefile.WriteJSON(filepath.Join(outFolder, "evictions.json"), map[string]any{"events": events.all}); err != nil {
		t.Error(err)
	}
	events.judge(t)
}

// pressureEvents are collected until enough of them have fresh figures.
type pressureEvents struct {
	wanted int // with fresh figures

	mutex  sync.Mutex
	rounds int
	all    []pressureEvent
}

func (p *pressureEvents) fresh() int {
	fresh := 0
	for i := range p.all {
		if p.all[i].Fresh {
			fresh++
		}
	}
	return fresh
}

// next returns the next round, or that there is none.
func (p *pressureEvents) next() (round int, more bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.fresh() >= p.wanted || p.rounds >= roundsForOne*p.wanted {
		return 0, false
	}
	p.rounds++
	return p.rounds - 1, true
}

func (p *pressureEvents) add(event *pressureEvent) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.all = append(p.all, *event)
}

// judge fails where a first victim was foretold wrongly by fresh figures, and where too few had them: a round may end before a summary
// shows its pods.
func (p *pressureEvents) judge(t *testing.T) {
	t.Helper()
	for _, event := range p.all {
		if event.Fresh && !event.Right {
			t.Errorf("round %d on %s: evicted %s, predicted %s", event.Round, event.Node, event.Victim, event.Predicted)
		}
	}
	t.Logf("%d events, %d of them with fresh figures", len(p.all), p.fresh())
	if p.fresh() < p.wanted {
		t.Errorf("%d events in %d rounds, %d of them with fresh figures: want %d", len(p.all), p.rounds, p.fresh(), p.wanted)
	}
}

func priorities() map[string]int32 {
	return map[string]int32{"victims-low": 100, "victims-high": 10_000}
}

// press fills a node until its kubelet evicts, and returns the first eviction.
func (e *environment) press(ctx context.Context, node *corev1.Node, round int) (*pressureEvent, error) {
	if err := e.waitQuiet(ctx, node.Name); err != nil {
		return nil, err
	}
	pods := victims(node.Name, round)
	for _, pod := range pods {
		if _, err := e.clients.CoreV1().Pods(victimNamespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
	}
	event, err := e.watchFirstEviction(ctx, node, round)
	return event, errors.Join(err, e.removeVictims(ctx, node.Name, pods))
}

// removeVictims deletes a round's pods and waits until the node has none of them.
func (e *environment) removeVictims(ctx context.Context, node string, pods []*corev1.Pod) error {
	for _, pod := range pods {
		if err := e.clients.CoreV1().Pods(victimNamespace).Delete(ctx, pod.Name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	return e.waitFor(ctx, "the end of the round's pods", func(ctx context.Context) (bool, error) {
		left, err := e.podsOf(ctx, node)
		return err == nil && !slices.ContainsFunc(left, func(pod corev1.Pod) bool { return pod.Namespace == victimNamespace }), err
	})
}

// watchFirstEviction looks at the kubelet's summary again and again, ranks the node's pods by it, and compares when one is evicted.
func (e *environment) watchFirstEviction(ctx context.Context, node *corev1.Node, round int) (*pressureEvent, error) {
	source, err := e.kubelets(func() ([]*corev1.Node, error) { return []*corev1.Node{node}, nil })
	if err != nil {
		return nil, err
	}
	defer source.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(ctx, roundLimit)
	defer cancel()
	var made []prediction
	for {
		pods, err := e.podsOf(ctx, node.Name)
		if err != nil {
			return nil, err
		}
		for _, pod := range pods {
			if wasEvicted(&pod) {
				return compare(made, node.Name, round, &pod), nil
			}
		}
		next, err := predict(ctx, source, pods)
		if err != nil {
			return nil, err
		}
		made = append(made, *next)
		if err := pause(ctx, sampleInterval); err != nil {
			return nil, fmt.Errorf("no eviction within %s; the last prediction: %v", roundLimit, next.ranked)
		}
	}
}

// prediction is who would be evicted, by one summary.
type prediction struct {
	ranked  []eviction.Ranked
	samples map[types.NamespacedName]sample.Pod
}

func predict(ctx context.Context, source *kubelet.Source, pods []corev1.Pod) (*prediction, error) {
	set, err := source.Read(ctx)
	if err != nil {
		return nil, err
	}
	var known []eviction.Pod
	for i := range pods {
		if phase := pods[i].Status.Phase; phase == corev1.PodSucceeded || phase == corev1.PodFailed {
			continue
		}
		measured := set.Pods[types.NamespacedName{Namespace: pods[i].Namespace, Name: pods[i].Name}]
		known = append(known, eviction.PodOf(&pods[i], measured.Measurement))
	}
	return &prediction{ranked: eviction.Rank(known), samples: set.Pods}, nil
}

// decidedAt is when the kubelet decided to evict a pod; zero, which no figure is from before of, if it does not say.
func decidedAt(evicted *corev1.Pod) (decided time.Time) {
	for _, condition := range evicted.Status.Conditions {
		if condition.Type == corev1.DisruptionTarget {
			decided = condition.LastTransitionTime.Time
		}
	}
	return decided
}

// compare takes the last prediction by figures of the victim from before the kubelet decided: it says that it evicted a pod when the pod is
// gone, and until then its figures are of what is left, or gone too. If there is none, the last one is told of.
func compare(made []prediction, node string, round int, evicted *corev1.Pod) *pressureEvent {
	victim, decided := types.NamespacedName{Namespace: victimNamespace, Name: evicted.Name}, decidedAt(evicted)
	event := &pressureEvent{Node: node, Round: round, Victim: victim.Name}
	var p prediction
	for i := len(made) - 1; i >= 0 && !event.Compared; i-- {
		if measured := made[i].samples[victim]; measured.Known() && measured.Time.Before(decided) { // both in whole seconds
			p, event.Compared = made[i], true
			event.AgeSeconds = decided.Sub(measured.Time).Seconds()
		}
	}
	if !event.Compared && len(made) > 0 {
		p = made[len(made)-1]
	}
	if len(p.ranked) > 0 {
		event.Predicted, event.Reason = p.ranked[0].Name, p.ranked[0].Reason
	}
	event.Fresh = event.Compared && event.AgeSeconds <= freshFor.Seconds()
	event.Right = event.Predicted == victim.Name
	for _, pod := range p.ranked {
		event.Ranked = append(event.Ranked, fmt.Sprintf("%s uses %dMi of %dMi, priority %d", pod.Name, pod.UsageBytes>>20, pod.RequestBytes>>20, pod.Priority))
	}
	return event
}

func (e *environment) podsOf(ctx context.Context, node string) ([]corev1.Pod, error) {
	list, err := e.clients.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + node})
	if err != nil {
		return nil, err
	}
	return list.Items, nil
}

// victims returns the pods of a round, which differs from every other: four with memory that they keep, and one that grows
// until the node has 150 MiB too little, slowly enough for the kubelet to see it before the kernel does.
func victims(node string, round int) []*corev1.Pod {
	random := rand.New(rand.NewPCG(uint64(round), 1))
	classes := []string{"", "", "victims-low", "victims-high"}
	var pods []*corev1.Pod
	total, asked := 0, 0
	for i := range 4 {
		holds := 200 + 50*random.IntN(7)
		total += holds
		asks := []int{0, holds / 2, holds - 40, holds + 100}[random.IntN(4)]
		if asked+asks > workerMemory>>20*3/4 {
			asks = 0 // by requests there must be room for all
		}
		asked += asks
		pods = append(pods, victim(node, fmt.Sprintf("round-%d-%c", round, 'a'+i), asks, classes[random.IntN(len(classes))], fmt.Sprintf("%dMi:5s", holds)))
	}
	grows := workerMemory>>20 - total + 150
	return append(pods, victim(node, fmt.Sprintf("round-%d-grows", round), min([]int{100, grows / 2, grows + 200}[random.IntN(3)], workerMemory>>20-asked-100),
		classes[random.IntN(len(classes))], "20Mi:0s:8s", fmt.Sprintf("%dMi:10s:25s", grows-400), fmt.Sprintf("%dMi:30s", grows)))
}

func victim(node, name string, asksMi int, class string, steps ...string) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			NodeSelector:      map[string]string{corev1.LabelHostname: node},
			PriorityClassName: class, RestartPolicy: corev1.RestartPolicyNever, TerminationGracePeriodSeconds: new(int64(1)),
			Containers: []corev1.Container{{
				Name: "main", Image: "headroom-e2e/memoryload:e2e", ImagePullPolicy: corev1.PullNever, Args: steps,
			}},
		},
	}
	if asksMi > 0 {
		pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{
			corev1.ResourceMemory: *resource.NewQuantity(int64(asksMi)<<20, resource.BinarySI),
		}
	}
	return pod
}
