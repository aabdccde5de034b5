// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

// errNoProxy says why kubelets are not asked.
var errNoProxy = errors.New("no permission to get nodes/proxy, by which kubelets are asked from here")

// configured is what kubelets told of their memory settings.
type configured struct {
	settings map[string]*threshold.Settings // by node
	// text is empty where no profile wants to know, and wrong is true where not all of them told.
	text  string
	wrong bool
}

// askKubelets asks the kubelets for their configurations if a profile does.
func (s *Scheduler) askKubelets(ctx context.Context) configured {
	args := s.argsOf(func(args *config.HeadroomMemoryArgs) bool { return args.ReadKubeletConfig })
	if args == nil || len(s.nodes) == 0 {
		return configured{}
	}
	source, err := s.proxied(ctx, args)
	if err != nil {
		return configured{text: fmt.Sprintf("%v: they are assumed where no annotation tells", err), wrong: true}
	}
	defer source.CloseIdleConnections()
	ctx, cancel := context.WithTimeoutCause(ctx, sourceLimit, fmt.Errorf("it took longer than %s", sourceLimit))
	defer cancel()
	told := configured{settings: map[string]*threshold.Settings{}}
	var failed []string
	var failures error
	configurations := source.Configurations(ctx, s.nodes)
	for _, node := range s.nodes {
		settings, err := memory.Settings(configurations[node.Name])
		if err != nil {
			failed = append(failed, node.Name)
			if failures == nil {
				failures = err
			}
			continue
		}
		told.settings[node.Name] = settings
	}
	told.text = fmt.Sprintf("of the kubelets' /configz, %d of %s", len(told.settings), plural(len(s.nodes), "node"))
	if len(failed) > 0 {
		told.wrong = true
		told.text += fmt.Sprintf("; assumed, where no annotation tells, of %s (%v)", few(failed), failures)
	}
	return told
}

// measureByKubelets reads samples as the source Kubelet does, and by metrics.k8s.io where that is not possible from here.
func (s *Scheduler) measureByKubelets(ctx context.Context, args *config.HeadroomMemoryArgs) samples {
	source, err := s.proxied(ctx, args)
	if err == nil {
		defer source.CloseIdleConnections()
		set, failure := s.readSource(ctx, source)
		if failure == nil {
			return samples{set: set, origin: "the kubelets, by way of the API server"}
		}
		err = failure
	}
	return s.measureByMetricsAPI(ctx, fmt.Sprintf("the profile reads the kubelets, which cannot be read from here (%v); ", err))
}

// proxied returns a source that asks kubelets by way of the API server: from here their addresses seldom lead anywhere, and
// they know no caller but those that the API server lets in.
func (s *Scheduler) proxied(ctx context.Context, args *config.HeadroomMemoryArgs) (*kubelet.Source, error) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "get", Version: "v1", Resource: "nodes", Subresource: "proxy"},
	}}
	// Asking thousands of nodes only to be refused thousands of times would be rude. If it cannot be known, they are asked.
	answer, err := s.options.Cluster.Client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err == nil && !answer.Status.Allowed {
		return nil, errNoProxy
	}
	options := kubelet.Options{
		Nodes:  func() ([]*corev1.Node, error) { return s.nodes, nil },
		Config: s.options.Cluster.Config, Proxied: true,
	}
	if args.Source.Kubelet != nil {
		options.Concurrency = int(args.Source.Kubelet.MaxConcurrent)
	}
	return kubelet.New(options)
}

// argsOf returns the first arguments of a book that are so, or nil.
func (s *Scheduler) argsOf(are func(*config.HeadroomMemoryArgs) bool) *config.HeadroomMemoryArgs {
	for _, book := range s.still.Books() {
		if are(book.Args) {
			return book.Args
		}
	}
	return nil
}
