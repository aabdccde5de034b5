// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	corelisters "k8s.io/client-go/listers/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

func TestProfilesThatSeeMemoryAlikeShareABook(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	client := fake.NewClientset()
	informerFactory := informers.NewSharedInformerFactory(client, 0)
	factory := quietFactory(clock.RealClock{})
	profile := func(change func(*config.HeadroomMemoryArgs)) *Memory {
		args := arguments()
		change(args)
		plugin, err := factory.newFrom(ctx, args, handle{factory: informerFactory, client: client},
			func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error) { return &source{}, nil })
		if err != nil {
			t.Fatal(err)
		}
		return plugin
	}
	first := profile(func(*config.HeadroomMemoryArgs) {})
	for _, test := range []struct {
		name   string
		change func(*config.HeadroomMemoryArgs)
		want   bool
	}{
		{"equal arguments", func(*config.HeadroomMemoryArgs) {}, true},
		{"another filter", func(args *config.HeadroomMemoryArgs) { args.Filter, args.Shadow = config.FilterOff, true }, true},
		{"another reserve", func(args *config.HeadroomMemoryArgs) { args.Reserve = resource.MustParse("1Gi") }, false},
	} {
		if got := profile(test.change).books == first.books; got != test.want {
			t.Errorf("%s: they share a book: %v, want %v", test.name, got, test.want)
		}
	}
	pod := newPod("p", mi)
	profile(func(*config.HeadroomMemoryArgs) {}).Reserve(ctx, nothing{}, pod, "n1")
	if got := first.books.reserved(); got != 1 {
		t.Errorf("a pod that another profile placed: %d reservations are seen, want 1", got)
	}
	cancel()
	informerFactory.Shutdown()
}

// Kubelets are asked by the nodes that are known: before there are any, nothing could be read, and the next try would come late.
func TestKubeletsAreReadOnceNodesAreKnown(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client := fake.NewClientset(newFleet(nil).node("n1", 0, 0).nodes[0])
	informerFactory := informers.NewSharedInformerFactory(client, 0)
	nodes := informerFactory.Core().V1().Nodes()
	read := make(chan int, 1)
	args := arguments()
	args.Source = config.MemorySource{Type: config.SourceKubelet}
	_, err := quietFactory(clock.RealClock{}).newFrom(ctx, args, handle{factory: informerFactory, client: client},
		func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error) {
			return countingNodes{nodes.Lister(), read}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-read:
		t.Error("the source was read before any node was known")
	case <-time.After(100 * time.Millisecond):
	}
	informerFactory.Start(ctx.Done())
	if known := <-read; known != 1 {
		t.Errorf("the first read knows %d nodes, want the one that there is", known)
	}
	cancel()
	informerFactory.Shutdown()
}

// countingNodes is a source that tells how many nodes were known when it was first read.
type countingNodes struct {
	nodes corelisters.NodeLister
	read  chan int
}

func (c countingNodes) Read(context.Context) (*sample.Set, error) {
	nodes, err := c.nodes.List(labels.Everything())
	select {
	case c.read <- len(nodes):
	default:
	}
	return &sample.Set{}, err
}

// One of several books writes what is learned, whichever profile's pods are scheduled.
func TestOneBookWritesEachCheckpoint(t *testing.T) {
	factory, here, elsewhere := &Factory{shared: map[sharedKey]*shared{}}, informers.NewSharedInformerFactory(nil, 0), informers.NewSharedInformerFactory(nil, 0)
	add := func(informers informers.SharedInformerFactory, checkpoint config.ForecastCheckpoint) (*books, bool) {
		made, args := &shared{books: newBooks(reserve{})}, arguments()
		args.Checkpoint = checkpoint
		factory.join(made, informers, args)
		factory.shared[sharedKey{informers, strconv.Itoa(len(factory.shared))}] = made
		return made.books, made.writes
	}
	kept := config.ForecastCheckpoint{Enabled: true, Namespace: "n", Name: "learned"}
	first, writes := add(here, config.ForecastCheckpoint{})
	if writes {
		t.Error("a profile without a checkpoint writes one")
	}
	for _, test := range []struct {
		name       string
		informers  informers.SharedInformerFactory
		checkpoint config.ForecastCheckpoint
		want       bool
	}{
		{"the first one with a checkpoint", here, kept, true},
		{"another one with the same", here, kept, false},
		{"one with a checkpoint of its own", here, config.ForecastCheckpoint{Enabled: true, Namespace: "n", Name: "other"}, true},
		{"another scheduler of this process", elsewhere, kept, true},
	} {
		books, writes := add(test.informers, test.checkpoint)
		if writes != test.want {
			t.Errorf("%s: writes %v, want %v", test.name, writes, test.want)
		}
		if got := books.asked == first.asked; got != (test.informers == here) {
			t.Errorf("%s: knows that the first profile was asked: %v", test.name, got)
		}
	}
}

// nothing is the state of a cycle in which this plugin did nothing before.
type nothing struct{ fwk.CycleState }

func (nothing) Read(fwk.StateKey) (fwk.StateData, error) { return nil, fwk.ErrNotFound }

// Every argument arrives where it is heeded: all differ from what they are by default and from each other.
func TestArgumentsArrive(t *testing.T) {
	args := &config.HeadroomMemoryArgs{
		Filter: config.FilterSoft, FilterByQOSClass: map[corev1.PodQOSClass]config.FilterMode{corev1.PodQOSBestEffort: config.FilterOff},
		FilterDaemonSetPods: true, FilterCriticalPods: true, Shadow: true, Strategy: config.StrategyPack, PackPercent: 12,
		FreshFor: metav1.Duration{Duration: 2 * time.Minute}, WarmUp: metav1.Duration{Duration: 3 * time.Minute}, RefreshInterval: metav1.Duration{Duration: time.Minute},
		Cooldown: metav1.Duration{Duration: 4 * time.Minute}, MaxNotFreshPercent: 5, MaxStallPercent: 6,
		AssumedEvictionHard: resource.MustParse("7Mi"), Reserve: resource.MustParse("8Mi"), ReservePercent: 9,
		LimitPriorPercent: 10, DefaultContainerPeak: resource.MustParse("11Mi"), Source: config.MemorySource{Type: config.SourceMetricsAPI},
	}
	client := fake.NewClientset()
	factory := quietFactory(clock.RealClock{})
	plugin, err := factory.newFrom(t.Context(), args, handle{factory: informers.NewSharedInformerFactory(client, 0), client: client},
		func(*config.HeadroomMemoryArgs, fwk.Handle) (usage.Source, error) { return &source{}, nil })
	if err != nil {
		t.Fatal(err)
	}
	wantModes := modes{filter: config.FilterSoft, byQOSClass: args.FilterByQOSClass, daemonSets: true, critical: true}
	if diff := cmp.Diff(wantModes, plugin.modes, cmp.AllowUnexported(modes{})); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
	prior := forecast.Prior{LimitPercent: 10, DefaultContainerBytes: 11 * mi}
	if plugin.packTo != 0.12 {
		t.Errorf("nodes are filled to a share of %v, want 0.12", plugin.packTo)
	}
	if !plugin.shadow || plugin.prior != prior || plugin.books.kept != (reserve{bytes: 8 * mi, percent: 9}) {
		t.Errorf("shadow %v, prior %+v, reserve %+v, want them as in the arguments", plugin.shadow, plugin.prior, plugin.books.kept)
	}
	learner := forecast.NewLearner(prior)
	want := ledger.Options{FreshFor: 2 * time.Minute, WarmUp: 3 * time.Minute, EvictionHardBytes: 7 * mi, MaxNotFreshPercent: 5,
		Cooldown: 4 * time.Minute, MaxStallPercent: 6, Estimator: prior, Learner: learner}
	if got := ledgerOptions(args, prior, learner); got != want {
		t.Errorf("how the book is kept: %+v, want %+v", got, want)
	}
}

func TestArgumentsOfPrometheusArrive(t *testing.T) {
	query := func(name string) *config.PrometheusQuery {
		return &config.PrometheusQuery{Bytes: name + " bytes", Times: name + " times"}
	}
	got := prometheusOptions(&config.PrometheusSource{
		Address: "https://p", Nodes: query("nodes"), Kubepods: query("kubepods"), Pods: query("pods"), NodeLabel: "instance", StripPort: true,
		CAFile: "/ca", InsecureSkipVerify: true, BearerTokenFile: "/token", Username: "me", PasswordFile: "/password",
		History: config.PrometheusHistory{Peaks: "peaks[$range]"},
	})
	want := prometheus.Options{
		Address: "https://p", NodeLabel: "instance", StripPort: true, CAFile: "/ca", Insecure: true, BearerTokenFile: "/token", Username: "me", PasswordFile: "/password",
		Nodes: prometheus.Query{Bytes: "nodes bytes", Times: "nodes times"}, Kubepods: prometheus.Query{Bytes: "kubepods bytes", Times: "kubepods times"},
		Pods: prometheus.Query{Bytes: "pods bytes", Times: "pods times"}, PodPeaks: "peaks[$range]",
	}
	if got != want {
		t.Errorf("options %+v, want %+v", got, want)
	}
}
