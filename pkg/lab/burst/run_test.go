// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunRefusesBeforeItStartsAnything(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder) // where a cluster would be
	occupied := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	spec := builtIn(t)
	for _, test := range []struct {
		name    string
		options Options
		want    string
	}{
		{"a folder that cannot be made", Options{Spec: spec, LoadVariationWeight: 1, OutDir: filepath.Join(occupied, "out")}, occupied},
		{"a scheduler configuration that is not there", Options{Spec: spec, LoadVariationWeight: 1, OutDir: t.TempDir(), SchedulerConfig: occupied + ".yaml"}, occupied + ".yaml"},
		{"a weight that is none", Options{Spec: spec, OutDir: t.TempDir()}, "weight of LoadVariationRiskBalancing: 0: want at least 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if err := Run(t.Context(), test.options); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want it to contain %q", err, test.want)
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("something was started: %v, %v", left, err)
			}
		})
	}
}
