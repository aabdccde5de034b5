// SPDX-License-Identifier: Apache-2.0

package schedulerconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSchedulerConfigHasToServeThePods(t *testing.T) {
	for _, test := range []struct{ name, text, wantError string }{
		{"a profile among others", "profiles: [{schedulerName: other}, {schedulerName: headroom-scheduler}]", ""},
		{"arguments of a plugin that nobody here knows", "profiles: [{schedulerName: headroom-scheduler, pluginConfig: [{name: X, args: {y: 1}}]}]", ""},
		{"no such profile", "profiles: [{schedulerName: default-scheduler}]", "profiles: none has schedulerName headroom-scheduler"},
		{"no profiles", "kind: KubeSchedulerConfiguration", "profiles: none has schedulerName headroom-scheduler"},
		{"no YAML", "profiles: [", "scheduler.yaml: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "scheduler.yaml")
			if err := os.WriteFile(path, []byte(test.text), 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := Headroom(path)
			if test.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantError) || !strings.Contains(err.Error(), path) {
					t.Fatalf("error %v, want it to contain %q and %s", err, test.wantError, path)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.text {
				t.Errorf("got %q, want the file as it is", got)
			}
		})
	}
}

func TestTheShippedSchedulerConfigServesThePods(t *testing.T) {
	shipped, err := Headroom("")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "scheduler.yaml")
	if err := os.WriteFile(path, shipped, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Headroom(path); err != nil {
		t.Error(err)
	}
}
