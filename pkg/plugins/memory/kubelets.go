// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/usage/kubelet"
)

const (
	// settingsLook is the time between two looks for nodes to ask; a node that is new waits for so long.
	settingsLook = 30 * time.Second
	// settingsKept is after how long a kubelet is asked for its configuration again, which it reads when it starts. Until it answers
	// then, what it said before counts.
	settingsKept = 30 * time.Minute
	// settingsRetry is the time after which a kubelet that did not tell is asked again.
	settingsRetry = 5 * time.Minute
)

// configurations asks kubelets for their configurations.
type configurations interface {
	Configurations(ctx context.Context, nodes []*corev1.Node) map[string]kubelet.Configuration
}

// kubelets keeps what kubelets tell of their memory thresholds. What one of them does not tell is assumed, as it is for all
// where this is not enabled.
type kubelets struct {
	source  configurations
	nodes   corelisters.NodeLister
	clock   clock.Clock
	changed func()

	known atomic.Pointer[map[string]*threshold.Settings] // by node; never changed once it is there
	due   map[machine]time.Time                          // when a node is to be asked; of run alone
	quiet bool                                           // a failure was logged
}

// machine is a node that is another one if it is replaced under its name.
type machine struct {
	name string
	uid  types.UID
}

// settings returns what is known, by node. Nil kubelets know nothing.
func (k *kubelets) settings() map[string]*threshold.Settings {
	if k == nil {
		return nil
	}
	if known := k.known.Load(); known != nil {
		return *known
	}
	return nil
}

// run asks until ctx ends.
func (k *kubelets) run(ctx context.Context) {
	k.due = map[machine]time.Time{}
	for {
		k.ask(ctx)
		select {
		case <-ctx.Done():
			return
		case <-k.clock.After(settingsLook):
		}
	}
}

// ask asks the nodes whose turn it is, and forgets those that are gone.
func (k *kubelets) ask(ctx context.Context) {
	logger := klog.FromContext(ctx)
	nodes, err := k.nodes.List(labels.Everything())
	if err != nil {
		logger.Error(err, "Nodes cannot be listed; no kubelet is asked for its configuration")
		return
	}
	now, next, dues := k.clock.Now(), make(map[string]*threshold.Settings, len(nodes)), make(map[machine]time.Time, len(nodes))
	var asked []*corev1.Node
	before := k.settings()
	uids := make(map[string]types.UID, len(nodes))
	for _, node := range nodes {
		of := machine{node.Name, node.UID}
		due, known := k.due[of]
		if settings := before[node.Name]; settings != nil && known {
			next[node.Name] = settings
		}
		if due.After(now) {
			dues[of] = due
			continue
		}
		uids[node.Name] = node.UID
		asked = append(asked, node)
	}
	k.due = dues
	if len(asked) == 0 && len(next) == len(before) {
		return
	}
	failed := 0
	for node, configuration := range k.source.Configurations(ctx, asked) {
		settings, err := settingsOf(configuration)
		if err != nil {
			k.due[machine{node, uids[node]}] = now.Add(settingsRetry)
			if failed++; !k.quiet {
				k.quiet = true
				logger.Error(err, "A kubelet's configuration cannot be read: its eviction threshold is assumed, unless an annotation tells; further ones are not logged",
					"node", node, "forbidden", configuration.Forbidden())
			}
			continue
		}
		k.due[machine{node, uids[node]}] = now.Add(settingsKept)
		next[node] = settings
	}
	if len(asked) > 0 && failed == 0 {
		k.quiet = false
	}
	k.known.Store(&next)
	k.changed()
}

func settingsOf(configuration kubelet.Configuration) (*threshold.Settings, error) {
	if configuration.Err != nil {
		return nil, configuration.Err
	}
	settings, err := threshold.SettingsOf(configuration.Config)
	if err != nil {
		return nil, err
	}
	return &settings, nil
}
