// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

// Still makes plugins that decide as those of a Factory do, by books that are made when they are asked for: it reads no source,
// watches nothing and starts no goroutine. It is for telling what a scheduler would do, and for one goroutine at a time.
type Still struct {
	mutex sync.Mutex
	books []*StillBook
	byKey map[string]*StillBook
}

// NewStill returns a Still, whose plugins have learned nothing yet, as those of a scheduler that has just been started.
func NewStill() *Still {
	return &Still{byKey: map[string]*StillBook{}}
}

// StillBook is the book that the profiles of like arguments share, as they do in a scheduler.
type StillBook struct {
	// Args are those of the first of the profiles.
	Args *config.HeadroomMemoryArgs

	handle   fwk.Handle
	shared   *shared
	builder  *ledger.Builder
	snapshot *ledger.Snapshot
}

// New returns the plugin for arguments of type HeadroomMemoryArgs, which it validates. Until its book is made, requests decide.
func (s *Still) New(_ context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	args, err := validArgs(arguments)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	key, err := keepingOf(args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", Name, err)
	}
	prior := priorOf(args)
	s.mutex.Lock()
	defer s.mutex.Unlock()
	book := s.byKey[key]
	if book == nil {
		shared := newShared(args, prior, handle)
		book = &StillBook{Args: args, handle: handle, shared: shared, builder: ledger.NewBuilder(ledgerOptions(args, prior, shared.learner))}
		s.byKey[key], s.books = book, append(s.books, book)
	}
	return newMemory(args, prior, book.shared, clock.RealClock{}), nil
}

// Books returns the books of the plugins made so far, in the order in which they were first needed.
func (s *Still) Books() []*StillBook {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]*StillBook(nil), s.books...)
}

// Make makes the book from the input, and the plugins judge by it from now on.
func (b *StillBook) Make(input ledger.Input) *ledger.Snapshot {
	b.snapshot = b.builder.Build(input)
	b.shared.books.publish(b.snapshot)
	return b.snapshot
}

// Snapshot returns the book that was made last, or nil.
func (b *StillBook) Snapshot() *ledger.Snapshot { return b.snapshot }

// Demand returns what the pod is expected to hold.
func (b *StillBook) Demand(pod *corev1.Pod) forecast.Demand { return b.shared.learner.Demand(pod) }

// Source opens the source of samples that the arguments name.
func (b *StillBook) Source() (usage.Source, error) { return newSource(b.Args, b.handle) }

// TroublesOf returns what pods that have ended tell of nodes that ran short of memory.
func TroublesOf(ended []*corev1.Pod) []ledger.Trouble {
	var troubles []ledger.Trouble
	for _, pod := range ended {
		if trouble, ok := troubleOf(pod); ok {
			troubles = append(troubles, trouble)
		}
	}
	return troubles
}

// Settings returns what a kubelet's configuration says of memory, as the plugin reads it.
func Settings(configuration kubelet.Configuration) (*threshold.Settings, error) {
	return settingsOf(configuration)
}

// Learner returns what the plugins have learned of workloads, to be told of what was learned before their first book.
func (b *StillBook) Learner() *forecast.Learner { return b.shared.learner }
