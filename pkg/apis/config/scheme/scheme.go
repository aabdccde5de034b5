// SPDX-License-Identifier: Apache-2.0

// Package scheme makes kube-scheduler's configuration scheme know Headroom's plugin arguments: import it for its
// side effect.
package scheme

import (
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	configv1 "k8s.io/kube-scheduler/config/v1"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/apis/config/v1"
)

func init() {
	// The scheme that decodes configuration files is built by now.
	utilruntime.Must(config.AddToScheme(schedulerscheme.Scheme))
	utilruntime.Must(v1.AddToScheme(schedulerscheme.Scheme))
	// The one that converts plugin arguments is built from these when it is first used
	// (k8s.io/kubernetes pkg/scheduler/apis/config/v1/conversion.go).
	schedulerconfig.SchemeBuilder.Register(config.AddToScheme)
	configv1.SchemeBuilder.Register(v1.AddToScheme)
}
