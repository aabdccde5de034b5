// SPDX-License-Identifier: Apache-2.0

package stage

import (
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
)

func TestTheThresholdIsTheLowerOfTheKubeletsTwo(t *testing.T) {
	for _, test := range []struct{ name, reserved, system, want string }{
		{"nothing reserved: the machine's, whatever the system holds", "0", "200Mi", "900Mi"},
		{"as much reserved as the system holds: the same", "200Mi", "200Mi", "900Mi"},
		{"more reserved than the system holds: that of the pods", "300Mi", "200Mi", "800Mi"},
	} {
		t.Run(test.name, func(t *testing.T) {
			spec := NodesSpec{
				Memory: resource.MustParse("1000Mi"), EvictionHard: resource.MustParse("100Mi"),
				Reserved: resource.MustParse(test.reserved), SystemMemory: resource.MustParse(test.system),
			}
			want := resource.MustParse(test.want)
			if got := spec.ThresholdBytes(); got != want.Value() {
				t.Errorf("threshold %d, want %s", got, test.want)
			}
		})
	}
}
