// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"slices"
	"sync"
	"time"
)

// Kind says how a pod or container died.
type Kind string

const (
	// Eviction: the kubelet ended the pod.
	Eviction Kind = "eviction"
	// OOMKill: the kernel ended the container, which starts again in its place.
	OOMKill Kind = "oom-kill"
)

// Event is one death.
type Event struct {
	At             time.Duration // since the history began
	Kind           Kind
	Node           string
	Namespace, Pod string
	Bytes          int64 // that the pod held
	Reason         string
}

// Point is a node's working set at one moment.
type Point struct {
	At    time.Duration // since the history began
	Bytes int64
}

// NodeHistory is what one node held.
type NodeHistory struct {
	// Capacity is the machine's memory and Threshold the working set from which on its kubelet evicts, in bytes.
	Capacity, Threshold int64
	Points              []Point
}

// History is what happened on the simulated nodes. It is safe for concurrent use.
type History struct {
	began time.Time

	mutex  sync.Mutex
	nodes  map[string]*NodeHistory
	events []Event
}

func newHistory(began time.Time) *History {
	return &History{began: began, nodes: map[string]*NodeHistory{}}
}

// Began returns the moment from which At counts.
func (h *History) Began() time.Time { return h.began }

func (h *History) record(now time.Time, node string, capacity, threshold, bytes int64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	line, ok := h.nodes[node]
	if !ok {
		line = &NodeHistory{}
		h.nodes[node] = line
	}
	line.Capacity, line.Threshold = capacity, threshold
	line.Points = append(line.Points, Point{At: now.Sub(h.began), Bytes: bytes})
}

func (h *History) happened(now time.Time, event Event) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	event.At = now.Sub(h.began)
	h.events = append(h.events, event)
}

// Events returns all events so far, in the order in which they happened.
func (h *History) Events() []Event {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return slices.Clone(h.events)
}

// Node returns what the named node held so far; ok is false for a node of which nothing is known.
func (h *History) Node(name string) (node NodeHistory, ok bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	line, ok := h.nodes[name]
	if !ok {
		return NodeHistory{}, false
	}
	return NodeHistory{Capacity: line.Capacity, Threshold: line.Threshold, Points: slices.Clone(line.Points)}, true
}

// Peak returns the most that the named node held from a moment of the history on, and its threshold, in bytes.
func (h *History) Peak(name string, since time.Duration) (bytes, threshold int64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	line, ok := h.nodes[name]
	if !ok {
		return 0, 0
	}
	for i := len(line.Points) - 1; i >= 0 && line.Points[i].At >= since; i-- {
		bytes = max(bytes, line.Points[i].Bytes)
	}
	return bytes, line.Threshold
}

// Now returns what the named node held last, and its threshold, in bytes.
func (h *History) Now(name string) (bytes, threshold int64, ok bool) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	line, ok := h.nodes[name]
	if !ok || len(line.Points) == 0 {
		return 0, 0, false
	}
	return line.Points[len(line.Points)-1].Bytes, line.Threshold, true
}
