// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"fmt"
	"os"

	schedulerv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/config"
)

// schedulerConfig reads the configuration to run Headroom with, the shipped one if path is empty. The pods ask for the
// profile headroom-scheduler: without one they would wait for ever.
func schedulerConfig(path string) ([]byte, error) {
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
		if profile.SchedulerName != nil && *profile.SchedulerName == schedulerName {
			return content, nil
		}
	}
	return nil, fmt.Errorf("scheduler configuration: %s: profiles: none has schedulerName %s, which the pods ask for: name one so", path, schedulerName)
}
