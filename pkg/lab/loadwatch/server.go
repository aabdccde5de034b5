// SPDX-License-Identifier: Apache-2.0

// Package loadwatch serves the report of load-watcher, which the Trimaran plugins of scheduler-plugins read, from a cluster's
// metrics.k8s.io.
//
// It stands in for load-watcher itself, which as a library opens port 2020 on all interfaces and captures the signals of the
// scheduler that it is in. Like load-watcher with Prometheus, it gives mean and standard deviation over fifteen minutes, in
// percent of a node's capacity, and looks once a minute.
package loadwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// Interval is the time between two looks: load-watcher's (github.com/paypal/load-watcher pkg/watcher/watcher.go:145-204).
	Interval = time.Minute
	// Window is the time over which the report has mean and deviation: load-watcher's longest.
	Window = 15 * time.Minute

	path          = "/watcher"
	headerTimeout = 10 * time.Second
)

// Read returns the newest measurement of each node that has one.
type Read func(context.Context) ([]Reading, error)

// Server serves the report on loopback.
type Server struct {
	read     Read
	clock    clock.WithTicker
	listener net.Listener
	http     *http.Server
	stop     context.CancelFunc
	running  sync.WaitGroup

	mutex   sync.Mutex
	window  window
	current []byte // the report; nil before the first
	served  int
}

// Start reads once, and then at every Interval until Close. The first read has to succeed. A later one that fails is logged,
// and the report stays as it was, as load-watcher's does.
func Start(ctx context.Context, read Read, clock clock.WithTicker) (*Server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("load watcher: %w", err)
	}
	s := &Server{read: read, clock: clock, listener: listener, window: window{length: Window}}
	if err := s.look(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("load watcher: %w", err), listener.Close())
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	ticker := clock.NewTicker(Interval)
	s.running.Go(func() {
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C():
			}
			if err := s.look(ctx); err != nil && ctx.Err() == nil {
				klog.FromContext(ctx).Error(err, "The load watcher could not read the nodes' load")
			}
		}
	})
	s.running.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			klog.FromContext(ctx).Error(err, "The load watcher's server ended")
		}
	})
	return s, nil
}

// Address is what a Trimaran plugin's watcherAddress has to be.
func (s *Server) Address() string { return "http://" + s.listener.Addr().String() }

// Served is how often the report was given away.
func (s *Server) Served() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.served
}

// Close ends everything that Start began.
func (s *Server) Close() error {
	s.stop()
	err := s.http.Close()
	s.running.Wait()
	return err
}

// look makes a new report.
func (s *Server) look(ctx context.Context) error {
	readings, err := s.read(ctx)
	if err != nil {
		return err
	}
	now := s.clock.Now()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.window.add(now, readings)
	content, err := json.Marshal(s.window.report(now))
	if err != nil {
		return err
	}
	s.current = content
	return nil
}

// ServeHTTP answers with the report.
func (s *Server) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.URL.Path != path {
		http.NotFound(w, request)
		return
	}
	s.mutex.Lock()
	content := s.current
	s.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if _, err := w.Write(content); err != nil {
		return // the reader went away
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.served++
}
