// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/test/cases"
)

const (
	waiter, sentinel = "waiter", "sentinel"
	ours             = "headroom-scheduler"
)

// fleet is a scheduler on some nodes, and a pod that waits for a node with disk=ssd.
type fleet struct {
	client   *fake.Clientset
	instance *scheduler.Scheduler
	attempts atomic.Int64 // to place the waiting pod
}

// newFleet starts with so many nodes without the label: few are searched one by one, many through the index.
func newFleet(t *testing.T, configuration *schedulerconfig.KubeSchedulerConfiguration, nodes int, during func(*fleet, attempt)) *fleet {
	t.Helper()
	f := &fleet{}
	f.client, f.instance = startScheduler(t, configuration, func(client *fake.Clientset, instance *scheduler.Scheduler) {
		f.client, f.instance = client, instance
		schedulePod := instance.SchedulePod
		instance.SchedulePod = func(ctx context.Context, fw framework.Framework, state fwk.CycleState, pod *framework.QueuedPodInfo) (scheduler.ScheduleResult, error) {
			if pod.Pod.Name != waiter {
				return schedulePod(ctx, fw, state, pod)
			}
			number := f.attempts.Add(1)
			if during != nil {
				during(f, attempt{number: number})
			}
			result, err := schedulePod(ctx, fw, state, pod)
			if during != nil {
				during(f, attempt{number: number, judged: true})
			}
			return result, err
		}
	})
	for i := range nodes {
		f.create(t, st.MakeNode().Name(fmt.Sprintf("n%d", i)).Capacity(capacity("8Gi")).Label("rack", "r1").Obj())
	}
	f.settle(t)
	pod := st.MakePod().Name(waiter).Namespace(metav1.NamespaceDefault).SchedulerName(ours).Obj()
	pod.Spec.NodeSelector = map[string]string{"disk": "ssd"}
	f.createPod(t, pod)
	return f
}

// attempt is a moment of an attempt to place the waiting pod: when the scheduler has taken its snapshot, and when it has
// judged.
type attempt struct {
	number int64
	judged bool
}

func capacity(memory string) map[corev1.ResourceName]string {
	return map[corev1.ResourceName]string{corev1.ResourceMemory: memory, corev1.ResourceCPU: "4", corev1.ResourcePods: "10"}
}

func (f *fleet) create(t *testing.T, node *corev1.Node) {
	t.Helper()
	if _, err := f.client.CoreV1().Nodes().Create(t.Context(), node, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (f *fleet) createPod(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if _, err := f.client.CoreV1().Pods(pod.Namespace).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (f *fleet) settle(t *testing.T) {
	t.Helper()
	if err := awaitNodes(t.Context(), f.client, f.instance); err != nil {
		t.Fatal(err)
	}
}

func change(ctx context.Context, client kubernetes.Interface, name string, change func(*corev1.Node)) error {
	node, err := client.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	node = node.DeepCopy()
	change(node)
	_, err = client.CoreV1().Nodes().Update(ctx, node, metav1.UpdateOptions{})
	return err
}

// asleep waits until the pod was judged and waits for events.
func (f *fleet) asleep(t *testing.T) {
	t.Helper()
	f.until(t, "the pod waits for events", func() bool {
		return f.attempts.Load() > 0 && len(f.instance.SchedulingQueue.PodsInActiveQ()) == 0 && f.unschedulable()
	})
}

func (f *fleet) unschedulable() bool {
	pod, err := f.client.CoreV1().Pods(metav1.NamespaceDefault).Get(context.Background(), waiter, metav1.GetOptions{})
	if err != nil || pod.Spec.NodeName != "" {
		return false
	}
	_, summary := f.instance.SchedulingQueue.PendingPods()
	return summary == "activeQ:0; backoffQ:0; unschedulableEntities:1"
}

func (f *fleet) placed(t *testing.T, name string) {
	t.Helper()
	f.until(t, "pod "+name+" is placed", func() bool {
		pod, err := f.client.CoreV1().Pods(metav1.NamespaceDefault).Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && pod.Spec.NodeName != ""
	})
}

func (f *fleet) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	// Far less than the five minutes after which a sleeping pod is tried again by itself.
	err := wait.PollUntilContextTimeout(t.Context(), interval, limit, true, func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		_, queue := f.instance.SchedulingQueue.PendingPods()
		t.Fatalf("waiting until %s: %v; attempts %d; queue %s", what, err, f.attempts.Load(), queue)
	}
}

func fleetSizes() map[string]int { return map[string]int{"few nodes": 2, "many nodes": 30} }

func headroomConfiguration(t *testing.T) *schedulerconfig.KubeSchedulerConfiguration {
	t.Helper()
	return configuration(t, &cases.Case{}, cases.InProcess)
}

func TestEventsThatHelpWakeThePod(t *testing.T) {
	for size, nodes := range fleetSizes() {
		for name, help := range map[string]func(*testing.T, *fleet){
			"a node with the label is added": func(t *testing.T, f *fleet) {
				t.Helper()
				f.create(t, st.MakeNode().Name("new").Capacity(capacity("8Gi")).Label("disk", "ssd").Obj())
			},
			"a node gets the label": func(t *testing.T, f *fleet) {
				t.Helper()
				if err := change(t.Context(), f.client, "n1", func(node *corev1.Node) { node.Labels["disk"] = "ssd" }); err != nil {
					t.Fatal(err)
				}
			},
			"a node's label changes to the value": func(t *testing.T, f *fleet) {
				t.Helper()
				for _, value := range []string{"hdd", "ssd"} {
					if err := change(t.Context(), f.client, "n0", func(node *corev1.Node) { node.Labels["disk"] = value }); err != nil {
						t.Fatal(err)
					}
				}
			},
		} {
			t.Run(size+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newFleet(t, headroomConfiguration(t), nodes, nil)
				f.asleep(t)
				help(t, f)
				f.placed(t, waiter)
			})
		}
	}
}

func TestEventsThatCannotHelpLetThePodSleep(t *testing.T) {
	for size, nodes := range fleetSizes() {
		for name, event := range map[string]func(*corev1.Node){
			"another label":            func(node *corev1.Node) { node.Labels["rack"] = "r2" },
			"another value of the key": func(node *corev1.Node) { node.Labels["disk"] = "hdd" },
			"a label goes":             func(node *corev1.Node) { delete(node.Labels, "rack") },
			"an annotation":            func(node *corev1.Node) { node.Annotations = map[string]string{"note": "1"} },
			"a taint": func(node *corev1.Node) {
				node.Spec.Taints = []corev1.Taint{{Key: "dedicated", Effect: corev1.TaintEffectNoSchedule}}
			},
			"cordoned": func(node *corev1.Node) { node.Spec.Unschedulable = true },
			"more memory": func(node *corev1.Node) {
				node.Status.Allocatable[corev1.ResourceMemory] = resource.MustParse("16Gi")
			},
			"a condition": func(node *corev1.Node) {
				node.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
			},
		} {
			t.Run(size+"/"+name, func(t *testing.T) {
				t.Parallel()
				f := newFleet(t, headroomConfiguration(t), nodes, nil)
				f.asleep(t)
				before := f.attempts.Load()
				if err := change(t.Context(), f.client, "n0", event); err != nil {
					t.Fatal(err)
				}
				f.sentinel(t)
				if got := f.attempts.Load(); got != before || !f.unschedulable() {
					t.Errorf("%d more attempts to place the pod, want none", got-before)
				}
			})
		}
		t.Run(size+"/a pod goes", func(t *testing.T) {
			t.Parallel()
			f := newFleet(t, headroomConfiguration(t), nodes, nil)
			f.createPod(t, st.MakePod().Name("other").Namespace(metav1.NamespaceDefault).SchedulerName(ours).Obj())
			f.placed(t, "other")
			f.asleep(t)
			before := f.attempts.Load()
			if err := f.client.CoreV1().Pods(metav1.NamespaceDefault).Delete(t.Context(), "other", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			f.until(t, "the scheduler knows that the pod is gone", func() bool {
				count, err := f.instance.Cache.PodCount()
				return err == nil && count == 0
			})
			f.sentinel(t)
			if got := f.attempts.Load(); got != before || !f.unschedulable() {
				t.Errorf("%d more attempts to place the pod, want none", got-before)
			}
		})
	}
}

// sentinel lets a second pod wait for a node of its own, and adds that node. Events of a kind are handled in their order: when
// the pod is placed, all that came before were handled.
func (f *fleet) sentinel(t *testing.T) {
	t.Helper()
	pod := st.MakePod().Name(sentinel).Namespace(metav1.NamespaceDefault).SchedulerName(ours).Obj()
	pod.Spec.NodeSelector = map[string]string{"for": sentinel}
	f.createPod(t, pod)
	f.create(t, st.MakeNode().Name(sentinel).Capacity(capacity("8Gi")).Label("for", sentinel).Obj())
	f.placed(t, sentinel)
}

// The label arrives while the pod is being judged, by a snapshot that does not have it: before the pod is judged, or just
// after. No later event comes to its help.
func TestALabelThatArrivesWhileThePodIsJudgedWakesIt(t *testing.T) {
	for size, nodes := range fleetSizes() {
		for _, judged := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/judged %v", size, judged), func(t *testing.T) {
				t.Parallel()
				failed := make(chan error, 1)
				f := newFleet(t, headroomConfiguration(t), nodes, func(f *fleet, now attempt) {
					if now.number > 1 || now.judged != judged {
						return
					}
					ctx, cancel := context.WithTimeout(context.Background(), limit)
					defer cancel()
					err := change(ctx, f.client, "n1", func(node *corev1.Node) { node.Labels["disk"] = "ssd" })
					if err == nil {
						// The scheduler's cache has the label, so its event was handled too, or is about to be.
						err = awaitNodes(ctx, f.client, f.instance)
					}
					failed <- err
				})
				f.placed(t, waiter)
				if err := <-failed; err != nil {
					t.Fatal(err)
				}
				if got := f.attempts.Load(); got != 2 {
					t.Errorf("placed by attempt %d, want the second", got)
				}
			})
		}
	}
}

// The label comes and goes on nodes that are cordoned while they have it, so that the pod is tried in vain again and again; in the end it
// stays on one, and the pod finds it.
func TestThePodFindsTheLabelThatStays(t *testing.T) {
	f := newFleet(t, headroomConfiguration(t), 30, nil)
	label := func(name, value string, cordoned bool) {
		t.Helper()
		if err := change(t.Context(), f.client, name, func(node *corev1.Node) { node.Labels["disk"], node.Spec.Unschedulable = value, cordoned }); err != nil {
			t.Fatal(err)
		}
	}
	f.asleep(t)
	for i := range 60 {
		name := fmt.Sprintf("n%d", i%30)
		label(name, "ssd", true)
		label(name, "hdd", false)
	}
	f.until(t, "the pod was tried in vain", func() bool { return f.attempts.Load() > 1 })
	label("n7", "ssd", false)
	f.placed(t, waiter)
}
