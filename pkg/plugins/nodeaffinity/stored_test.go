// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	fwk "k8s.io/kube-scheduler/framework"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	st "k8s.io/kubernetes/pkg/scheduler/testing"
	"pgregory.net/rapid"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// laggingScheduler is a scheduler's cache that learns of what is in an informer's store later.
type laggingScheduler struct {
	fwk.Handle
	informers informers.SharedInformerFactory // never started: tests write to the store themselves
	store     cache.Indexer
	events    []func() // not delivered yet
	cache     internalcache.Cache
	snapshot  *internalcache.Snapshot
}

func newLaggingScheduler(tb testing.TB) *laggingScheduler {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	cancel() // the goroutine that keeps the cache's metrics
	factory := informers.NewSharedInformerFactory(nil, 0)
	return &laggingScheduler{
		informers: factory,
		store:     factory.Core().V1().Nodes().Informer().GetIndexer(),
		cache:     internalcache.New(ctx, nil, false, false),
		snapshot:  internalcache.NewEmptySnapshot(),
	}
}

func (s *laggingScheduler) SnapshotSharedLister() fwk.SharedLister { return s.snapshot }

func (s *laggingScheduler) SharedInformerFactory() informers.SharedInformerFactory {
	return s.informers
}

// put adds a node to the store, or replaces it.
func (s *laggingScheduler) put(node *corev1.Node) {
	old, exists, _ := s.store.GetByKey(node.Name)
	_ = s.store.Update(node)
	s.events = append(s.events, func() {
		if exists {
			s.cache.UpdateNode(logr.Discard(), old.(*corev1.Node), node)
		} else {
			s.cache.AddNode(logr.Discard(), node)
		}
	})
}

func (s *laggingScheduler) remove(name string) {
	if old, exists, _ := s.store.GetByKey(name); exists {
		_ = s.store.Delete(old)
		s.events = append(s.events, func() { _ = s.cache.RemoveNode(logr.Discard(), old.(*corev1.Node)) })
	}
}

// relist replaces all of the store, as after a watch that broke: the nodes that went meanwhile are not told of one by one.
func (s *laggingScheduler) relist(gone string) {
	keep := map[string]any{}
	for _, object := range s.store.List() {
		node := object.(*corev1.Node)
		if node.Name == gone {
			s.events = append(s.events, func() { _ = s.cache.RemoveNode(logr.Discard(), node) })
			continue
		}
		again := node.DeepCopy()
		keep[node.Name] = again
		s.events = append(s.events, func() { s.cache.UpdateNode(logr.Discard(), node, again) })
	}
	_ = s.store.Replace(slices.Collect(maps.Values(keep)), "")
}

// deliver tells the scheduler of so many events.
func (s *laggingScheduler) deliver(count int) {
	for _, event := range s.events[:count] {
		event()
	}
	s.events = s.events[count:]
}

// cycle begins a scheduling cycle and returns its nodes.
func (s *laggingScheduler) cycle() ([]fwk.NodeInfo, error) {
	if err := s.cache.UpdateSnapshot(logr.Discard(), s.snapshot); err != nil {
		return nil, err
	}
	return s.snapshot.List()
}

func labelled(i int, ssd bool) *corev1.Node {
	node := st.MakeNode().Name(fmt.Sprintf("n%d", i)).Label("zone", "a")
	if ssd {
		node.Label("disk", "ssd")
	}
	return node.Obj()
}

// Whatever the store has already and the scheduler has not heard of yet, the nodes found are those that the snapshot's own objects give.
func TestTheIndexIsOfTheSnapshotThoughTheSchedulerLags(t *testing.T) {
	pod := st.MakePod().NodeSelector(map[string]string{"disk": "ssd"}).Obj()
	selective := constraint.CompileRequired(pod)
	rapid.Check(t, func(rt *rapid.T) {
		scheduler := newLaggingScheduler(t)
		following := newNarrowing(scheduler)
		following.stored.most = rapid.SampledFrom([]int{0, 1, mostBehind}).Draw(rt, "noted one by one")
		following.patience = rapid.IntRange(1, 2).Draw(rt, "patience")
		for i := range 24 {
			scheduler.put(labelled(i, i == 23))
		}
		for range rapid.IntRange(1, 12).Draw(rt, "cycles") {
			for range rapid.IntRange(0, 3).Draw(rt, "changes") {
				i := rapid.IntRange(22, 25).Draw(rt, "node") // few, so that one changes several times
				switch rapid.SampledFrom([]string{"put", "remove", "relist"}).Draw(rt, "change") {
				case "put":
					scheduler.put(labelled(i, rapid.Bool().Draw(rt, "ssd")))
				case "remove":
					scheduler.remove(fmt.Sprintf("n%d", i))
				case "relist":
					scheduler.relist(fmt.Sprintf("n%d", i))
				}
			}
			scheduler.deliver(rapid.IntRange(0, len(scheduler.events)).Draw(rt, "delivered"))
			nodes, err := scheduler.cycle()
			if err != nil {
				rt.Fatal(err)
			}
			if len(nodes) > 12 && rapid.IntRange(0, 4).Draw(rt, "of a placement") == 0 {
				nodes = rapid.Permutation(nodes).Draw(rt, "placement")[:12]
			}
			want, wantOK := newNarrowing(nil).find(selective, nil, nodes)
			got, ok := following.find(selective, nil, nodes)
			if diff := cmp.Diff(want, got); diff != "" || ok != wantOK {
				rt.Fatalf("narrows %v, want %v; nodes (-compared +followed):\n%s", ok, wantOK, diff)
			}
			wantText := newNarrowing(nil).diagnose(pod, selective, nil, nodes).Message()
			if diff := cmp.Diff(wantText, following.diagnose(pod, selective, nil, nodes).Message()); diff != "" {
				rt.Fatalf("diagnosis (-compared +followed):\n%s", diff)
			}
		}
	})
}

func TestNodesAreComparedNoMoreOnceTheSchedulerHasWhatTheStoreHas(t *testing.T) {
	for _, most := range []int{0, mostBehind} {
		t.Run(fmt.Sprintf("%d noted one by one", most), func(t *testing.T) { comparesNoMore(t, most) })
	}
}

func comparesNoMore(t *testing.T, most int) {
	t.Helper()
	selective := constraint.CompileRequired(st.MakePod().NodeSelector(map[string]string{"disk": "ssd"}).Obj())
	scheduler := newLaggingScheduler(t)
	following := newNarrowing(scheduler)
	following.stored.most = most
	for i := range 24 {
		scheduler.put(labelled(i, i == 0))
	}
	// compares reports whether the next cycle after so many will compare.
	compares := func(cycles int) bool {
		t.Helper()
		for range cycles {
			nodes, err := scheduler.cycle()
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := following.find(selective, nil, nodes); !ok {
				t.Fatal("the search is not narrowed")
			}
		}
		return !following.settled
	}
	for _, step := range []struct {
		name   string
		change func()
		want   bool
	}{
		{"all but one event was delivered", func() { scheduler.deliver(23) }, true},
		{"all were", func() { scheduler.deliver(1) }, false},
		{"nothing changed", func() {}, false},
		{"a node changed in the store", func() { scheduler.put(labelled(3, true)) }, true},
		{"still nobody told the scheduler", func() {}, true},
		{"it was told", func() { scheduler.deliver(1) }, false},
		{"a node went, and it was told", func() { scheduler.remove("n4"); scheduler.deliver(1) }, false},
		{"a node came, and changed at once", func() { scheduler.put(labelled(24, false)); scheduler.put(labelled(24, false)) }, true},
		{"it was told that it came", func() { scheduler.deliver(1) }, true},
		{"it was told that it changed", func() { scheduler.deliver(1) }, false},
		{"a node went with a list", func() { scheduler.relist("n3"); scheduler.deliver(23) }, true},
		{"the scheduler was told that it went", func() { scheduler.deliver(1) }, false},
	} {
		before := following.stored.version.Load()
		step.change()
		if changed := following.stored.version.Load() != before; changed && !compares(usualPatience-1) {
			t.Errorf("%s: the store changed %d cycles ago, and the next one compares nothing", step.name, usualPatience-1)
		}
		if got := compares(usualPatience); got != step.want {
			t.Errorf("%s: the next cycle compares %v, want %v", step.name, got, step.want)
		}
	}
	if got, ok := following.find(selective, nil, make([]fwk.NodeInfo, 23)); !ok || !got.Has("n0") { // Nothing can be looked at there.
		t.Errorf("found %v, %v, want n0 without a look at a node", got, ok)
	}

	// Nobody tells of a list in which there is nothing.
	if err := scheduler.store.Replace(nil, ""); err != nil {
		t.Fatal(err)
	}
	if err := scheduler.cache.RemoveNode(logr.Discard(), labelled(9, false)); err != nil {
		t.Fatal(err)
	}
	if !compares(usualPatience) {
		t.Error("all nodes went, and the scheduler was told of one of them: the next cycle compares nothing")
	}
}

func TestNodesThatChangeWhileNobodyAsksTakeNoMemory(t *testing.T) {
	scheduler := newLaggingScheduler(t)
	following := newNarrowing(scheduler)
	for i := range 3 * mostBehind { // nodes of an autoscaler, which gives each a name of its own
		scheduler.put(labelled(i, false))
		scheduler.remove(labelled(i, false).Name)
		if noted := len(following.stored.behind); noted > mostBehind {
			t.Fatalf("%d nodes are noted, want at most %d", noted, mostBehind)
		}
	}
}

// A cycle that finds the index in use by another one visits all nodes, and does not wait.
func TestACycleDoesNotWaitForTheIndex(t *testing.T) {
	scheduler := newLaggingScheduler(t)
	following := newNarrowing(scheduler)
	for i := range 24 {
		scheduler.put(labelled(i, i == 0))
	}
	scheduler.deliver(24)
	nodes, err := scheduler.cycle()
	if err != nil {
		t.Fatal(err)
	}
	selective := constraint.CompileRequired(st.MakePod().NodeSelector(map[string]string{"disk": "ssd"}).Obj())
	following.mutex.Lock()
	names, ok := following.find(selective, nil, nodes)
	following.mutex.Unlock()
	if ok {
		t.Errorf("found %v while the index is in use", names)
	}
	if _, ok := following.find(selective, nil, nodes); !ok {
		t.Error("the search is not narrowed afterwards")
	}
}

// The informer changes its store while cycles look at it: what is found is never older than the snapshot, and the race detector sees both.
func TestTheStoreMayChangeWhileACycleLooksAtIt(t *testing.T) {
	scheduler := newLaggingScheduler(t)
	following := newNarrowing(scheduler)
	following.patience = 1
	for i := range 24 {
		scheduler.put(labelled(i, i == 0))
	}
	scheduler.deliver(24)
	nodes, err := scheduler.cycle()
	if err != nil {
		t.Fatal(err)
	}
	selective := constraint.CompileRequired(st.MakePod().NodeSelector(map[string]string{"disk": "ssd"}).Obj())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 2000 {
			_ = scheduler.store.Update(labelled(1+i%23, true)) // The scheduler has not heard of it.
		}
	}()
	for changing := true; changing; {
		select {
		case <-done:
			changing = false
		default:
		}
		if got, ok := following.find(selective, nil, nodes); !ok || !got.Equal(sets.New("n0")) {
			t.Fatalf("found %v, %v, want n0 alone as in the snapshot", got, ok)
		}
	}
	if following.settled {
		t.Error("the store has other nodes than the snapshot, which would be compared no more")
	}
}
