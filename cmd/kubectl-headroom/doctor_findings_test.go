// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/headroom-dev/headroom/pkg/explain"
)

// renewed makes the scheduler's lease one that was renewed then; the zero time is never.
func renewed(s *shop, then time.Time) {
	for _, object := range s.objects {
		if lease, ok := object.(*coordinationv1.Lease); ok {
			lease.Spec.RenewTime = nil
			if !then.IsZero() {
				lease.Spec.RenewTime = new(metav1.NewMicroTime(then))
			}
		}
	}
}

// measuredAt makes the samples of nodes so old.
func measuredAt(s *shop, age time.Duration, nodes ...string) {
	for _, name := range nodes {
		of := s.samples.Nodes[name]
		of.Time = noon.Add(-age)
		s.samples.Nodes[name] = of
	}
}

// refusing answers a request with an error.
func refusing(verb, resource string, err error) func(*fake.Clientset) {
	return func(client *fake.Clientset) {
		client.PrependReactor(verb, resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
	}
}

// kubelets gives the nodes of the shop a version each, in their order, as far as there are some.
func kubelets(s *shop, versions ...string) {
	for _, object := range s.objects {
		if node, ok := object.(*corev1.Node); ok && len(versions) > 0 {
			node.Status.NodeInfo.KubeletVersion, versions = versions[0], versions[1:]
		}
	}
}

// Everything but one thing is as it should be: that is told in these words, with what to do about it.
func TestDoctorSaysWhatIsWrongAndWhatToDo(t *testing.T) {
	const noLease = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nleaderElection: {leaderElect: false}\n" +
		"profiles:\n- plugins: {multiPoint: {enabled: [{name: HeadroomMemory}]}}\n"
	stale := []explain.Finding{{
		Check: "lease", Severity: explain.Wrong, Text: "the lease kube-system/headroom-scheduler is not renewed: the scheduler does not run",
		Fix: "look at the scheduler's pods and their log",
	}}
	anotherRelease := func(server string) []explain.Finding {
		return []explain.Finding{{
			Check: "versions", Severity: explain.Wrong,
			Text: "Headroom of this release is built from Kubernetes 1.37, and the API server is " + server + ": it must be as new, or one minor release newer",
			Fix:  "run the release of Headroom that is built for the API server's",
		}}
	}
	for _, test := range []struct {
		name   string
		change func(*shop)
		config string // "": the one that runs
		want   []explain.Finding
		code   int
	}{
		{"a lease that was renewed a minute ago", func(s *shop) { renewed(s, noon.Add(-time.Minute)) }, "", []explain.Finding{{
			Check: "lease", Severity: explain.Fine, Text: "headroom-0 holds kube-system/headroom-scheduler",
		}}, codeYes},
		{"a lease that was renewed more than a minute ago", func(s *shop) { renewed(s, noon.Add(-61*time.Second)) }, "", stale, codeNo},
		{"a lease that was never renewed", func(s *shop) { renewed(s, time.Time{}) }, "", stale, codeNo},
		{"a lease that may not be read", func(s *shop) {
			s.react = refusing("get", "leases", apierrors.NewForbidden(coordinationv1.Resource("leases"), "headroom-scheduler", errors.New("ask somebody else")))
		}, "", []explain.Finding{{
			Check: "lease", Severity: explain.Mind,
			Text: `the lease kube-system/headroom-scheduler cannot be read: leases.coordination.k8s.io "headroom-scheduler" is forbidden: ask somebody else`,
			Fix:  "grant get of leases.coordination.k8s.io to whoever asks",
		}}, codeYes},
		{"no lease is taken", nil, noLease, []explain.Finding{{
			Check: "lease", Severity: explain.Fine, Text: "the configuration takes no lease, so whether the scheduler runs is not told by one",
		}}, codeYes},
		{"an API server that is older", func(s *shop) { s.release = "v1.36.9" }, "", anotherRelease("v1.36.9"), codeNo},
		{"an API server that is one release newer", func(s *shop) { s.release = "v1.38.0" }, "", []explain.Finding{{
			Check: "versions", Severity: explain.Fine, Text: "API server v1.38.0, Headroom of this release built from 1.37",
		}}, codeYes},
		{"an API server that is two releases newer", func(s *shop) { s.release = "v1.39.0" }, "", anotherRelease("v1.39.0"), codeNo},
		{"an API server of no version", func(s *shop) { s.release = "latest" }, "", []explain.Finding{{
			Check: "versions", Severity: explain.Mind, Text: `the version of the API server, "latest", cannot be read`, Fix: "look at what kubectl version says",
		}}, codeYes},
		{"an API server that does not tell its version", func(s *shop) { s.react = refusing("get", "version", errors.New("no such path")) }, "", []explain.Finding{{
			Check: "versions", Severity: explain.Mind, Text: "the version of the API server is not known: no such path", Fix: "look at the API server's /version",
		}}, codeYes},
		{"kubelets that are newer, as new, and three and four releases older", func(s *shop) {
			kubelets(s, "v1.38.0", "v1.37.0", "v1.34.3", "v1.33.1", "v1.33.1")
		}, "", []explain.Finding{
			{
				Check: "versions", Severity: explain.Wrong, Text: "2 nodes with kubelet v1.33.1, and the API server is v1.37.2",
				Fix: "upgrade: kubelets are never newer than the API server, and at most three minor releases older",
			},
			{
				Check: "versions", Severity: explain.Wrong, Text: "1 node with kubelet v1.38.0, and the API server is v1.37.2",
				Fix: "upgrade: kubelets are never newer than the API server, and at most three minor releases older",
			},
		}, codeNo},
		{"samples that are too old", func(s *shop) { measuredAt(s, 91*time.Second, "web-1", "web-2", "web-3") }, "", []explain.Finding{{
			Check: "freshness", Severity: explain.Mind, Text: "3 nodes with a sample that is too old: web-1, web-2, web-3",
			Fix: "the source must measure more often than freshFor, 1m30s",
		}}, codeYes},
		{"a node that Windows runs on", func(s *shop) {
			s.node("windows", "1Gi", map[string]string{corev1.LabelOSStable: "windows"})
		}, "", []explain.Finding{
			{Check: "freshness", Severity: explain.Fine, Text: "all 6 nodes have a fresh sample"},
			{Check: "freshness", Severity: explain.Fine, Text: "requests decide on 1 node that Windows runs on: windows"},
		}, codeYes},
		{"too many of them, and none of one node", func(s *shop) {
			measuredAt(s, 91*time.Second, "web-1", "web-2", "web-3")
			delete(s.samples.Nodes, "full-1")
		}, "", []explain.Finding{
			{
				Check: "freshness", Severity: explain.Wrong, Text: "requests decide on all nodes: 4 of 6 have no fresh sample, more than 50 %",
				Fix: "see the nodes below; maxNotFreshPercent sets the share",
			},
			{
				Check: "freshness", Severity: explain.Wrong, Text: "1 node without a sample: full-1",
				Fix: "look at the kubelets there, and at the source's log",
			},
			{
				Check: "freshness", Severity: explain.Wrong, Text: "3 nodes with a sample that is too old: web-1, web-2, web-3",
				Fix: "the source must measure more often than freshFor, 1m30s",
			},
		}, codeNo},
		{"a checkpoint that is broken", func(s *shop) { writtenDown(s, []byte("nonsense")) }, "", []explain.Finding{{
			Check: "learned", Severity: explain.Wrong,
			Text: "only what the last sample shows: ConfigMap headroom-system/headroom-forecast, key learned.json.gz, cannot be used, " +
				"so what the scheduler has learned of workloads is lost: checkpoint: not compressed by gzip: unexpected EOF",
			Fix: "delete the ConfigMap: the scheduler writes it anew",
		}}, codeNo},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := healthy(t)
			if test.config != "" {
				s = running(t, test.config)
			}
			if test.change != nil {
				test.change(s)
			}
			stdout, stderr, code := s.run(t, "doctor", "-o", "json")
			if code != test.code || stderr != "" {
				t.Errorf("exit code %d, want %d, and on standard error %q", code, test.code, stderr)
			}
			var report explain.Report
			if err := json.Unmarshal([]byte(stdout), &report); err != nil {
				t.Fatal(err)
			}
			found := slices.DeleteFunc(report.Findings, func(found explain.Finding) bool { return found.Check != test.want[0].Check })
			if diff := cmp.Diff(test.want, found); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// writtenDown makes this the scheduler's checkpoint.
func writtenDown(s *shop, data []byte) {
	s.objects = slices.DeleteFunc(s.objects, func(object runtime.Object) bool {
		configMap, ok := object.(*corev1.ConfigMap)
		return ok && configMap.Name == "headroom-forecast"
	})
	s.objects = append(s.objects, checkpoint("headroom-system", data))
}

func TestVictimsOfANodeThatWindowsRunsOnAreNotKnown(t *testing.T) {
	s := healthy(t)
	s.node("windows", "1Gi", map[string]string{corev1.LabelOSStable: "windows"})
	stdout, stderr, code := s.run(t, "victims", "windows")
	const want = "error: node windows runs Windows, where memory has other rules: who would go first is not known\n"
	if stdout != "" || stderr != want || code != codeError {
		t.Errorf("printed %q, and %q on standard error, with exit code %d; want %q and %d", stdout, stderr, code, want, codeError)
	}
}
