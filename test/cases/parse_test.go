// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/test/cases"
)

func TestFaultsAreNamedWithTheirPlaceAndWhatWasExpected(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
	}{
		{"no case", "node a\n", `f.txt:1:1: found "node", expected case: every statement belongs to a case`},
		{"no title", "case \n", "f.txt:1:1: found case without a title: say on the same line what the case shows"},
		{"no expectation", "case x\nnode a\n", `f.txt:1:1: found case "x" without an expectation: end it with expect`},
		{"an unknown statement", "case x\nnodes a\n",
			`f.txt:2:1: found "nodes", expected one of case, config, skip, node, existing, pod, expect, then`},
		{"a change without then", "case x\nnode a\nlabel a zone=1\n", `f.txt:3:1: found "label", expected then label: what changes begins with then`},
		{"an unknown change", "case x\nnode a\nthen drain a\n",
			`f.txt:3:6: found "drain" after then, expected node, pod, existing or one of label, unlabel, taint, untaint, cordon, uncordon, hold, remove, delete`},
		{"a label without a value", "case x\nnode a zone=\n", `f.txt:2:13: found the end of the statement, expected the value of the label ("" if it is empty)`},
		{"a label twice", "case x\nnode a zone=1 zone=2\n", `f.txt:2:15: found a second "zone", expected one`},
		{"a node twice", "case x\nnode a\nnode a\n", `f.txt:3:6: found "a", expected a name that no node of the case has had`},
		{"a node that is not there", "case x\nnode a\npod p\nexpect p on b\n",
			`f.txt:4:13: found "b", expected the name of a node that the case has introduced before`},
		{"an amount that is none", "case x\nnode a memory=lots\n",
			`f.txt:2:15: found "lots", expected bytes of memory: a quantity that is not negative, such as 4 or 64Mi`},
		{"an unknown effect", "case x\nnode a taint=k:Never\n", `f.txt:2:16: found "Never", expected one of NoSchedule, PreferNoSchedule, NoExecute`},
		{"an unknown operator", "case x\npod p require zone within (1)\n",
			`f.txt:2:20: found "within", expected one of in, notin, exists, doesnotexist, gt, lt`},
		{"a list that does not end", "case x\npod p require zone in (1,2\n", `f.txt:2:27: found the end of the statement, expected )`},
		{"an alternative to nothing", "case x\npod p\n  or require zone exists\n",
			`f.txt:3:3: found or without require, expected require and its terms before it`},
		{"an attribute in a selector", "case x\npod p selector zone=1 priority=5\n",
			`f.txt:2:23: found "priority" in a selector, expected a label: attributes stand right after the pod's name, and a label of that name in quotes`},
		{"an attribute after a clause", "case x\npod p require zone exists priority=5\n",
			`f.txt:2:27: found "priority" after a clause, expected it right after the pod's name`},
		{"a reason without quotes", "case x\npod p\nexpect p pending memory\n", `f.txt:3:18: found "memory", expected a part of the reason in double quotes`},
		{"a quote that is open", "case x\npod p\nexpect p pending \"memory\n",
			`f.txt:3:18: found a text that begins with " and does not end on this line: close it with "`},
		{"an indented line that continues nothing", "case x\n  node a\n",
			`f.txt:2:3: found an indented "node": it continues no statement; begin it at the start of the line`},
		{"columns are characters", "case x\nnode a zone=Zürich ,\n", `f.txt:2:20: found ",", expected an attribute or a label of the node`},
		{"a skip without a reason", "case x\nskip cluster\n", `f.txt:2:13: found the end of the statement, expected the reason in double quotes`},
		{"a second configuration", "case x\nconfig a\nconfig b\n", `f.txt:3:1: found config, expected it once and before the first node or pod of the case`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := cases.Parse("f.txt", test.text)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAPodIsReadAsTheAPIHasIt(t *testing.T) {
	file, err := cases.Parse("f.txt", `case x
node a
pod p request=64Mi priority=-5 selector zone=1   # a comment
  require rack in (r1, "") and generation gt 3
  or require field metadata.name notin (b)
  prefer 50 disk exists
  tolerate dedicated=database:NoSchedule
  tolerate everything
expect p on a
`)
	if err != nil {
		t.Fatal(err)
	}
	spec := file.Cases[0].Steps[1].Pod.Spec
	want := corev1.PodSpec{
		SchedulerName: "headroom-scheduler", PriorityClassName: "case-priority-minus-5", Priority: new(int32(-5)),
		NodeSelector: map[string]string{"zone": "1"},
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: "rack", Operator: corev1.NodeSelectorOpIn, Values: []string{"r1", ""}},
					{Key: "generation", Operator: corev1.NodeSelectorOpGt, Values: []string{"3"}},
				}},
				{MatchFields: []corev1.NodeSelectorRequirement{
					{Key: "metadata.name", Operator: corev1.NodeSelectorOpNotIn, Values: []string{"b"}},
				}},
			}},
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.PreferredSchedulingTerm{{
				Weight: 50, Preference: corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
					{Key: "disk", Operator: corev1.NodeSelectorOpExists},
				}},
			}},
		}},
		Tolerations: []corev1.Toleration{
			{Key: "dedicated", Operator: corev1.TolerationOpEqual, Value: "database", Effect: corev1.TaintEffectNoSchedule},
			{Operator: corev1.TolerationOpExists},
		},
	}
	if diff := cmp.Diff(want, spec, cmpopts.IgnoreFields(corev1.PodSpec{}, "Containers", "TerminationGracePeriodSeconds")); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
}

// sameCases compares files by what they say and not by where.
func sameCases() cmp.Options {
	return cmp.Options{cmpopts.IgnoreFields(cases.Case{}, "At"), cmpopts.IgnoreFields(cases.Step{}, "At")}
}

func FuzzParse(f *testing.F) {
	files, err := cases.ReadAll(".")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, c := range file.Cases {
			f.Add((&cases.File{Cases: []cases.Case{c}}).String())
		}
	}
	f.Add("case x\nnode a \"zone\"=\"\\n\" held=1e3\nthen hold a 0.1\npod p limit=1m holds=3 preemption=never\nexpect p preempts p on a or a")
	f.Add("case x\n  y\nexpect\xff")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := cases.Parse("f.txt", text)
		if err != nil {
			checkPosition(t, text, err)
			return
		}
		again, err := cases.Parse("f.txt", file.String())
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, file)
		}
		if diff := cmp.Diff(file, again, sameCases()); diff != "" {
			t.Errorf("cases (-read +read again):\n%s", diff)
		}
	})
}

// checkPosition fails the test unless the error names a place that the text has.
func checkPosition(t *testing.T, text string, err error) {
	t.Helper()
	fault := (*cases.Error)(nil)
	if !errors.As(err, &fault) {
		t.Fatalf("error %v is no *Error", err)
	}
	lines := strings.Split(text, "\n")
	at := fault.At
	if at.File != "f.txt" || at.Line < 1 || at.Line > len(lines) || at.Column < 1 || fault.Message == "" {
		t.Fatalf("error %v names no place of a text of %d lines", err, len(lines))
	}
	if most := utf8.RuneCountInString(lines[at.Line-1]) + 1; at.Column > most {
		t.Fatalf("error %v: line %d has %d columns", err, at.Line, most)
	}
}

func TestAPrefixIsBeforeEveryNameOfANodeOrAPod(t *testing.T) {
	file, err := cases.Parse("f.txt", `case x
node a zone=1
existing q on a
pod p nodeName=a selector kubernetes.io/hostname=a zone=1
  require zone in (1) and kubernetes.io/hostname in (a) and field metadata.name notin (b)
  prefer 1 field metadata.name in (a)
then cordon a
then delete q
expect p preempts q on a
`)
	if err != nil {
		t.Fatal(err)
	}
	got := (&cases.File{Cases: []cases.Case{*file.Cases[0].WithPrefix("x-")}}).String()
	want := `case x
node x-a cpu=4 memory=8Gi pods=110 "zone"="1"
existing x-q on x-a
pod x-p nodeName=x-a selector "kubernetes.io/hostname"="x-a" "zone"="1" ` +
		`require "zone" in ("1") and "kubernetes.io/hostname" in ("x-a") and field "metadata.name" notin ("x-b") ` +
		`prefer 1 field "metadata.name" in ("x-a")
then cordon x-a
then delete x-q
expect x-p preempts x-q on x-a
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("case (-want +got):\n%s", diff)
	}
}
