// SPDX-License-Identifier: Apache-2.0

package ledger_test

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"

	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// nodeState is what is special about the node before the new pod came, or about the others of its pods.
type nodeState int

const (
	seen       nodeState = iota // nothing
	unseen                      // nobody saw the node before
	unmeasured                  // the other pod has no sample this time
	vanished                    // there was a third pod, of 200Mi
	later                       // a third pod started after the sample, and was measured then: 200Mi
)

// The pods' cgroup holds 320Mi, 300Mi of it a pod that runs for long and may reach 600Mi. A new pod, which asks for 400Mi and may reach
// 600Mi too, is in the cgroup's figure before it has a sample of its own.
func TestAPodThatGrowsCountsOnceWhereTheCgroupShowsIt(t *testing.T) {
	tight := node("n1")
	tight.Status.Allocatable[corev1.ResourceMemory] = *resource.NewQuantity(1500*mi, resource.BinarySI)
	const steady, own = 300 * mi, 20 * mi // own: of the cgroup, and of no pod
	for _, test := range []struct {
		name           string
		age            time.Duration // of the new pod; the sample is 20s old
		shown, sampled int64         // of the new pod, in the cgroup's figure and in its own
		state          nodeState
		left, forecast int64
	}{
		{"nothing of it is shown yet", 30 * time.Second, 0, 0, seen, 780 * mi, 280 * mi},
		{"the cgroup shows less than usual", 30 * time.Second, -10 * mi, 0, seen, 790 * mi, 290 * mi},
		{"it holds less than it asks for", 30 * time.Second, 350 * mi, 0, seen, 780 * mi, 280 * mi},
		{"more than that", 30 * time.Second, 500 * mi, 0, seen, 680 * mi, 280 * mi},
		{"more than was expected", 30 * time.Second, 700 * mi, 0, seen, 480 * mi, 180 * mi},
		{"its own sample is of when it began", 30 * time.Second, 350 * mi, 50 * mi, seen, 780 * mi, 280 * mi},
		{"what is not known to be its own is another's", 30 * time.Second, 350 * mi, 0, unseen, 430 * mi, -70 * mi},
		{"what another holds that was not measured this time is not its own", 30 * time.Second, 0, 0, unmeasured, 780 * mi, 380 * mi},
		{"nor what one may hold still that vanished", 30 * time.Second, 200 * mi, 0, vanished, 580 * mi, 80 * mi},
		{"nor what another holds that was measured after the cgroup, which lacks it: it counts for its 400Mi", 30 * time.Second, 500 * mi, 0, later, 280 * mi, -320 * mi},
		{"it did not run yet", 10 * time.Second, 350 * mi, 0, seen, 430 * mi, -70 * mi},
	} {
		t.Run(test.name, func(t *testing.T) {
			measure := func(age time.Duration, shown int64, pods map[string]int64) *sample.Set {
				set := samples(steady+shown, age, pods)
				line := set.Nodes["n1"]
				line.Pods = sample.Measurement{Bytes: own + steady + shown, Time: ago(age)}
				set.Nodes["n1"] = line
				return set
			}
			builder, nodes, before := ledger.NewBuilder(options), []*corev1.Node{tight}, pod("before", time.Hour)
			earlier, earlierShown, earlierMeasured := []*corev1.Pod{before}, int64(0), map[string]int64{"before": steady}
			if test.state == vanished {
				earlier, earlierShown, earlierMeasured["third"] = append(earlier, pod("third", time.Hour)), 200*mi, 200*mi
			}
			if test.state != unseen {
				builder.Build(ledger.Input{Now: ago(15 * time.Second), Nodes: nodes, Pods: earlier, Samples: measure(35*time.Second, earlierShown, earlierMeasured)})
			}
			measured := map[string]int64{"before": steady}
			if test.state == unmeasured {
				measured = map[string]int64{}
			}
			if test.sampled > 0 {
				measured["new"] = test.sampled
			}
			pods, set := []*corev1.Pod{before, pod("new", test.age)}, measure(20*time.Second, test.shown, measured)
			if test.state == later {
				pods = append(pods, pod("later", 10*time.Second))
				set.Pods[types.NamespacedName{Namespace: "default", Name: "later"}] = sample.Pod{Measurement: sample.Measurement{Bytes: 200 * mi, Time: ago(2 * time.Second)}}
			}
			line := builder.Build(ledger.Input{Now: now, Nodes: nodes, Pods: pods, Samples: set}).Nodes[0]
			if line.Left != test.left || line.ForecastLeft != test.forecast {
				t.Errorf("Left = %dMi and ForecastLeft = %dMi, want %dMi and %dMi", line.Left/mi, line.ForecastLeft/mi, test.left/mi, test.forecast/mi)
			}
			rest := slices.DeleteFunc(pods, func(pod *corev1.Pod) bool { return pod.Name == "new" })
			line = builder.Build(ledger.Input{Now: now.Add(time.Second), Nodes: nodes, Pods: rest, Samples: set}).Nodes[0]
			if test.state != unseen && line.Left != test.left {
				t.Errorf("when it has vanished, and may run still, Left = %dMi, want %dMi as before", line.Left/mi, test.left/mi)
			}
		})
	}
}
