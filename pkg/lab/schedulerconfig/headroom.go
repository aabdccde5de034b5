// SPDX-License-Identifier: Apache-2.0

// Package schedulerconfig has the configurations that the lab runs schedulers with.
package schedulerconfig

import (
	"fmt"
	"os"

	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/config"
)

// HeadroomName is the schedulerName of the pods that ask for Headroom, and of the shipped profile.
const HeadroomName = "headroom-scheduler"

// Headroom reads the KubeSchedulerConfiguration to run Headroom with, the shipped one if path is empty. A file without a
// profile of HeadroomName is an error: the pods ask for it and would wait for ever.
func Headroom(path string) ([]byte, error) {
	if path == "" {
		return config.SchedulerConfig, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("scheduler configuration: %w", err)
	}
	// Not strict: the scheduler is, and it alone knows the arguments of its plugins.
	var parsed schedulerv1.KubeSchedulerConfiguration
	if err := yaml.Unmarshal(content, &parsed); err != nil {
		return nil, fmt.Errorf("scheduler configuration: %s: %w", path, err)
	}
	for _, profile := range parsed.Profiles {
		if profile.SchedulerName != nil && *profile.SchedulerName == HeadroomName {
			return content, nil
		}
	}
	return nil, fmt.Errorf("scheduler configuration: %s: profiles: none has schedulerName %s, which the pods ask for: name one so", path, HeadroomName)
}
