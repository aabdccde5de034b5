// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/util/validation/field"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	schedulervalidation "k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	_ "sigs.k8s.io/scheduler-plugins/apis/config/scheme" // the arguments of the plugins that the binary carries

	"github.com/headroom-dev/headroom/pkg/apis/config"
	_ "github.com/headroom-dev/headroom/pkg/apis/config/scheme" // the arguments of Headroom's own plugins
	"github.com/headroom-dev/headroom/pkg/apis/config/validation"
)

// checkSchedulerConfiguration decodes a KubeSchedulerConfiguration as kube-scheduler does, strictly and with defaults,
// and validates it and the arguments of Headroom's plugins.
func checkSchedulerConfiguration(document []byte) error {
	object, kind, err := schedulerscheme.Codecs.UniversalDecoder().Decode(document, nil, nil)
	if err != nil {
		return err
	}
	configuration, ok := object.(*schedulerconfig.KubeSchedulerConfiguration)
	if !ok {
		return fmt.Errorf("%s is no configuration of a scheduler", kind)
	}
	// Validation wants the version that was read; the conversion to the internal form drops it.
	configuration.APIVersion = kind.GroupVersion().String()
	var found []error
	if err := schedulervalidation.ValidateKubeSchedulerConfiguration(configuration); err != nil {
		found = append(found, err)
	}
	profiles := field.NewPath("profiles")
	for i, profile := range configuration.Profiles {
		for j, plugin := range profile.PluginConfig {
			where := profiles.Index(i).Child("pluginConfig").Index(j).Child("args")
			switch args := plugin.Args.(type) {
			case *config.HeadroomNodeAffinityArgs:
				found = append(found, validation.ValidateHeadroomNodeAffinityArgs(where, args))
			case *config.HeadroomMemoryArgs:
				found = append(found, validation.ValidateHeadroomMemoryArgs(where, args))
			}
		}
	}
	return errors.Join(found...)
}
