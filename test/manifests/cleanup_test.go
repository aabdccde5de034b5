// SPDX-License-Identifier: Apache-2.0

package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	coordinationv1 "k8s.io/api/coordination/v1"
)

// What is installed is deleted by Helm; the leases that the scheduler takes are not.
func TestUninstallDeletesTheReleasesLeases(t *testing.T) {
	for _, test := range []struct {
		name, values string
		want         []string
	}{
		{"its own", "", []string{"n/r-headroom-scheduler"}},
		{"its own of before, in the place of the default scheduler", "mode: replace", []string{"n/r-headroom-scheduler"}},
		{"another, and its own of before", "leaderElection: {resourceName: l, resourceNamespace: m}", []string{"m/l", "n/r-headroom-scheduler"}},
		{"its own of before, without leader election", "{replicas: 1, configuration: {leaderElection: {leaderElect: false}}}", []string{"n/r-headroom-scheduler"}},
		{"never the default scheduler's", "{mode: replace, fullnameOverride: kube-scheduler}", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			rendered, err := Render(chartFolder, Release{"r", "n"}, test.values)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, hook := range rendered.Hooks {
				objects, err := Decode(hook.Manifest)
				if err != nil {
					t.Fatal(err)
				}
				for _, lease := range Find[*coordinationv1.Lease](objects) {
					got = append(got, lease.Namespace+"/"+lease.Name)
				}
			}
			if diff := cmp.Diff(test.want, got, sortStrings); diff != "" {
				t.Errorf("leases (-want +got):\n%s", diff)
			}
		})
	}
}
