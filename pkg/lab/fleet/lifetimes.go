// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"cmp"
	"slices"
)

// Amount is a number of pods with what they request.
type Amount struct {
	// Pods is their number.
	Pods int `json:"pods"`
	// CPUMilli is thousandths of cores.
	CPUMilli int64 `json:"cpuMilli"`
	// MemoryBytes is bytes of memory.
	MemoryBytes int64 `json:"memoryBytes"`
}

func (a *Amount) add(pod Pod) {
	a.Pods++
	a.CPUMilli += pod.CPUMilli
	a.MemoryBytes += pod.RequestedBytes
}

func (a *Amount) remove(pod Pod) {
	a.Pods--
	a.CPUMilli -= pod.CPUMilli
	a.MemoryBytes -= pod.RequestedBytes
}

// total adds up pods.
func total(pods []Pod) Amount {
	var sum Amount
	for _, pod := range pods {
		sum.add(pod)
	}
	return sum
}

// mostAtOnce is the most that lived at one time by the pods' own start and end: each figure the highest of its own, not
// necessarily at the same time.
func mostAtOnce(pods []Pod) Amount {
	type change struct {
		seconds int64
		begins  bool
		pod     Pod
	}
	changes := make([]change, 0, 2*len(pods))
	for _, pod := range pods {
		if pod.StartSeconds == pod.EndSeconds { // the end is exclusive: it never lived
			continue
		}
		changes = append(changes, change{seconds: pod.StartSeconds, begins: true, pod: pod}, change{seconds: pod.EndSeconds, pod: pod})
	}
	slices.SortStableFunc(changes, func(a, b change) int {
		if order := cmp.Compare(a.seconds, b.seconds); order != 0 || a.begins == b.begins {
			return order
		}
		if b.begins { // what ends makes room first
			return -1
		}
		return 1
	})
	var now, most Amount
	for _, change := range changes {
		if !change.begins {
			now.remove(change.pod)
			continue
		}
		now.add(change.pod)
		most.Pods = max(most.Pods, now.Pods)
		most.CPUMilli = max(most.CPUMilli, now.CPUMilli)
		most.MemoryBytes = max(most.MemoryBytes, now.MemoryBytes)
	}
	return most
}
