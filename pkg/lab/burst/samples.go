// SPDX-License-Identifier: Apache-2.0

package burst

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"
)

// scrapes counts the scrapes of metrics-server that show what runs before the burst as it is.
type scrapes struct {
	metrics metricsclient.Interface
	// nodes and pods are how many there are to be measured; pods that hold nothing yet have no measurement.
	nodes, pods int
	// settled is the moment from which on the load is steady. A sample from before does not count.
	settled time.Time
	// resolution is the time between two scrapes.
	resolution time.Duration

	seen   int
	oldest time.Time // sample of the last scrape that was counted
	newest time.Time
}

// look asks metrics.k8s.io, and counts a scrape that is new and complete.
func (s *scrapes) look(ctx context.Context) error {
	nodes, err := s.metrics.MetricsV1beta1().NodeMetricses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list node metrics: %w", err)
	}
	if len(nodes.Items) < s.nodes {
		return nil
	}
	oldest, newest := nodes.Items[0].Timestamp.Time, nodes.Items[0].Timestamp.Time
	for i := range nodes.Items {
		if at := nodes.Items[i].Timestamp.Time; at.Before(oldest) {
			oldest = at
		} else if at.After(newest) {
			newest = at
		}
	}
	// The nodes of one scrape are measured within a few seconds of each other.
	if oldest.Before(s.settled) || oldest.Sub(s.oldest) < s.resolution/2 {
		return nil
	}
	pods, err := s.metrics.MetricsV1beta1().PodMetricses("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pod metrics: %w", err)
	}
	if len(pods.Items) < s.pods {
		return nil
	}
	s.seen++
	s.oldest, s.newest = oldest, newest
	return nil
}

// ready tells whether so many scrapes were seen, and the newest sample of every node is so old.
func (s *scrapes) ready(now time.Time, scrapes int, age time.Duration) bool {
	return s.seen >= scrapes && now.Sub(s.newest) >= age
}

// left is how long it takes at most until ready is true.
func (s *scrapes) left(now time.Time, scrapes int, age time.Duration) time.Duration {
	last := s.newest
	if s.seen == 0 {
		last = s.settled
	}
	return last.Add(time.Duration(max(scrapes-s.seen, 0))*s.resolution + age).Sub(now)
}
