// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"flag"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write manifests/install.yaml anew")

func TestInstallYAMLIsWhatTheChartRenders(t *testing.T) {
	want, err := InstallYAML(ChartFolder)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(InstallFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(InstallFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("manifests/install.yaml is old: run make manifests (-want +got):\n%s", diff)
	}
}
