// SPDX-License-Identifier: Apache-2.0

package v1

import (
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// SchemeGroupVersion is the group and version of a KubeSchedulerConfiguration file.
var SchemeGroupVersion = schema.GroupVersion{Group: schedulerconfig.GroupName, Version: "v1"}

// localSchemeBuilder is where the generated conversions register themselves.
var localSchemeBuilder = runtime.SchemeBuilder{}

// AddToScheme registers the v1 types, their defaults and their conversions.
func AddToScheme(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(SchemeGroupVersion,
		&HeadroomNodeAffinityArgs{},
		&HeadroomMemoryArgs{},
	)
	if err := RegisterDefaults(scheme); err != nil {
		return err
	}
	return localSchemeBuilder.AddToScheme(scheme)
}
