// SPDX-License-Identifier: Apache-2.0

package predict

import (
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	headroomv1 "github.com/headroom-dev/headroom/pkg/apis/config/v1"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// expected is what the product expects of each node: the sums of its pods' courses over the day, at their highest within the
// horizon. Series that name a workload learn together, on all nodes. The first step is midnight.
func expected(f *fleet, horizon int) [][]float64 {
	learner := forecast.NewLearner(shippedPrior())
	began := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	demands, workloads := f.demands(learner)
	predictions := f.perNode(func(*node) []float64 { return make([]float64, f.steps) })
	for t := range f.steps {
		now := began.Add(time.Duration(t) * f.step)
		learner.Begin(now)
		for i := range f.nodes {
			for j := range f.nodes[i].members {
				if m := &f.nodes[i].members[j]; m.present(t) {
					learner.Observe(workloads[i][j], int64(m.bytes[t-m.first]), f.ran(m, t))
				}
			}
		}
		learner.Publish()
		for i := range f.nodes {
			var sums [forecast.Hours]float64
			for j := range f.nodes[i].members {
				if f.nodes[i].members[j].present(t) {
					demand := learner.Adjust(demands[i][j], workloads[i][j])
					course := demand.Course(0)
					course.AddTo(&sums, 1)
				}
			}
			predictions[i][t] = highest(&sums, now, time.Duration(horizon)*f.step)
		}
	}
	return predictions
}

// shippedPrior is what the product expects of a pod of which it learned nothing, by its defaults.
func shippedPrior() forecast.Prior {
	args := &headroomv1.HeadroomMemoryArgs{}
	headroomv1.SetDefaults_HeadroomMemoryArgs(args)
	return forecast.Prior{LimitPercent: int64(*args.LimitPriorPercent), DefaultContainerBytes: args.DefaultContainerPeak.Value()}
}

// ran is for how long a member has run since the step before.
func (f *fleet) ran(m *member, t int) time.Duration {
	if t == m.first {
		return 0
	}
	return f.step
}

// highest is the largest sum of the hours that a horizon reaches.
func highest(sums *[forecast.Hours]float64, now time.Time, horizon time.Duration) float64 {
	if horizon >= 24*time.Hour {
		return slices.Max(sums[:])
	}
	most := 0.0
	for at := now.Truncate(time.Hour); !at.After(now.Add(horizon)); at = at.Add(time.Hour) {
		most = max(most, sums[forecast.HourOf(at)])
	}
	return most
}

// demands is what the prior says of the members, and which workloads they are of.
func (f *fleet) demands(learner *forecast.Learner) ([][]forecast.Demand, [][]forecast.Workload) {
	demands, workloads := make([][]forecast.Demand, len(f.nodes)), make([][]forecast.Workload, len(f.nodes))
	for i := range f.nodes {
		for j := range f.nodes[i].members {
			m := &f.nodes[i].members[j]
			demands[i] = append(demands[i], learner.Demand(podOf(m)))
			workload := forecast.Workload{Kind: "Pod", Owner: strconv.Itoa(i) + "/" + m.name}
			if m.workload != "" {
				workload = forecast.Workload{Kind: "Workload", Owner: m.workload}
			}
			workloads[i] = append(workloads[i], workload)
		}
	}
	return demands, workloads
}

// podOf is a pod that requests what the member does.
func podOf(m *member) *corev1.Pod {
	container := corev1.Container{Name: "main"}
	if m.request > 0 {
		container.Resources.Requests = corev1.ResourceList{
			corev1.ResourceMemory: *resource.NewQuantity(int64(m.request), resource.BinarySI),
		}
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: m.name}, Spec: corev1.PodSpec{Containers: []corev1.Container{container}}}
}
