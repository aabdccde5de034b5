// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	statsv1alpha1 "k8s.io/kubelet/pkg/apis/stats/v1alpha1"

	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// summary is what is taken of a kubelet's stats/v1alpha1 Summary.
type summary struct {
	Node struct {
		NodeName         string
		Memory           *memory
		SystemContainers []struct {
			Name   string
			Memory *memory
		}
	}
	Pods []podStats
}

type podStats struct {
	PodRef     struct{ Name, Namespace, UID string }
	Memory     *memory
	Containers []struct{ Memory *memory }
}

// memory is a working set, and the pressure of its cgroup.
type memory struct {
	Time            time.Time
	WorkingSetBytes *uint64
	PSI             *struct{ Some, Full pressure }
}

// pressure is how long tasks waited for memory: in all, in nanoseconds, and in percent of the last ten seconds.
type pressure struct {
	Total uint64
	Avg10 float64
}

// summary asks a node's kubelet for its summary.
func (s *Source) summary(ctx context.Context, node *corev1.Node) (*summary, error) {
	body, err := s.get(ctx, node, "/stats/summary", "only_cpu_and_memory=true")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return decodeSummary(body, node.Name)
}

// decodeSummary reads a summary that is of the node. An address may have gone to another node since.
func decodeSummary(from io.Reader, node string) (*summary, error) {
	var decoded summary
	if err := decode(from, &decoded); err != nil {
		return nil, fmt.Errorf("decode the summary: %w", err)
	}
	if decoded.Node.NodeName != node {
		return nil, fmt.Errorf("the kubelet at the node's address is that of node %.253q", decoded.Node.NodeName)
	}
	return &decoded, nil
}

// take takes the figures in. A figure that is not there is refused, except the kubepods' and the pressure, which are
// optional.
func (s *summary) take(in *intake.Intake, name string) {
	if measured, reason, detail := s.Node.Memory.measurement(); reason != "" {
		in.RefuseNode(name, reason, detail)
	} else {
		in.Node(name, sample.Node{Measurement: measured, Pods: s.kubepods(in, name), Stall: s.Node.Memory.stall()})
	}
	for i := range s.Pods {
		pod := &s.Pods[i]
		key := types.NamespacedName{Namespace: pod.PodRef.Namespace, Name: pod.PodRef.Name}
		measured, reason, detail := pod.measurement()
		if reason != "" {
			in.RefusePod(key, reason, detail)
			continue
		}
		in.Pod(key, sample.Pod{Measurement: measured, UID: types.UID(pod.PodRef.UID)})
	}
}

func (s *summary) kubepods(in *intake.Intake, node string) sample.Measurement {
	for _, container := range s.Node.SystemContainers {
		if container.Name != statsv1alpha1.SystemContainerPods {
			continue
		}
		measured, reason, detail := container.Memory.measurement()
		if reason != "" {
			in.RefuseNode(node, reason, "kubepods: "+detail)
		}
		return measured
	}
	return sample.Measurement{}
}

// measurement of the pod's cgroup; where there is none, as on Windows, the sum of its containers with the oldest time.
func (p *podStats) measurement() (sample.Measurement, sample.Reason, string) {
	if p.Memory != nil {
		return p.Memory.measurement()
	}
	var sum sample.Measurement
	for i, container := range p.Containers {
		measured, reason, detail := container.Memory.measurement()
		if reason == "" && measured.Bytes > math.MaxInt64-sum.Bytes {
			reason, detail = sample.ReasonNotANumber, "more than an int64 holds"
		}
		if reason != "" {
			return sample.Measurement{}, reason, fmt.Sprintf("container %d of %d: %s", i+1, len(p.Containers), detail)
		}
		sum.Bytes += measured.Bytes
		if i == 0 || measured.Time.Before(sum.Time) {
			sum.Time = measured.Time
		}
	}
	if len(p.Containers) == 0 {
		return sum, sample.ReasonIncomplete, "neither the pod's memory nor a container's"
	}
	return sum, "", ""
}

func (m *memory) measurement() (sample.Measurement, sample.Reason, string) {
	switch {
	case m == nil || m.WorkingSetBytes == nil:
		return sample.Measurement{}, sample.ReasonIncomplete, "no working set"
	case *m.WorkingSetBytes > math.MaxInt64:
		return sample.Measurement{}, sample.ReasonNotANumber, fmt.Sprintf("%d bytes", *m.WorkingSetBytes)
	}
	return sample.Measurement{Bytes: int64(*m.WorkingSetBytes), Time: m.Time}, "", ""
}

// stall is nil also where nobody ever waited: a kubelet sends zeros for a kernel that does not count.
func (m *memory) stall() *sample.Stall {
	if m.PSI == nil || m.PSI.Some.Total == 0 {
		return nil
	}
	return &sample.Stall{Some: m.PSI.Some.Avg10, Full: m.PSI.Full.Avg10}
}
