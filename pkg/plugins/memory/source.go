// SPDX-License-Identifier: Apache-2.0

package memory

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/rest"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
	"github.com/headroom-dev/headroom/pkg/usage/metricsapi"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

// newSource opens the source that the arguments name.
func newSource(args *config.HeadroomMemoryArgs, handle fwk.Handle) (usage.Source, error) {
	switch args.Source.Type {
	case config.SourcePrometheus:
		return prometheus.New(prometheusOptions(args.Source.Prometheus))
	case config.SourceKubelet:
		return newKubelets(args, handle)
	default:
		return metricsapi.New(ownConfig(handle), metricsapi.Options{})
	}
}

func prometheusOptions(source *config.PrometheusSource) prometheus.Options {
	return prometheus.Options{
		Address:   source.Address,
		Nodes:     queryOf(source.Nodes),
		Kubepods:  queryOf(source.Kubepods),
		Pods:      queryOf(source.Pods),
		PodPeaks:  source.History.Peaks,
		NodeLabel: source.NodeLabel,
		StripPort: source.StripPort,
		CAFile:    source.CAFile, Insecure: source.InsecureSkipVerify,
		BearerTokenFile: source.BearerTokenFile, Username: source.Username, PasswordFile: source.PasswordFile,
	}
}

func queryOf(query *config.PrometheusQuery) prometheus.Query {
	if query == nil {
		return prometheus.Query{}
	}
	return prometheus.Query{Bytes: query.Bytes, Times: query.Times}
}

// newKubelets returns what asks the kubelets directly, for samples and for their configuration.
func newKubelets(args *config.HeadroomMemoryArgs, handle fwk.Handle) (*kubelet.Source, error) {
	nodes := handle.SharedInformerFactory().Core().V1().Nodes().Lister()
	options := kubelet.Options{
		Nodes:  func() ([]*corev1.Node, error) { return nodes.List(labels.Everything()) },
		Config: ownConfig(handle),
	}
	if source := args.Source.Kubelet; source != nil {
		options.CAFile, options.Insecure, options.Concurrency = source.CAFile, source.InsecureSkipVerify, int(source.MaxConcurrent)
	}
	return kubelet.New(options)
}

func ownConfig(handle fwk.Handle) *rest.Config {
	return rest.AddUserAgent(rest.CopyConfig(handle.KubeConfig()), Name)
}
