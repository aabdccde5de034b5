// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	"fmt"
	"testing"
	"time"

	st "k8s.io/kubernetes/pkg/scheduler/testing"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// BenchmarkFind is the time in which the nodes of a selective pod are found in a cycle before which so many nodes changed, with a look at the
// informer's store and without. Kubelets write to their nodes every five minutes at least: 15,000 of them are 50 a second.
func BenchmarkFind(b *testing.B) {
	selective := constraint.CompileRequired(st.MakePod().NodeSelector(map[string]string{"disk": "ssd"}).Obj())
	for _, count := range []int{5000, 15_000} {
		for _, changes := range []int{0, 1, 2 * mostBehind} {
			for _, follows := range []bool{true, false} {
				b.Run(fmt.Sprintf("%d nodes/%d changes/follows %t", count, changes, follows), func(b *testing.B) {
					scheduler := newLaggingScheduler(b)
					n := newNarrowing(nil)
					if follows {
						n = newNarrowing(scheduler)
					}
					for i := range count {
						scheduler.put(labelled(i, i < 10))
					}
					var taken time.Duration
					for i := 0; b.Loop(); i++ {
						for change := range changes {
							at := (i + change) % count
							scheduler.put(labelled(at, at < 10))
						}
						scheduler.deliver(len(scheduler.events))
						nodes, err := scheduler.cycle()
						if err != nil {
							b.Fatal(err)
						}
						began := time.Now() // The changes themselves take longer, and are not ours.
						if names, ok := n.find(selective, nil, nodes); !ok || len(names) != 10 {
							b.Fatalf("found %v, %v", names, ok)
						}
						taken += time.Since(began)
					}
					b.ReportMetric(float64(taken.Nanoseconds())/float64(b.N), "ns/find")
				})
			}
		}
	}
}
