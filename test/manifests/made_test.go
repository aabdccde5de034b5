// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write what is made from the chart anew")

func TestWhatIsMadeFromTheChartIsFresh(t *testing.T) {
	made, err := Made(repository)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range made {
		path := filepath.Join(repository, name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s is old: run make manifests (-want +got):\n%s", name, diff)
		}
	}
}
