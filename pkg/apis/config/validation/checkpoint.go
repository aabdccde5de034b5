// SPDX-License-Identifier: Apache-2.0

package validation

import (
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/headroom-dev/headroom/pkg/apis/config"
)

// minCheckpointInterval keeps a typing error from writing hundreds of kilobytes to etcd all the time.
const minCheckpointInterval = 10 * time.Second

// checkpoint returns the faults of what says where that which was learned is kept. Of one that is not enabled nothing matters.
func checkpoint(path *field.Path, checkpoint *config.ForecastCheckpoint) field.ErrorList {
	if !checkpoint.Enabled {
		return nil
	}
	var faults field.ErrorList
	for _, problem := range validation.IsDNS1123Subdomain(checkpoint.Name) {
		faults = append(faults, field.Invalid(path.Child("name"), checkpoint.Name, problem))
	}
	if checkpoint.Namespace != "" {
		for _, problem := range validation.IsDNS1123Label(checkpoint.Namespace) {
			faults = append(faults, field.Invalid(path.Child("namespace"), checkpoint.Namespace, problem))
		}
	}
	if checkpoint.Interval.Duration < minCheckpointInterval {
		faults = append(faults, field.Invalid(path.Child("interval"), checkpoint.Interval.Duration.String(), "must be at least "+minCheckpointInterval.String()))
	}
	return faults
}
