// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"io"
	"math"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/schedulerconfig"
	"github.com/headroom-dev/headroom/pkg/lab/table"
)

// Columns of the pod file; it has cpu_milli, too. The last two are optional, and what else it has is ignored.
const (
	podColumn     = "series_id"
	requestColumn = "requested_bytes"
	startColumn   = "start_s"
	endColumn     = "end_s"
)

const (
	schedulerName = schedulerconfig.HeadroomName
	namespace     = metav1.NamespaceDefault
	// image is never pulled: fake nodes run nothing.
	image = "registry.k8s.io/pause"
	// neverEnds is the EndSeconds of a pod that the trace does not see end.
	neverEnds = math.MaxInt64
)

// Pod is a row of the pod file.
type Pod struct {
	// Name is a DNS-1123 subdomain.
	Name string
	// CPUMilli is the CPU request in thousandths of a core, 0 for none.
	CPUMilli int64
	// RequestedBytes is the memory request, 0 for none.
	RequestedBytes int64
	// StartSeconds and EndSeconds are when the pod lived, from the start of the trace; the end is exclusive. Without the
	// column, or with an empty field, it began with the trace, and does not end (math.MaxInt64).
	StartSeconds, EndSeconds int64
}

// ReadPodsFile reads pods from a CSV file, decompressed if its name ends in .gz. See ReadPods.
func ReadPodsFile(path string) ([]Pod, error) { return table.ReadFile(path, ReadPods) }

// ReadPods reads pods from CSV with the columns series_id, cpu_milli and requested_bytes, and start_s and end_s if there are
// such. file is what errors call the source: they read file:line:column, where column is the number of the CSV field. There
// is at least one pod, and none twice.
func ReadPods(file string, r io.Reader) ([]Pod, error) {
	t, err := table.New(file, r, podColumn, cpuColumn, requestColumn)
	if err != nil {
		return nil, err
	}
	var cpuSum, memorySum int64
	seen := map[string]int{}
	return table.Rows(t, "pod", func(row table.Row) (Pod, error) {
		pod, err := readPod(row, seen)
		if err != nil {
			return Pod{}, err
		}
		if cpuSum, err = row.Add(cpuColumn, cpuSum, pod.CPUMilli); err != nil {
			return Pod{}, err
		}
		memorySum, err = row.Add(requestColumn, memorySum, pod.RequestedBytes)
		return pod, err
	})
}

func readPod(row table.Row, seen map[string]int) (Pod, error) {
	pod := Pod{EndSeconds: neverEnds}
	var err error
	if pod.Name, err = row.Name(podColumn, subdomain, seen, validation.IsDNS1123Subdomain); err != nil {
		return Pod{}, err
	}
	if pod.CPUMilli, err = row.Integer(cpuColumn, 0, math.MaxInt64); err != nil {
		return Pod{}, err
	}
	if pod.RequestedBytes, err = row.Integer(requestColumn, 0, math.MaxInt64); err != nil {
		return Pod{}, err
	}
	if row.Text(startColumn) != "" {
		if pod.StartSeconds, err = row.Integer(startColumn, 0, math.MaxInt64); err != nil {
			return Pod{}, err
		}
	}
	if row.Text(endColumn) != "" {
		if pod.EndSeconds, err = row.Integer(endColumn, pod.StartSeconds, math.MaxInt64); err != nil {
			return Pod{}, err
		}
	}
	return pod, nil
}

// object is the pod as the cluster gets it: burstable, and using exactly the memory that it requests.
func (p Pod) object() *corev1.Pod {
	requests := corev1.ResourceList{}
	if p.CPUMilli > 0 {
		requests[corev1.ResourceCPU] = *resource.NewMilliQuantity(p.CPUMilli, resource.DecimalSI)
	}
	annotations := map[string]string{}
	if p.RequestedBytes > 0 { // else it uses the little that the lab assumes
		memory := resource.NewQuantity(p.RequestedBytes, resource.BinarySI)
		requests[corev1.ResourceMemory] = *memory
		annotations[cluster.UsageMemoryAnnotation] = memory.String()
	}
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: namespace, Annotations: annotations},
		Spec: corev1.PodSpec{
			SchedulerName:                schedulerName,
			AutomountServiceAccountToken: new(false), // nothing runs that could use it
			Containers: []corev1.Container{{
				Name:      "main",
				Image:     image,
				Resources: corev1.ResourceRequirements{Requests: requests},
			}},
		},
	}
}
