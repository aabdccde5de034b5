// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// The machine holds 1000Mi, 300Mi of it a pod that runs for long and may reach 600Mi. A new pod, which asks for 400Mi and may reach 600Mi
// too, is in the node's sample before it has one of its own.
func TestAPodThatGrowsCountsOnceWhereItsNodesSampleShowsIt(t *testing.T) {
	tight := node("n1")
	tight.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(1500*mi, resource.BinarySI)
	const system, steady, own = 700 * mi, 300 * mi, 20 * mi // own: of the cgroup, and of no pod
	for _, test := range []struct {
		name           string
		node           *corev1.Node
		age            time.Duration // of the new pod; the sample is 20s old
		shown, sampled int64         // of the new pod, in its node's sample and in its own
		unseen         bool          // nobody saw the node before
		left, forecast int64
	}{
		{"nothing of it is shown yet", node("n1"), 30 * time.Second, 0, 0, false, 2500 * mi, 2000 * mi},
		{"it holds less than it asks for", node("n1"), 30 * time.Second, 350 * mi, 0, false, 2500 * mi, 2000 * mi},
		{"more than that", node("n1"), 30 * time.Second, 500 * mi, 0, false, 2400 * mi, 2000 * mi},
		{"more than was expected", node("n1"), 30 * time.Second, 700 * mi, 0, false, 2200 * mi, 1900 * mi},
		{"its own sample is of when it began", node("n1"), 30 * time.Second, 350 * mi, 50 * mi, false, 2500 * mi, 2000 * mi},
		{"by the pods' cgroup", tight, 30 * time.Second, 350 * mi, 0, false, 1500*mi - own - steady - 400*mi, 1500*mi - own - 2*600*mi},
		{"what is not known to be its own is another's", node("n1"), 30 * time.Second, 350 * mi, 0, true, 2150 * mi, 1650 * mi},
		{"it did not run yet", node("n1"), 10 * time.Second, 350 * mi, 0, false, 2150 * mi, 1650 * mi},
	} {
		t.Run(test.name, func(t *testing.T) {
			measure := func(age time.Duration, shown int64, pods map[string]int64) *sample.Set {
				set := samples(system+steady+shown, age, pods)
				line := set.Nodes["n1"]
				line.Pods = sample.Measurement{Bytes: own + steady + shown, Time: ago(age)}
				set.Nodes["n1"] = line
				return set
			}
			builder, nodes, before := ledger.NewBuilder(options), []*corev1.Node{test.node}, pod("before", time.Hour)
			if !test.unseen {
				builder.Build(ledger.Input{Now: ago(15 * time.Second), Nodes: nodes, Pods: []*corev1.Pod{before}, Samples: measure(35*time.Second, 0, map[string]int64{"before": steady})})
			}
			measured := map[string]int64{"before": steady}
			if test.sampled > 0 {
				measured["new"] = test.sampled
			}
			line := builder.Build(ledger.Input{Now: now, Nodes: nodes, Pods: []*corev1.Pod{before, pod("new", test.age)}, Samples: measure(20*time.Second, test.shown, measured)}).Nodes[0]
			if line.Left != test.left || line.ForecastLeft != test.forecast {
				t.Errorf("Left = %dMi and ForecastLeft = %dMi, want %dMi and %dMi", line.Left/mi, line.ForecastLeft/mi, test.left/mi, test.forecast/mi)
			}
		})
	}
}
