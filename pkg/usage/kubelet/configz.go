// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	corev1 "k8s.io/api/core/v1"
	kubeletconfigv1beta1 "k8s.io/kubelet/config/v1beta1"

	"github.com/headroom-dev/headroom/pkg/usage/fetch"
)

// Configuration is what a kubelet runs with, or why that is unknown: one of the two is set.
type Configuration struct {
	// Config is complete: the kubelet fills in its defaults.
	Config *kubeletconfigv1beta1.KubeletConfiguration
	// Err says why the configuration is unknown.
	Err error
}

// Forbidden reports whether the configuration is unknown because our credentials may not read it: then asking again is of
// no use until somebody grants the right.
func (c Configuration) Forbidden() bool {
	var status *fetch.StatusError
	return errors.As(c.Err, &status) && (status.Code == http.StatusUnauthorized || status.Code == http.StatusForbidden)
}

// Configurations asks the kubelets of the nodes for their configurations, by /configz. Every node is in the result; those
// that were not asked before ctx ended are unknown.
func (s *Source) Configurations(ctx context.Context, nodes []*corev1.Node) map[string]Configuration {
	configurations := make(map[string]Configuration, len(nodes))
	var mutex sync.Mutex
	s.each(ctx, s.healthyFirst(nodes), func(ctx context.Context, node *corev1.Node) {
		config, err := s.configuration(ctx, node)
		mutex.Lock()
		defer mutex.Unlock()
		configurations[node.Name] = Configuration{Config: config, Err: err}
	})
	return configurations
}

func (s *Source) configuration(ctx context.Context, node *corev1.Node) (*kubeletconfigv1beta1.KubeletConfiguration, error) {
	body, err := s.get(ctx, node, "/configz", "")
	if err != nil {
		return nil, fmt.Errorf("configuration of node %s: %w", node.Name, err)
	}
	defer body.Close()
	config, err := decodeConfiguration(body)
	if err != nil {
		return nil, fmt.Errorf("configuration of node %s: %w", node.Name, err)
	}
	return config, nil
}

// decodeConfiguration reads the answer of /configz.
func decodeConfiguration(from io.Reader) (*kubeletconfigv1beta1.KubeletConfiguration, error) {
	var answer struct {
		Config *kubeletconfigv1beta1.KubeletConfiguration `json:"kubeletconfig"`
	}
	if err := decode(from, &answer); err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	if answer.Config == nil {
		return nil, errors.New("the answer has no kubeletconfig")
	}
	if kind := answer.Config.Kind; kind != "" && kind != "KubeletConfiguration" {
		return nil, fmt.Errorf("the answer is of kind %.40q", kind)
	}
	return answer.Config, nil
}
