// SPDX-License-Identifier: Apache-2.0

package arms

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	fwk "k8s.io/kube-scheduler/framework"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	_ "sigs.k8s.io/scheduler-plugins/apis/config/scheme" // arguments of scheduler-plugins
	"sigs.k8s.io/scheduler-plugins/pkg/trimaran/loadvariationriskbalancing"

	_ "github.com/headroom-dev/headroom/pkg/apis/config/scheme" // arguments of Headroom's plugins
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
	"github.com/headroom-dev/headroom/pkg/plugins/nodename"
)

// Registry has the plugins of all arms that are not in-tree. HeadroomMemory reads metrics directly and not through the API
// server, which has no metrics.k8s.io.
func Registry(metrics *Metrics) frameworkruntime.Registry {
	factory := memory.NewFactory()
	return frameworkruntime.Registry{
		nodename.Name:     nodename.New,
		nodeaffinity.Name: nodeaffinity.New,
		memory.Name: func(ctx context.Context, arguments runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
			return factory.New(ctx, arguments, redirected{handle, &rest.Config{Host: metrics.URL()}})
		},
		loadvariationriskbalancing.Name: loadvariationriskbalancing.New,
	}
}

// redirected is a handle whose client configuration is another.
type redirected struct {
	fwk.Handle
	config *rest.Config
}

// KubeConfig returns the other configuration.
func (r redirected) KubeConfig() *rest.Config { return r.config }
