// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"fmt"
	"math/rand/v2"
)

// Workload is one Deployment of a pool.
type Workload struct {
	Name string
	// RequestBytes and LimitBytes are those of each of its pods, PeakBytes the most that one really holds, before jitter.
	RequestBytes, LimitBytes, PeakBytes int64
	// Profile is what a pod holds over time; see kubelet.ParseProfile.
	Profile string
	// Before has the number of the node, from 1, of each pod that runs before the burst.
	Before []int
	// Burst is how many pods come with the burst.
	Burst int
}

// Plan is what every pool gets, drawn from a spec. Equal seeds give equal plans.
//
// What is drawn for n workloads or nodes lies evenly in its range, and the seed only says which of them gets which: so the sums
// hardly depend on it.
func (s *Spec) Plan(seed int64) []Workload {
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	var workloads []Workload
	nodes := random.Perm(s.Nodes.Count)
	for _, base := range s.Base {
		places := evenly(random, base.Nodes)
		for i, place := range places {
			use := base.Use.at(place)
			workload := Workload{
				Name:         fmt.Sprintf("%s-%d", base.Name, i+1),
				RequestBytes: base.Request.Value(), LimitBytes: base.Limit.Value(), PeakBytes: use,
				Profile: fmt.Sprintf("steady=%d", use),
			}
			for range base.PodsPerNode {
				workload.Before = append(workload.Before, nodes[i]+1)
			}
			workloads = append(workloads, workload)
		}
		nodes = nodes[base.Nodes:]
	}
	siblings := 0
	homes := random.Perm(s.Nodes.Count)
	var burst []Workload
	for _, group := range s.Burst.Groups {
		requests, peaks := evenly(random, group.Workloads), evenly(random, group.Workloads)
		for i := range group.Workloads {
			workload := s.Burst.workload(group, fmt.Sprintf("%s-%d", group.Name, i+1), requests[i], peaks[i], s.Jitter)
			for range group.Siblings {
				workload.Before = append(workload.Before, homes[siblings%len(homes)]+1)
				siblings++
			}
			burst = append(burst, workload)
		}
	}
	// The groups' pods come mixed.
	random.Shuffle(len(burst), func(i, j int) { burst[i], burst[j] = burst[j], burst[i] })
	return append(workloads, burst...)
}

// workload draws one workload of a group at places of its ranges.
func (b ArrivalSpec) workload(group GroupSpec, name string, request, peak, jitter float64) Workload {
	requestBytes := group.Request.at(request)
	limitBytes := int64(group.LimitFactor * float64(requestBytes))
	peakBytes := requestBytes + int64(group.Peak.at(peak)*float64(limitBytes-requestBytes))
	peakBytes = min(peakBytes, int64(float64(limitBytes)/(1+jitter))) // no pod reaches its own limit
	return Workload{
		Name: name, RequestBytes: requestBytes, LimitBytes: limitBytes, PeakBytes: peakBytes, Burst: group.Pods,
		Profile: fmt.Sprintf("start=%d steady=%d over=%s", int64(b.Start*float64(requestBytes)), peakBytes, b.Over.Duration),
	}
}

// evenly returns n places from 0 to 1, evenly spaced, in random order.
func evenly(random *rand.Rand, n int) []float64 {
	places := make([]float64, n)
	for i, place := range random.Perm(n) {
		places[i] = (float64(place) + 0.5) / float64(n)
	}
	return places
}

// podsBefore and podsAfter count the pods of a plan before the burst and with it.
func podsBefore(plan []Workload) int {
	pods := 0
	for _, workload := range plan {
		pods += len(workload.Before)
	}
	return pods
}

func podsAfter(plan []Workload) int {
	pods := podsBefore(plan)
	for _, workload := range plan {
		pods += workload.Burst
	}
	return pods
}
