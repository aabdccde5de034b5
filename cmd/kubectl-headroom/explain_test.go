// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

func requiring(terms ...corev1.NodeSelectorTerm) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
		}}
	}
}

func in(key string, values ...string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: key, Operator: corev1.NodeSelectorOpIn, Values: values}}}
}

func named(node string) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{{Key: metav1.ObjectNameField, Operator: corev1.NodeSelectorOpIn, Values: []string{node}}}}
}

func limited(limit string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
	}
}

// preferring prefers nodes by a term that the API accepts and no scheduler can read.
func preferring(pod *corev1.Pod) {
	pod.Spec.Affinity = cmp.Or(pod.Spec.Affinity, &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}})
	pod.Spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution = []corev1.PreferredSchedulingTerm{{
		Weight: 1, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: "generation", Operator: corev1.NodeSelectorOpGt, Values: []string{"new"}},
		}},
	}}
}

// declaring makes a pod declare its peak.
func declaring(peak string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Annotations = map[string]string{forecast.PeakAnnotation: peak} }
}

// Each case is a question that users of Kubernetes ask again and again; the golden file shows the answer.
func TestExplainAnswers(t *testing.T) {
	for _, test := range []struct {
		name string
		// pod is what is asked about, and shop what else there is.
		pod       *corev1.Pod
		shop      func(*shop)
		arguments []string
		want      int
	}{
		{"why is it pending: no node has what the affinity asks for", pod("asked", "1Gi", requiring(in("disktype", "ssd"), in("disktype", "nvme"))), nil, nil, codeNo},
		{"which label, which node", pod("asked", "1Gi", requiring(in("zone", "d"))), nil, []string{"--node", "web-1"}, codeNo},
		{"why there: the sum of the scores", pod("asked", "1Gi", limited("3Gi")), nil, nil, codeYes},
		{"no memory is left though requests say so", pod("asked", "1Gi", requiring(in("zone", "b"))), func(s *shop) {
			s.running("web-2", "5Gi", pod("grown", "100Mi"))
			s.samples.Nodes["web-2"] = nodeOf("7200Mi")
		}, nil, codeNo},
		{"who would be preempted for it", pod("asked", "1Gi", func(pod *corev1.Pod) { pod.Spec.Priority = new(int32(100)) }, requiring(in("zone", "b"))), func(s *shop) {
			s.running("web-2", "5Gi", pod("grown", "100Mi"))
			s.running("web-2", "100Mi", pod("vital", "100Mi", func(pod *corev1.Pod) { pod.Spec.Priority = new(int32(1000)) }))
			s.samples.Nodes["web-2"] = nodeOf("7200Mi")
		}, nil, codeNo},
		{"many would be preempted, some against a budget and one that nobody measured", pod("asked", "6000Mi", func(pod *corev1.Pod) { pod.Spec.Priority = new(int32(100)) }, requiring(in("zone", "d"))), guarded, nil, codeNo},
		{"it preempts nobody", pod("asked", "1Gi", func(pod *corev1.Pod) { pod.Spec.PreemptionPolicy = new(corev1.PreemptNever) }, requiring(in("zone", "b"))), func(s *shop) {
			s.samples.Nodes["web-2"] = nodeOf("7200Mi")
		}, nil, codeNo},
		{"a long list on a large fleet", pod("asked", "3Gi"), fleetOf(216), nil, codeNo},
		{"few nodes match, and all are accounted for", pod("asked", "1Gi", requiring(in("zone", "d"))), func(s *shop) {
			fleetOf(40)(s)
			s.node("rare-1", "7600Mi", map[string]string{"zone": "d"})
			s.node("rare-2", "7700Mi", map[string]string{"zone": "d"})
		}, nil, codeNo},
		{"no node of many matches, and one lacks less", pod("asked", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.NodeSelector = map[string]string{"disktype": "nvme", "zone": "z"}
		}), func(s *shop) {
			for i := range 12 {
				s.node(fmt.Sprintf("fleet-%02d", i+1), "1Gi", map[string]string{"disktype": "hdd", "zone": map[bool]string{true: "z", false: "y"}[i == 11]})
			}
		}, []string{"--node", "fleet-12"}, codeNo},
		{"a pod of a daemon set is pinned to its node", pod("asked", "1Gi", requiring(named("full-1"))), nil, nil, codeNo},
		{"terms are alternatives", pod("asked", "1Gi", requiring(in("zone", "a"), in("disktype", "hdd"))), nil, nil, codeYes},
		{"a preference of weight 100 is one score among others", pod("asked", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
				PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{Weight: 100, Preference: in("zone", "c")}},
			}}
		}), nil, nil, codeYes},
		{"a preference that cannot be read is no choice", pod("asked", "1Gi", preferring), nil, []string{"--replicas", "2", "--node", "web-1"}, codeNo},
		{"a preference that cannot be read, and one node", pod("asked", "1Gi", requiring(named("web-1")), preferring), nil, []string{"--node", "web-1"}, codeYes},
		{"a preference that cannot be read, and a node that is nominated", pod("asked", "1Gi", preferring, func(pod *corev1.Pod) {
			pod.Status.NominatedNodeName = "web-3"
		}), nil, nil, codeYes},
		{"the hostname label is not the node's name", pod("asked", "1Gi", requiring(in(corev1.LabelHostname, "db-1"))), nil, nil, codeNo},
		{"spec.nodeName bypasses every scheduler", pod("asked", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.NodeName = "full-1"
			pod.ManagedFields = []metav1.ManagedFieldsEntry{{FieldsV1: metav1.NewFieldsV1(`{"f:spec":{"f:nodeName":{}}}`)}}
		}), nil, nil, codeNo},
		{"it is held back by a gate", pod("asked", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
			pod.Status.Conditions[0].Reason = corev1.PodReasonSchedulingGated // as the API server writes it
		}), nil, nil, codeNo},
		{"nobody is the scheduler that it asks for", pod("asked", "1Gi", func(pod *corev1.Pod) { pod.Spec.SchedulerName = "headrom-scheduler" }), nil, nil, codeNo},
		{"another scheduler has tried it", pod("asked", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.SchedulerName, pod.Status.Conditions[0].Message = "volcano", "3/6 tasks in gang unschedulable."
		}), nil, nil, codeNo},
		{"no scheduler of that name is in the configuration that runs", pod("asked", "1Gi"), func(s *shop) {
			s.objects = append(s.objects, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: "headroom-system", Name: "headroom", Labels: map[string]string{"app.kubernetes.io/name": "headroom-scheduler"}},
				Data:       map[string]string{"scheduler-config.yaml": "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\nprofiles: [{schedulerName: default-scheduler}]\n"},
			})
		}, nil, codeNo},
		{"room is kept for a pod that is nominated", pod("asked", "", declaring("3Gi"), requiring(in("zone", "b"))), func(s *shop) {
			s.objects = append(s.objects, pod("first", "", declaring("4Gi"), func(pod *corev1.Pod) {
				pod.Spec.Priority, pod.Status.NominatedNodeName = new(int32(100)), "web-2"
			}))
		}, []string{"--node", "web-2"}, codeNo},
		{"a selector and an affinity must both hold", pod("asked", "1Gi", requiring(in("zone", "a", "b")), func(pod *corev1.Pod) {
			pod.Spec.NodeSelector = map[string]string{"disktype": "nvme"}
		}), nil, []string{"--node", "web-1"}, codeNo},
		{"a name is meant that is a hostname label", pod("asked", "1Gi", requiring(named("ip-10-0-0-4"))), nil, nil, codeNo},
		{"room that is kept for it is there for its copies", pod("asked", "", declaring("4Gi"), requiring(in("zone", "b")), func(pod *corev1.Pod) {
			pod.Status.NominatedNodeName = "web-2"
		}), nil, []string{"--replicas", "2"}, codeNo},
		{"why not that one", pod("asked", "1Gi", requiring(in("zone", "a", "b"))), nil, []string{"--node", "web-1"}, codeYes},
		{"the scheduler does not run", pod("asked", "1Gi", func(pod *corev1.Pod) { pod.Status.Conditions = nil }), func(s *shop) {
			s.objects = append(s.objects, &coordinationv1.Lease{
				ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "headroom-scheduler"},
				Spec:       coordinationv1.LeaseSpec{RenewTime: new(metav1.NewMicroTime(noon.Add(-12 * time.Minute)))},
			})
		}, nil, codeNo},
		{"it is the default scheduler's", pod("asked", "1Gi", func(pod *corev1.Pod) { pod.Spec.SchedulerName = "default-scheduler" }), nil, nil, codeYes},
		{"another scheduler has placed it", pod("asked", "1Gi", func(pod *corev1.Pod) { pod.Spec.SchedulerName, pod.Spec.NodeName = "volcano", "web-2" }), nil, nil, codeYes},
		{"a burst that fits one after another, and what ends it", pod("asked", "2Gi", limited("3Gi")), nil, []string{"--replicas", "9"}, codeNo},
		{"spread counts nodes that affinity leaves", pod("asked", "100Mi", requiring(in("zone", "a", "b")), spreading("zone")), func(s *shop) {
			for i := range 2 {
				s.running("web-1", "100Mi", pod(fmt.Sprint("asked-a", i), "100Mi", spreading("zone")))
			}
			s.samples.Nodes["web-2"], s.samples.Nodes["full-1"] = nodeOf("8050Mi"), nodeOf("8050Mi")
		}, nil, codeNo},
		{"CPU and a port", pod("asked", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU] = resource.MustParse("6")
			pod.Spec.Containers[0].Ports = []corev1.ContainerPort{{ContainerPort: 80, HostPort: 80, Protocol: corev1.ProtocolTCP}}
		}), nil, nil, codeNo},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop()
			if test.shop != nil {
				test.shop(s)
			}
			s.objects = append(s.objects, test.pod)
			arguments := append([]string{"explain", "asked"}, test.arguments...)
			stdout, stderr, code := s.run(t, arguments...)
			if code != test.want {
				t.Errorf("exit code %d, want %d", code, test.want)
			}
			wantNarrow(t, stdout)
			wantGolden(t, fileOf("explain", test.name)+".txt", answer(arguments, stdout, stderr, code))
		})
	}
}

// It is asked about where it is, whether it would go there again and whether what it holds counts.
func TestExplainJudgesAPlacedPodAsIfItWereNotThere(t *testing.T) {
	s := newShop()
	s.running("web-3", "4Gi", pod("asked", "4Gi"))
	stdout, stderr, code := s.run(t, "explain", "asked")
	wantGolden(t, "explain-placed.txt", answer([]string{"explain", "asked"}, stdout, stderr, code))
}

func nodeOf(held string) (made sampleNode) { return sampleNode{Measurement: measured(held)} }

func spreading(key string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Labels = map[string]string{"app": "spread"}
		pod.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: key, WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: &metav1.LabelSelector{MatchLabels: pod.Labels},
		}}
	}
}

// fleetOf adds so many nodes that reject for a handful of reasons.
func fleetOf(count int) func(*shop) {
	return func(s *shop) {
		for i := range count {
			held, changes := "6Gi", func(*corev1.Node) {}
			switch i % 4 {
			case 1:
				changes = func(node *corev1.Node) {
					node.Spec.Taints = []corev1.Taint{{Key: "dedicated", Value: "gpu", Effect: corev1.TaintEffectNoSchedule}}
				}
			case 2:
				held = fmt.Sprintf("%dMi", 5500+i)
			case 3:
				changes = func(node *corev1.Node) { node.Spec.Unschedulable = true }
			}
			s.node(fmt.Sprintf("fleet-%03d", i), held, map[string]string{"zone": fmt.Sprint("z", i%3)}, changes)
		}
		for _, name := range []string{"web-1", "web-2", "web-3"} {
			s.samples.Nodes[name] = nodeOf("7Gi")
		}
	}
}

// waiting is the shop with pods that wait for different reasons, in two namespaces.
func waiting() *shop {
	s := newShop()
	elsewhere := func(pod *corev1.Pod) { pod.Namespace = "jobs" }
	for i := range 12 {
		s.objects = append(s.objects, pod(fmt.Sprintf("large-%02d", i), "7Gi", elsewhere))
	}
	s.objects = append(s.objects,
		pod("zoned", "1Gi", requiring(in("zone", "d"))),
		pod("small", "1Gi"),
		pod("gated", "1Gi", func(pod *corev1.Pod) {
			pod.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/quota"}}
			pod.Status.Conditions = nil
		}),
		pod("lost", "1Gi", func(pod *corev1.Pod) { pod.Spec.SchedulerName = "headrom-scheduler" }))
	return s
}

func TestExplainWithoutAPodListsThosePending(t *testing.T) {
	for _, test := range []struct {
		file      string
		shop      *shop
		arguments []string
		want      int
	}{
		{"pending-all.txt", waiting(), []string{"explain", "-A"}, codeNo},
		{"pending-namespace.txt", waiting(), []string{"explain", "-n", "jobs"}, codeNo},
		{"pending-name.txt", waiting(), []string{"explain", "-o", "name"}, codeNo},
		{"pending-none.txt", newShop(), []string{"explain", "-A"}, codeYes},
	} {
		t.Run(test.file, func(t *testing.T) {
			stdout, stderr, code := test.shop.run(t, test.arguments...)
			if code != test.want {
				t.Errorf("exit code %d, want %d", code, test.want)
			}
			wantNarrow(t, stdout)
			wantGolden(t, test.file, answer(test.arguments, stdout, stderr, code))
		})
	}
	stdout, _, _ := waiting().run(t, "explain", "-A", "-o", "json")
	wantGolden(t, "pending.json", stdout)
}
