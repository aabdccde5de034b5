// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"

	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
	"github.com/headroom-dev/headroom/pkg/plugins/nodename"
)

// The first filter that rejects a node gives the reason, and says whether preemption can help. Shipped profiles have Headroom's filters where
// kube-scheduler has those that they replace, so that a node that is full and does not match either is refused for its labels.
func TestShippedProfilesFilterInTheOrderOfKubernetes(t *testing.T) {
	files, err := filepath.Glob("../../config/scheduler-config*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	overlays, err := filepath.Glob("../../config/overlays/*/scheduler-config.yaml")
	if err != nil || len(files) == 0 || len(overlays) == 0 {
		t.Fatalf("%d configurations and %d of overlays, %v", len(files), len(overlays), err)
	}
	for _, file := range append(files, overlays...) {
		t.Run(file, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			ours := decode(t, text)
			ourPreFilters, ourFilters := order(t, ours)
			preFilters, filters := order(t, stock(t, ours))
			if diff := cmp.Diff(filters, ourFilters); diff != "" {
				t.Errorf("filters (-kube-scheduler's +ours):\n%s", diff)
			}
			if diff := cmp.Diff(preFilters, ourPreFilters); diff != "" {
				t.Errorf("PreFilters (-kube-scheduler's +ours):\n%s", diff)
			}
		})
	}
}

// order returns the names of the PreFilters and Filters that run, in that order, with Headroom's named as what they replace and without
// HeadroomMemory, which replaces nothing.
func order(t *testing.T, configuration *schedulerconfig.KubeSchedulerConfiguration) (preFilters, filters []string) {
	t.Helper()
	_, instance := startScheduler(t, configuration)
	for _, profile := range instance.Profiles {
		plugins := profile.ListPlugins()
		names := func(set schedulerconfig.PluginSet) []string {
			var names []string
			for _, plugin := range set.Enabled {
				switch plugin.Name {
				case memory.Name:
				case nodename.Name:
					names = append(names, "NodeName")
				case nodeaffinity.Name:
					names = append(names, "NodeAffinity")
				default:
					names = append(names, plugin.Name)
				}
			}
			return names
		}
		preFilters, filters = names(plugins.PreFilter), names(plugins.Filter)
	}
	if !slices.Contains(filters, "NodeAffinity") || !slices.Contains(filters, "NodeName") {
		t.Fatalf("filters %v, want some for names and affinity", filters)
	}
	return preFilters, filters
}
