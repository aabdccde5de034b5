// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"testing"

	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/usage"
)

func TestProfilesThatSeeMemoryAlikeShareABook(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	client := fake.NewClientset()
	informerFactory := informers.NewSharedInformerFactory(client, 0)
	factory := &Factory{metrics: newMetrics(), clock: clock.RealClock{}, shared: map[sharedKey]*shared{}}
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

// nothing is the state of a cycle in which this plugin did nothing before.
type nothing struct{ fwk.CycleState }

func (nothing) Read(fwk.StateKey) (fwk.StateData, error) { return nil, fwk.ErrNotFound }
