// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"bytes"
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// Whatever a kubelet sends, taking it in ends, and leaves nothing negative.
func FuzzSummary(f *testing.F) {
	f.Add([]byte(`{"node":{"nodeName":"n","memory":{"time":"2026-01-02T03:04:05Z","workingSetBytes":5,"psi":{"some":{"total":1,"avg10":1},"full":{}}},` +
		`"systemContainers":[{"name":"pods","memory":{"time":"2026-01-02T03:04:05Z","workingSetBytes":3}}]},` +
		`"pods":[{"podRef":{"name":"a","namespace":"b","uid":"c"},"containers":[{"memory":{"time":"2026-01-02T03:04:05Z","workingSetBytes":18446744073709551615}}]}]}`))
	f.Add([]byte(`{"node":{"nodeName":"n"},"pods":[{},{"memory":null,"containers":[null,{}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		summary, err := decodeSummary(bytes.NewReader(text), "n")
		if err != nil {
			return
		}
		in := intake.New(time.Unix(1_767_323_045, 0), 1, 1)
		summary.take(in, "n")
		for name, node := range in.Set().Nodes {
			if node.Bytes < 0 || node.Pods.Bytes < 0 {
				t.Errorf("node %s: %+v", name, node)
			}
		}
		for name, pod := range in.Set().Pods {
			if pod.Bytes < 0 || !pod.Known() {
				t.Errorf("pod %s: %+v", name, pod)
			}
		}
	})
}

func FuzzConfiguration(f *testing.F) {
	f.Add([]byte(`{"kubeletconfig":{"kind":"KubeletConfiguration","evictionHard":{"memory.available":"200Mi"}}}`))
	f.Add([]byte(`{"kubeletconfig":null}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if config, err := decodeConfiguration(bytes.NewReader(text)); (config == nil) != (err != nil) {
			t.Errorf("%v, %v", config, err)
		}
	})
}
