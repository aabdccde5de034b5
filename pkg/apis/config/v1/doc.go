// SPDX-License-Identifier: Apache-2.0

// +k8s:deepcopy-gen=package
// +k8s:conversion-gen=github.com/headroom-dev/headroom/pkg/apis/config
// +k8s:conversion-gen-external-types=github.com/headroom-dev/headroom/pkg/apis/config/v1
// +k8s:defaulter-gen=TypeMeta
// +groupName=kubescheduler.config.k8s.io

// Package v1 holds the arguments of Headroom's scheduler plugins as a KubeSchedulerConfiguration file of version v1
// writes them, with their defaults.
package v1
