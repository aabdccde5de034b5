// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/usage"
	"github.com/headroom-dev/headroom/pkg/usage/fetch"
	"github.com/headroom-dev/headroom/pkg/usage/metricsapi"
)

// sourceLimit is how long a source may take: one that is out of reach from here must not keep the answer.
const sourceLimit = 20 * time.Second

// DegradedWords says why requests decide on all nodes. Where it is for want of a permission of whoever asks, that tells nothing of the scheduler.
func DegradedWords(losses []cluster.Loss) string {
	if slices.ContainsFunc(losses, func(loss cluster.Loss) bool { return strings.HasSuffix(loss.Resource, ".metrics.k8s.io") }) {
		return "without permission to read samples, requests decide here on all nodes; the scheduler, which may read them, can decide otherwise"
	}
	return "too few nodes have a fresh sample: requests decide on all of them"
}

// measure reads the samples. Those of kubelets are read once nodes are known: deferred is true, and nothing is measured yet.
func (s *Scheduler) measure(ctx context.Context) (read samples, deferred bool) {
	if s.options.Source != nil {
		set, err := s.readSource(ctx, s.options.Source)
		return samples{set: set, origin: "the source given", problem: words(err)}, false
	}
	books := s.still.Books()
	if len(books) == 0 {
		return samples{origin: "none: the profile has no " + memory.Name}, false
	}
	switch books[0].Args.Source.Type {
	case config.SourceKubelet:
		return samples{}, true
	case config.SourcePrometheus:
		return s.measureByPrometheus(ctx, books[0]), false
	default:
		return s.measureByMetricsAPI(ctx, ""), false
	}
}

func (s *Scheduler) measureByPrometheus(ctx context.Context, book *memory.StillBook) samples {
	source, err := book.Source()
	if err == nil {
		var set *sample.Set
		if set, err = s.readSource(ctx, source); err == nil {
			return samples{set: set, origin: "Prometheus at " + book.Args.Source.Prometheus.Address}
		}
	}
	return s.measureByMetricsAPI(ctx, fmt.Sprintf("the profile reads Prometheus, which cannot be read from here (%v); ", err))
}

func (s *Scheduler) measureByMetricsAPI(ctx context.Context, instead string) samples {
	const origin = "metrics.k8s.io"
	source, err := metricsapi.New(s.options.Cluster.Config, metricsapi.Options{})
	var set *sample.Set
	if err == nil {
		set, err = s.readSource(ctx, source)
	}
	if err == nil {
		return samples{set: set, origin: origin, problem: strings.TrimSuffix(instead, "; ")}
	}
	var status *fetch.StatusError
	if errors.As(err, &status) && status.Code == http.StatusForbidden {
		s.options.Cluster.Lose(refusedList(err) + ".metrics.k8s.io")
	}
	return samples{origin: "none", problem: instead + words(err)}
}

// refusedList is which of the two lists of metrics.k8s.io an error is about: nodes come first.
func refusedList(err error) string {
	if strings.HasPrefix(err.Error(), "list pods ") {
		return "pods"
	}
	return "nodes"
}

func (s *Scheduler) readSource(ctx context.Context, source usage.Source) (*sample.Set, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, sourceLimit, fmt.Errorf("it took longer than %s", sourceLimit))
	defer cancel()
	return source.Read(ctx)
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
