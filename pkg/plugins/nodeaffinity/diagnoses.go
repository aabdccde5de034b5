// SPDX-License-Identifier: Apache-2.0

package nodeaffinity

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/constraint"
)

// mostDiagnoses is how many are kept. One of a label of which every node has a value of its own takes some hundred KiB.
const mostDiagnoses = 32

// diagnoses keeps why nodes do not match: pods that wait are tried again and again, and those of a workload ask for the same.
type diagnoses struct {
	version int // of the index
	known   map[string]*constraint.Diagnosis
}

// of returns the diagnosis of what the pod requires. Nobody changes it.
func (d *diagnoses) of(pod *corev1.Pod, index *constraint.Index, anew func() *constraint.Diagnosis) *constraint.Diagnosis {
	if d.known == nil || d.version != index.Version() {
		d.known, d.version = map[string]*constraint.Diagnosis{}, index.Version()
	}
	key, err := json.Marshal(struct {
		Selector map[string]string
		Affinity *corev1.NodeSelector
	}{pod.Spec.NodeSelector, constraint.RequiredSelector(pod)})
	if err != nil { // Strings and lists of them can always be written.
		return anew()
	}
	diagnosis, ok := d.known[string(key)]
	if !ok {
		if len(d.known) >= mostDiagnoses {
			clear(d.known)
		}
		diagnosis = anew()
		d.known[string(key)] = diagnosis
	}
	return diagnosis
}
