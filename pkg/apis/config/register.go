// SPDX-License-Identifier: Apache-2.0

package config

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// SchemeGroupVersion is kube-scheduler's own configuration group: a profile's pluginConfig is decoded as
// <plugin name>Args of that group (k8s.io/kubernetes pkg/scheduler/apis/config/v1/conversion.go).
var SchemeGroupVersion = schema.GroupVersion{Group: schedulerconfig.GroupName, Version: runtime.APIVersionInternal}

// AddToScheme registers the internal types.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&HeadroomNodeAffinityArgs{},
		&HeadroomMemoryArgs{},
	)
	return nil
}
