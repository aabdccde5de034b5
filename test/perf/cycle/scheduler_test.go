// SPDX-License-Identifier: Apache-2.0

package cycle

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/test/perf"
	"github.com/headroom-dev/headroom/test/perf/arms"
)

const postBind = "PostBindNotice"

// instance is a scheduler of an arm that does one cycle when it is told to.
type instance struct {
	*scheduler.Scheduler
	client *fake.Clientset
	bound  chan struct{}
	begin  time.Time     // when the last cycle began to choose a node
	choose time.Duration // that it took, with PostFilter where it found none
}

// notice says that a pod was bound, so that a cycle's end is known.
type notice chan struct{}

func (notice) Name() string { return postBind }

func (n notice) PostBind(context.Context, fwk.CycleState, *corev1.Pod, string) { n <- struct{}{} }

// newInstance starts a scheduler on the nodes, where the pods run; it returns when the arm has read their metrics.
func newInstance(b *testing.B, arm perf.Arm, file string, nodes []*corev1.Node, pods []*corev1.Pod) *instance {
	b.Helper()
	ctx, cancel := context.WithCancel(klog.NewContext(context.Background(), logr.Discard()))
	metrics := arms.NewMetrics()
	list := make([]runtime.Object, 0, len(nodes)+len(pods))
	items := make([]corev1.Node, len(nodes))
	for i, node := range nodes {
		list, items[i] = append(list, node), *node
	}
	for _, pod := range pods {
		list = append(list, pod)
		if err := metrics.AddPod(pod); err != nil {
			b.Fatal(err)
		}
	}
	metrics.SetNodes(items)
	text, err := arms.Configuration(arm, file, metrics, postBind)
	if err != nil {
		b.Fatal(err)
	}
	object, _, err := scheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	configuration := object.(*schedulerconfig.KubeSchedulerConfiguration)
	client := fake.NewClientset(list...)
	client.PrependReactor("create", "pods", func(clienttesting.Action) (bool, runtime.Object, error) { // a binding
		return true, nil, nil
	})
	i := &instance{client: client, bound: make(chan struct{}, 1)}
	registry := arms.Registry(metrics)
	registry[postBind] = func(context.Context, runtime.Object, fwk.Handle) (fwk.Plugin, error) { return notice(i.bound), nil }
	informers := scheduler.NewInformerFactory(client, 0, nil)
	broadcaster := events.NewEventBroadcasterAdapterWithContext(ctx, client)
	i.Scheduler, err = scheduler.New(ctx, client, informers, nil,
		func(name string) events.EventRecorderLogger { return broadcaster.NewRecorder(name) },
		scheduler.WithComponentConfigVersion("kubescheduler.config.k8s.io/v1"),
		scheduler.WithProfiles(configuration.Profiles...),
		scheduler.WithPercentageOfNodesToScore(configuration.PercentageOfNodesToScore),
		scheduler.WithParallelism(configuration.Parallelism),
		scheduler.WithFrameworkOutOfTreeRegistry(registry),
	)
	if err != nil {
		b.Fatal(err)
	}
	schedulePod := i.SchedulePod
	i.SchedulePod = func(ctx context.Context, f framework.Framework, state fwk.CycleState, pod *framework.QueuedPodInfo) (scheduler.ScheduleResult, error) {
		i.begin = time.Now()
		result, err := schedulePod(ctx, f, state, pod)
		i.choose = time.Since(i.begin)
		return result, err
	}
	// A pod that fits nowhere is forgotten, and not tried again in somebody else's turn.
	i.FailureHandler = func(_ context.Context, _ framework.Framework, pod *framework.QueuedPodInfo, _ *fwk.Status, _ *fwk.NominatingInfo, _ time.Time) {
		i.choose = time.Since(i.begin)
		i.SchedulingQueue.Done(pod.Pod.UID)
		i.bound <- struct{}{}
	}
	informers.Start(ctx.Done())
	informers.WaitForCacheSync(ctx.Done())
	if err := i.WaitForHandlersSync(ctx); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		cancel()
		i.SchedulingQueue.Close()
		informers.Shutdown()
		broadcaster.Shutdown()
		metrics.Close()
	})
	if arm == perf.Headroom { // Its book is there a moment after the first read.
		if err := metrics.AwaitRead(ctx, arm); err != nil {
			b.Fatal(err)
		}
	}
	return i
}

// place does one cycle with a copy of the pod and returns how long it took to choose a node.
func (i *instance) place(pod *corev1.Pod, number int) time.Duration {
	pod = pod.DeepCopy()
	pod.Name, pod.Namespace, pod.UID = fmt.Sprint(pod.GenerateName, number), corev1.NamespaceDefault, uuid.NewUUID()
	pod.Spec.SchedulerName = corev1.DefaultSchedulerName
	ctx := klog.NewContext(context.Background(), logr.Discard())
	i.SchedulingQueue.Add(ctx, pod)
	i.ScheduleOne(ctx)
	<-i.bound
	i.client.ClearActions() // it would remember all
	return i.choose
}

// template reads an object of the harness's.
func template[T any](b *testing.B, name string) *T {
	b.Helper()
	text, err := os.ReadFile(filepath.Join("..", "harness", "templates", name+".yaml"))
	if err != nil {
		b.Fatal(err)
	}
	object := new(T)
	if err := yaml.UnmarshalStrict(text, object); err != nil {
		b.Fatalf("%s: %v", name, err)
	}
	return object
}
