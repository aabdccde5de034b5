// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/headroom-dev/headroom/pkg/memory/eviction"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// podState is what a simulated kubelet knows of one pod. The pod's first container is the one that holds memory.
type podState struct {
	pod          *corev1.Pod
	profile      Profile
	scale, phase float64
	request      int64 // of the pod, in bytes
	limit        int64 // of the container, in bytes; 0: none

	held     int64 // bytes, now
	evicted  bool
	message  string // of the eviction
	reported int64  // bytes in the annotation
	reportAt time.Time

	started   time.Time // of the container; zero while it does not run
	restarts  int32
	backOff   time.Duration
	restartAt time.Time // zero: not waiting
	dirty     bool      // the container's or the evicted pod's status is to be written
}

// newPodState reads the pod's profile. One that cannot be read is taken for the request: the demo's and the lab's inputs are
// checked before they get here.
func newPodState(pod *corev1.Pod, options Options, scale, phase float64) *podState {
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	state := &podState{
		pod:     pod,
		scale:   1 + options.Jitter*(2*scale-1),
		phase:   phase,
		request: requests.Memory().Value(),
	}
	if len(pod.Spec.Containers) > 0 {
		state.limit = pod.Spec.Containers[0].Resources.Limits.Memory().Value()
	}
	profile, err := ParseProfile(pod.Annotations[ProfileAnnotation])
	if err != nil {
		profile = Profile{Start: state.request, Steady: state.request}
		state.scale = 1
	}
	state.profile = profile
	return state
}

// advance brings the pod to now, as far as it concerns the pod alone.
func (p *podState) advance(now time.Time) {
	switch {
	case p.evicted || p.pod.Status.Phase != corev1.PodRunning:
		p.held, p.started = 0, time.Time{}
		return
	case !p.restartAt.IsZero():
		if now.Before(p.restartAt) {
			p.held = 0
			return
		}
		p.restartAt, p.started, p.dirty = time.Time{}, now, true
	case p.started.IsZero():
		if len(p.pod.Status.ContainerStatuses) == 0 || p.pod.Status.ContainerStatuses[0].State.Running == nil {
			return
		}
		p.started = p.pod.Status.ContainerStatuses[0].State.Running.StartedAt.Time
		p.restarts = p.pod.Status.ContainerStatuses[0].RestartCount
	}
	p.held = p.profile.At(now.Sub(p.started), p.scale, p.phase)
}

// running reports whether the container runs: only then does the kubelet have statistics of the pod.
func (p *podState) running() bool { return !p.evicted && !p.started.IsZero() && p.restartAt.IsZero() }

// overLimit reports whether the container wants more than its limit allows.
func (p *podState) overLimit() bool { return p.running() && p.limit > 0 && p.held > p.limit }

// kill ends the container as the OOM killer does. It starts again at once the first time, and after its back-off later
// (k8s.io/kubernetes pkg/kubelet/kuberuntime/kuberuntime_manager.go, doBackOff).
func (p *podState) kill(now time.Time) {
	if p.restarts > 0 {
		p.backOff = min(max(2*p.backOff, firstBackOff), longestBackOff)
	}
	p.restartAt = now.Add(p.backOff)
	p.restarts++
	p.held, p.dirty = 0, true
}

// candidate is the pod as the kubelet's eviction order sees it.
func (p *podState) candidate() eviction.Pod {
	candidate := eviction.PodOf(p.pod, sample.Measurement{})
	candidate.Measured, candidate.Guessed, candidate.UsageBytes = p.running(), false, p.held
	return candidate
}

// container is the pod's container as the kernel's order sees it.
func (p *podState) container(capacity int64) eviction.Container {
	container := eviction.Container{Namespace: p.pod.Namespace, Pod: p.pod.Name, UsageBytes: p.held}
	if len(p.pod.Spec.Containers) > 0 {
		container.Name = p.pod.Spec.Containers[0].Name
	}
	container.OOMScoreAdjust = eviction.OOMScoreAdjust(p.pod, container.Name, capacity)
	return container
}
