// SPDX-License-Identifier: Apache-2.0

// Package config holds the shipped KubeSchedulerConfiguration files, so that the binary and the manifests share one source.
package config

import _ "embed"

// SchedulerConfig is the profile that headroom-scheduler runs without --config.
//
//go:embed scheduler-config.yaml
var SchedulerConfig []byte

// PackConfig is that of config/scheduler-config-pack.yaml: the same plugins, filling nodes as far as the risk allows.
//
//go:embed scheduler-config-pack.yaml
var PackConfig []byte
