// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/test/cases"
)

const (
	minimumCases   = 60
	measuredMemory = "measured memory"
)

func terms(pod *corev1.Pod) []corev1.NodeSelectorTerm {
	if pod.Spec.Affinity == nil || pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms
}

func preferences(pod *corev1.Pod) []corev1.PreferredSchedulingTerm {
	if pod.Spec.Affinity == nil {
		return nil
	}
	return pod.Spec.Affinity.NodeAffinity.PreferredDuringSchedulingIgnoredDuringExecution
}

// onNewPods is a theme that shows on a pod that a scheduler has to place.
func onNewPods(shows func(*corev1.Pod) bool) func(*cases.Case) bool {
	return func(c *cases.Case) bool {
		return slices.ContainsFunc(c.Steps, func(step cases.Step) bool {
			return step.Pod != nil && !cases.Existing(step.Pod) && shows(step.Pod)
		})
	}
}

func requires(operator corev1.NodeSelectorOperator) func(*cases.Case) bool {
	return onNewPods(func(pod *corev1.Pod) bool {
		return slices.ContainsFunc(terms(pod), func(term corev1.NodeSelectorTerm) bool {
			return slices.ContainsFunc(term.MatchExpressions, func(requirement corev1.NodeSelectorRequirement) bool {
				return requirement.Operator == operator
			})
		})
	})
}

// whileWaiting is a theme of a step that follows a pending pod which is placed in the end.
func whileWaiting(shows func(cases.Step) bool) func(*cases.Case) bool {
	return func(c *cases.Case) bool {
		waiting, shown := map[string]bool{}, false
		for _, step := range c.Steps {
			switch {
			case step.Expect != nil && step.Expect.Kind == cases.Pending:
				waiting[step.Expect.Pod] = true
			case step.Expect != nil && step.Expect.Kind == cases.Placed && shown && waiting[step.Expect.Pod]:
				return true
			case len(waiting) > 0 && shows(step):
				shown = true
			}
		}
		return false
	}
}

func changes(kind cases.ChangeKind) func(cases.Step) bool {
	return func(step cases.Step) bool { return step.Change != nil && step.Change.Kind == kind }
}

func hasStep(shows func(cases.Step) bool) func(*cases.Case) bool {
	return func(c *cases.Case) bool { return slices.ContainsFunc(c.Steps, shows) }
}

func both(themes ...func(*cases.Case) bool) func(*cases.Case) bool {
	return func(c *cases.Case) bool {
		return !slices.ContainsFunc(themes, func(theme func(*cases.Case) bool) bool { return !theme(c) })
	}
}

// themes are what the cases have to show, by name.
func themes() map[string]func(*cases.Case) bool {
	preempts := hasStep(func(step cases.Step) bool { return step.Expect != nil && len(step.Expect.Victims) > 0 })
	tainted := hasStep(func(step cases.Step) bool { return step.Node != nil && len(step.Node.Spec.Taints) > 0 })
	addsNode := func(step cases.Step) bool { return step.Node != nil }
	return map[string]func(*cases.Case) bool{
		"In": requires(corev1.NodeSelectorOpIn), "NotIn": requires(corev1.NodeSelectorOpNotIn),
		"Exists": requires(corev1.NodeSelectorOpExists), "DoesNotExist": requires(corev1.NodeSelectorOpDoesNotExist),
		"Gt": requires(corev1.NodeSelectorOpGt), "Lt": requires(corev1.NodeSelectorOpLt),
		"AND within a term": onNewPods(func(pod *corev1.Pod) bool {
			return slices.ContainsFunc(terms(pod), func(term corev1.NodeSelectorTerm) bool { return len(term.MatchExpressions) > 1 })
		}),
		"OR between terms": onNewPods(func(pod *corev1.Pod) bool { return len(terms(pod)) > 1 }),
		"matchFields": onNewPods(func(pod *corev1.Pod) bool {
			return slices.ContainsFunc(terms(pod), func(term corev1.NodeSelectorTerm) bool { return len(term.MatchFields) > 0 })
		}),
		"selector with affinity": onNewPods(func(pod *corev1.Pod) bool { return len(pod.Spec.NodeSelector) > 0 && len(terms(pod)) > 0 }),
		"weights":                onNewPods(func(pod *corev1.Pod) bool { return len(preferences(pod)) > 1 }),
		"taints with tolerations": both(tainted, onNewPods(func(pod *corev1.Pod) bool {
			return len(pod.Spec.Tolerations) > 0
		})),
		"unschedulable nodes":             hasStep(func(step cases.Step) bool { return step.Node != nil && step.Node.Spec.Unschedulable }),
		"a label set while a pod waits":   whileWaiting(changes(cases.Label)),
		"a label gone while a pod waits":  whileWaiting(changes(cases.Unlabel)),
		"a taint gone while a pod waits":  whileWaiting(changes(cases.Untaint)),
		"uncordoned while a pod waits":    whileWaiting(changes(cases.Uncordon)),
		"a node added while a pod waits":  whileWaiting(addsNode),
		"a pod deleted while a pod waits": whileWaiting(changes(cases.DeletePod)),
		"a node removed":                  hasStep(changes(cases.RemoveNode)),
		"preemption with affinity":        both(preempts, onNewPods(func(pod *corev1.Pod) bool { return len(terms(pod)) > 0 })),
		"DaemonSet pods": onNewPods(func(pod *corev1.Pod) bool {
			return len(pod.Spec.Tolerations) > 1 && slices.ContainsFunc(terms(pod), func(term corev1.NodeSelectorTerm) bool { return len(term.MatchFields) == 1 })
		}),
		"nodeName set":           onNewPods(func(pod *corev1.Pod) bool { return pod.Spec.NodeName != "" }),
		"addedAffinity":          func(c *cases.Case) bool { return c.Config == "added-affinity" },
		"pods of another":        hasStep(func(step cases.Step) bool { return step.Expect != nil && step.Expect.Kind == cases.Untouched }),
		"one of several nodes":   hasStep(func(step cases.Step) bool { return step.Expect != nil && len(step.Expect.Nodes) > 1 }),
		measuredMemory:           func(c *cases.Case) bool { return c.Measures() },
		"memory does not fit":    onNewPods(func(pod *corev1.Pod) bool { return !pod.Spec.Containers[0].Resources.Requests.Memory().IsZero() }),
		"existing pods":          hasStep(func(step cases.Step) bool { return step.Pod != nil && cases.Existing(step.Pod) }),
		"an empty required term": onNewPods(func(pod *corev1.Pod) bool { return slices.ContainsFunc(terms(pod), isEmpty) }),
	}
}

// played returns the cases that are for a runner.
func played(t *testing.T, runner cases.Runner) []cases.Case {
	t.Helper()
	var all []cases.Case
	for _, file := range readAll(t) {
		for _, c := range file.Cases {
			if c.Skipped(runner) == "" && (measures(runner) || !c.Measures()) {
				all = append(all, c)
			}
		}
	}
	return all
}

// measures reports whether a runner measures memory: the in-tree plugins do not, and on kind the nodes of cases have no kubelet.
func measures(runner cases.Runner) bool { return runner != cases.Stock && runner != cases.OnKind }

func TestEveryThemeHasACaseOnEveryRunner(t *testing.T) {
	for _, runner := range []cases.Runner{cases.InProcess, cases.InCluster, cases.OnKind, cases.Stock} {
		t.Run(string(runner), func(t *testing.T) {
			all := played(t, runner)
			t.Logf("%d cases", len(all))
			if len(all) < minimumCases {
				t.Errorf("%d cases, want at least %d", len(all), minimumCases)
			}
			for name, shows := range themes() {
				if name == measuredMemory && !measures(runner) {
					continue
				}
				if !slices.ContainsFunc(all, func(c cases.Case) bool { return shows(&c) }) {
					t.Errorf("no case shows %s", name)
				}
			}
		})
	}
}

func isEmpty(term corev1.NodeSelectorTerm) bool {
	return len(term.MatchExpressions)+len(term.MatchFields) == 0
}
