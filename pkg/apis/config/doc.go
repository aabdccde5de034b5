// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package

// Package config holds the internal form of the arguments of Headroom's scheduler plugins.
//
// The versioned form that a KubeSchedulerConfiguration file carries is in the v1 sub-package; validation is in
// validation; importing scheme makes kube-scheduler decode both.
package config
