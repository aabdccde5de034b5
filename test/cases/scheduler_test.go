// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/events"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/scheduler"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"

	shipped "github.com/headroom-dev/headroom/config"
	"github.com/headroom-dev/headroom/pkg/apis/config"
	_ "github.com/headroom-dev/headroom/pkg/apis/config/scheme" // arguments of Headroom's plugins
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
	"github.com/headroom-dev/headroom/pkg/plugins/nodename"
	"github.com/headroom-dev/headroom/test/cases"
)

// decode reads a configuration as kube-scheduler does, defaults and plugin arguments included.
func decode(t *testing.T, text []byte) *schedulerconfig.KubeSchedulerConfiguration {
	t.Helper()
	object, version, err := scheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	configuration, ok := object.(*schedulerconfig.KubeSchedulerConfiguration)
	if !ok {
		t.Fatalf("the configuration is a %s", version)
	}
	configuration.APIVersion = version.GroupVersion().String()
	return configuration
}

// configuration returns what a case's scheduler runs.
func configuration(t *testing.T, c *cases.Case, runner cases.Runner) *schedulerconfig.KubeSchedulerConfiguration {
	t.Helper()
	text := shipped.SchedulerConfig
	if c.Config != "" {
		var err error
		if text, err = os.ReadFile(filepath.Join("config", c.Config+".yaml")); err != nil {
			t.Fatalf("%s: %v", c.At, err)
		}
	}
	ours := decode(t, text)
	if runner == cases.Stock {
		return stock(t, ours)
	}
	return ours
}

// stock returns kube-scheduler's own defaults, under the names of the profiles and with the affinity that they add.
func stock(t *testing.T, ours *schedulerconfig.KubeSchedulerConfiguration) *schedulerconfig.KubeSchedulerConfiguration {
	t.Helper()
	var profiles []any
	for _, p := range ours.Profiles {
		var arguments []any
		for _, plugin := range p.PluginConfig {
			if args, ok := plugin.Args.(*config.HeadroomNodeAffinityArgs); ok {
				arguments = append(arguments, map[string]any{"name": "NodeAffinity", "args": map[string]any{"addedAffinity": args.AddedAffinity}})
			}
		}
		profiles = append(profiles, map[string]any{"schedulerName": p.SchedulerName, "pluginConfig": arguments})
	}
	text, err := json.Marshal(map[string]any{"apiVersion": ours.APIVersion, "kind": "KubeSchedulerConfiguration", "profiles": profiles})
	if err != nil {
		t.Fatal(err)
	}
	return decode(t, text)
}

// startScheduler runs a whole scheduler on a client that keeps objects in memory, until the test ends. It is prepared before
// it runs.
func startScheduler(
	t *testing.T, configuration *schedulerconfig.KubeSchedulerConfiguration, prepare ...func(*fake.Clientset, *scheduler.Scheduler),
) (*fake.Clientset, *scheduler.Scheduler) {
	t.Helper()
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logr.Discard()))
	client := newClient()
	metrics := httptest.NewServer(&metricsAPI{client: client})
	informers := scheduler.NewInformerFactory(client, 0, nil)
	broadcaster := events.NewEventBroadcasterAdapterWithContext(ctx, client)
	recorder := func(name string) events.EventRecorderLogger { return broadcaster.NewRecorder(name) }
	instance, err := scheduler.New(ctx, client, informers, nil, recorder,
		scheduler.WithComponentConfigVersion(configuration.APIVersion),
		scheduler.WithKubeConfig(&rest.Config{Host: metrics.URL}),
		scheduler.WithProfiles(configuration.Profiles...),
		scheduler.WithPercentageOfNodesToScore(configuration.PercentageOfNodesToScore),
		scheduler.WithParallelism(configuration.Parallelism),
		scheduler.WithFrameworkOutOfTreeRegistry(frameworkruntime.Registry{
			nodename.Name: nodename.New, nodeaffinity.Name: nodeaffinity.New, memory.Name: memory.NewFactory().New,
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	for _, prepare := range prepare {
		prepare(client, instance)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-done
		informers.Shutdown()
		broadcaster.Shutdown()
		metrics.Close()
	})
	informers.Start(ctx.Done())
	informers.WaitForCacheSync(ctx.Done())
	awaitWatches(ctx, t, client, "nodes", "pods")
	if err := instance.WaitForHandlersSync(ctx); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		instance.Run(ctx)
	}()
	return client, instance
}

// awaitWatches waits until changes are watched: what happens between a list and its watch is lost with this client.
func awaitWatches(ctx context.Context, t *testing.T, client *fake.Clientset, resources ...string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(ctx, time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		actions := client.Actions()
		for _, resource := range resources {
			if !slices.ContainsFunc(actions, func(action clienttesting.Action) bool { return action.Matches("watch", resource) }) {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
