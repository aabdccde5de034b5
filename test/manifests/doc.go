// SPDX-License-Identifier: Apache-2.0

// Package manifests renders the chart of manifests/charts with Helm's own library, and holds what it renders against the API
// of Kubernetes: strict types, validation of the configuration, Pod Security admission.
package manifests
