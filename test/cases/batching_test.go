// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/component-base/metrics/testutil"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	st "k8s.io/kubernetes/pkg/scheduler/testing"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/test/cases"
)

// throughput returns the configuration for throughput, with the plugins of a runner.
func throughput(t *testing.T, runner cases.Runner) *schedulerconfig.KubeSchedulerConfiguration {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "config", "scheduler-config-throughput.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	configuration := decode(t, text)
	if runner != cases.Stock {
		return configuration
	}
	inTree := stock(t, configuration)
	for i := range inTree.Profiles[0].PluginConfig {
		for _, other := range configuration.Profiles[0].PluginConfig {
			if inTree.Profiles[0].PluginConfig[i].Name == other.Name {
				inTree.Profiles[0].PluginConfig[i] = other
			}
		}
	}
	return inTree
}

// placedInBatch schedules equal pods one right after the other and returns how many were placed by what was found for one
// before.
func placedInBatch(t *testing.T, configuration *schedulerconfig.KubeSchedulerConfiguration, pods int) float64 {
	t.Helper()
	const profile = "headroom-scheduler"
	metrics.Register() // as scheduler.New would
	used := metrics.BatchAttemptStats.WithLabelValues(profile, metrics.BatchAttemptHintUsed)
	count := func() float64 {
		value, err := testutil.GetCounterMetricValue(used)
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
	before := count()
	client, instance := startScheduler(t, configuration, func(_ *fake.Clientset, instance *scheduler.Scheduler) {
		schedulePod := instance.SchedulePod
		instance.SchedulePod = func(ctx context.Context, fw framework.Framework, state fwk.CycleState, pod *framework.QueuedPodInfo) (scheduler.ScheduleResult, error) {
			if pod.Pod.Name == "p0" { // Until all others wait for their turn.
				err := wait.PollUntilContextTimeout(ctx, interval, limit, true, func(context.Context) (bool, error) {
					return len(instance.SchedulingQueue.PodsInActiveQ()) == pods-1, nil
				})
				if err != nil {
					return scheduler.ScheduleResult{}, err
				}
			}
			return schedulePod(ctx, fw, state, pod)
		}
	})
	f := &fleet{client: client, instance: instance}
	for i := range 20 {
		f.create(t, st.MakeNode().Name(fmt.Sprintf("n%d", i)).Capacity(capacity("8Gi")).Label("disk", "ssd").Obj())
	}
	f.settle(t)
	for i := range pods {
		pod := st.MakePod().Name(fmt.Sprintf("p%d", i)).Namespace(metav1.NamespaceDefault).SchedulerName(ours)
		f.createPod(t, pod.NodeSelector(map[string]string{"disk": "ssd"}).Obj())
	}
	for i := range pods {
		f.placed(t, fmt.Sprintf("p%d", i))
	}
	return count() - before
}

// One plugin that does not sign pods would switch batching off for the whole profile.
func TestPodsAreBatchedAsWithTheInTreePlugins(t *testing.T) {
	const pods = 10
	want := placedInBatch(t, throughput(t, cases.Stock), pods)
	if want == 0 {
		t.Fatal("the in-tree plugins batch no pods: there is nothing to compare with")
	}
	if got := placedInBatch(t, throughput(t, cases.InProcess), pods); got != want {
		t.Errorf("%v of %d pods were placed in a batch, want %v as with the in-tree plugins", got, pods, want)
	}
}

// The default constraints of PodTopologySpread switch batching off, with the in-tree plugins as with ours.
func TestTheShippedProfileDoesNotBatch(t *testing.T) {
	if got := placedInBatch(t, decode(t, shipped.SchedulerConfig), 5); got != 0 {
		t.Errorf("%v pods were placed in a batch: docs/performance.md says that none are", got)
	}
}
