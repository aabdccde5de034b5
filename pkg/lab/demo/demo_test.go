// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheDemoRefusesBeforeItStartsAnything(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder) // where a cluster would be
	occupied := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	spec, err := ParseSpec(DefaultSpec)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		options Options
		want    string
	}{
		{"a folder that cannot be made", Options{OutDir: filepath.Join(occupied, "out")}, "folder for the report: " + occupied},
		{"a scheduler configuration that is not there", Options{OutDir: t.TempDir(), SchedulerConfig: occupied + ".yaml"}, occupied + ".yaml"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.options.Spec, test.options.Out = spec, &bytes.Buffer{}
			if err := Run(t.Context(), test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want it to contain %q", err, test.want)
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("something was started: %v, %v", left, err)
			}
		})
	}
}

func TestTheReportSaysWhichConfigurationHeadroomRan(t *testing.T) {
	spec, err := ParseSpec(DefaultSpec)
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"":                   "headroom-scheduler with the shipped profile, which reads metrics every 15s",
		"/somewhere/my.yaml": "headroom-scheduler with the configuration of my.yaml",
	} {
		facts := (&run{spec: spec, options: Options{SchedulerConfig: file}}).facts()
		if last := facts[len(facts)-1]; last.Name != "headroom" || last.Value != want {
			t.Errorf("with configuration %q the report says %+v, want %q", file, last, want)
		}
	}
}
