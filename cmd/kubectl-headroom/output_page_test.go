// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/explain"
)

const outputPage = "../../docs/explain-output.md"

// printed are the objects that commands print, by kind.
func printed() map[string]any {
	return map[string]any{
		"PodPlacement": explain.Placement{}, "PendingPodList": explain.Pending{}, "NodeMemoryList": explain.Nodes{}, "NodeVictims": explain.Victims{},
		"DoctorReport": explain.Report{}, "SchedulerConfigurationReport": explain.Configuration{},
	}
}

// field is a row of the page: a field as JSON has it, with a question mark where it may be missing, and its type.
type field struct{ Name, Type string }

// fieldsOf notes the fields of an object under its heading, in their order, and those of all objects that it is made of.
func fieldsOf(t *testing.T, heading string, of reflect.Type, noted map[string][]field) {
	t.Helper()
	if _, known := noted[heading]; known {
		return
	}
	noted[heading] = nil
	for member := range of.Fields() {
		if member.Type == reflect.TypeFor[metav1.TypeMeta]() {
			continue // which the page says of all of them
		}
		name, options, _ := strings.Cut(member.Tag.Get("json"), ",")
		if name == "" || name == "-" || member.Anonymous {
			t.Fatalf("%s.%s has no name in JSON", of, member.Name)
		}
		row := field{Name: "`" + name + "`", Type: typeOf(t, member.Type, noted)}
		if strings.Contains(options, "omit") {
			row.Name += "?"
		}
		noted[heading] = append(noted[heading], row)
	}
}

// typeOf is a type as the page has it. Objects link to their heading, which is their name.
func typeOf(t *testing.T, of reflect.Type, noted map[string][]field) string {
	t.Helper()
	if of == reflect.TypeFor[metav1.Time]() {
		return "time"
	}
	switch of.Kind() {
	case reflect.Pointer:
		return typeOf(t, of.Elem(), noted)
	case reflect.Slice:
		element := typeOf(t, of.Elem(), noted)
		if !strings.HasPrefix(element, "[") {
			element += "s"
		}
		return "list of " + element
	case reflect.Struct:
		fieldsOf(t, of.Name(), of, noted)
		return fmt.Sprintf("[%s](#%s)", of.Name(), strings.ToLower(of.Name()))
	case reflect.Int, reflect.Int32, reflect.Int64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	}
	t.Fatalf("the page has no word for %s", of)
	return ""
}

// units are what fields of such names are counted in.
func units() map[string]string {
	return map[string]string{"Bytes`": "bytes", "Seconds`": "seconds", "Percent`": "percent"}
}

// Programs are written by the page: it has every field of every object, and none that there is not.
func TestThePageDescribesEveryFieldThatIsPrinted(t *testing.T) {
	want := map[string][]field{}
	for kind, object := range printed() {
		fieldsOf(t, kind, reflect.TypeOf(object), want)
	}
	text, err := os.ReadFile(outputPage)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]field{}
	row := regexp.MustCompile("^\\| (`\\w+`\\??) \\| ([^|]+) \\| (.+) \\|$")
	for _, section := range strings.Split(string(text), "\n### ")[1:] {
		heading, body, _ := strings.Cut(section, "\n")
		for line := range strings.SplitSeq(body, "\n") {
			cells := row.FindStringSubmatch(line)
			if cells == nil {
				continue
			}
			kind, unit, _ := strings.Cut(cells[2], ", ")
			got[heading] = append(got[heading], field{cells[1], kind})
			for suffix, wanted := range units() {
				if strings.HasSuffix(strings.TrimSuffix(cells[1], "?"), suffix) && unit != wanted {
					t.Errorf("%s: %s is counted in %q, want %q", heading, cells[1], unit, wanted)
				}
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-printed +described):\n%s", outputPage, diff)
	}
}

// A reader comes from the kind that a program was given to its heading.
func TestObjectsHaveTheKindThatThePageNames(t *testing.T) {
	s := newShop()
	s.objects = append(s.objects, pod("asked", "1Gi"))
	for kind, arguments := range map[string][]string{
		"PodPlacement": {"explain", "asked"}, "PendingPodList": {"explain", "-A"}, "NodeMemoryList": {"nodes"}, "NodeVictims": {"victims", "web-1"},
		"DoctorReport": {"doctor"}, "SchedulerConfigurationReport": {"config", "validate", "testdata/config/good.yaml"},
	} {
		stdout, stderr, _ := s.run(t, append(arguments, "-o", "json")...)
		if head := fmt.Sprintf("{\n  \"kind\": %q,\n  \"apiVersion\": %q,\n", kind, explain.APIVersion); !strings.HasPrefix(stdout, head) {
			t.Errorf("%v prints no %s:\n%s%s", arguments, kind, stdout, stderr)
		}
	}
}
