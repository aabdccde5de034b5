// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

func TestTheBuiltInSpecIsValidAndFits(t *testing.T) {
	spec, err := ParseSpec(DefaultSpec)
	if err != nil {
		t.Fatal(err)
	}
	// "Everything fits": a workload that cannot would prove nothing about placement.
	var peak, requests int64
	for _, workload := range spec.Workloads {
		profile, err := kubelet.ParseProfile(workload.Profile)
		if err != nil {
			t.Fatal(err)
		}
		peak += int64(workload.Replicas) * profile.Peak()
		requests += int64(workload.Replicas) * workload.Request.Value()
	}
	allocatable := spec.Nodes.Allocatable()
	size := int64(spec.Nodes.Count) * allocatable.Value()
	if share := float64(peak) / float64(size) * (1 + spec.Jitter); share > 0.9 {
		t.Errorf("at its peak the workload holds up to %.0f %% of the pool's allocatable memory, want 90 %% or less", 100*share)
	}
	if requests > size {
		t.Errorf("requests add up to %d of %d", requests, size)
	}
}

func TestParseSpecNamesTheFieldThatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"unknown field", "duration: 165s", "length: 165s", `unknown field "length"`},
		{"no nodes", "count: 6", "count: 0", "nodes.count"},
		{"nothing left for pods", "reserved: 300Mi", "reserved: 4Gi", "nodes.reserved"},
		{"labels of a node that is not there", "{nodes: [2, 5]", "{nodes: [2, 7]", "nodes.labels[2].nodes"},
		{"kind", "kind: Job", "kind: CronJob", "workloads[3].kind"},
		{"a job that never ends", "duration: 50s", "duration: 0s", "workloads[3].duration"},
		{"profile", "steady=180Mi over=20s", "steady=180Mi over=20", "workloads[1].profile"},
		{"name", "name: api", "name: API", "workloads[1].name"},
		{"no threshold", "evictionHard: 100Mi", "evictionHard: 0", "nodes.evictionHard"},
		{"less than nothing reserved", "reserved: 300Mi", "reserved: -300Mi", "nodes.reserved"},
		{"a system that holds less than nothing", "systemMemory: 256Mi", "systemMemory: -256Mi", "nodes.systemMemory"},
		{"two of a name", "name: cache", "name: api", "workloads[4].name: Duplicate"},
		{"a limit below the request", "limit: 400Mi", "limit: 149Mi", "workloads[6].limit"},
		{"after the end", "at: 65s", "at: 165s", "workloads[3].at"},
		{"before the begin", "at: 65s", "at: -1s", "workloads[3].at"},
		{"jitter", "jitter: 0.1", "jitter: 1", "jitter"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(string(DefaultSpec), test.old, test.new, 1)
			if text == string(DefaultSpec) {
				t.Fatalf("%q is not in the spec", test.old)
			}
			if _, err := ParseSpec([]byte(text)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one that names %q", err, test.want)
			}
		})
	}
}

func TestBothPoolsGetTheSame(t *testing.T) {
	spec, err := ParseSpec(DefaultSpec)
	if err != nil {
		t.Fatal(err)
	}
	first, second := stage.Pool{Name: "default", Scheduler: "default-scheduler"}, stage.Pool{Name: "headroom", Scheduler: "headroom-scheduler"}
	for i := range spec.Workloads {
		a, err := template(first, &spec.Workloads[i])
		if err != nil {
			t.Fatal(err)
		}
		b, err := template(second, &spec.Workloads[i])
		if err != nil {
			t.Fatal(err)
		}
		if a.Spec.Containers[0].Resources.Requests.Memory().Cmp(*b.Spec.Containers[0].Resources.Requests.Memory()) != 0 ||
			a.Annotations[kubelet.ProfileAnnotation] != b.Annotations[kubelet.ProfileAnnotation] {
			t.Errorf("%s differs between the pools", spec.Workloads[i].Name)
		}
		if a.Spec.NodeSelector[stage.PoolLabel] != "default" || b.Spec.NodeSelector[stage.PoolLabel] != "headroom" {
			t.Errorf("%s is not kept on its pool: %v, %v", spec.Workloads[i].Name, a.Spec.NodeSelector, b.Spec.NodeSelector)
		}
	}
	nodes := second.Nodes(spec.Nodes)
	if got := nodes[2].Name; got != "headroom-3" {
		t.Errorf("third node = %q, want headroom-3", got)
	}
	if got := nodes[1].Labels["disk"]; got != "ssd" {
		t.Errorf("disk of node 2 = %q, want ssd", got)
	}
	if got := nodes[0].Status.Allocatable.Memory(); got.Cmp(resource.MustParse("3696Mi")) != 0 {
		t.Errorf("allocatable = %s, want 3696Mi", got)
	}
	agent, err := affinity(second, spec.Workloads[7].Affinity)
	if err != nil {
		t.Fatal(err)
	}
	values := agent.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms[0].MatchFields[0].Values
	if len(values) != 1 || values[0] != "headroom-3" {
		t.Errorf("agent is bound to %v, want headroom-3", values)
	}
}
