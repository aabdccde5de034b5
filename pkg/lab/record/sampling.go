// SPDX-License-Identifier: Apache-2.0

package record

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	resourcehelper "k8s.io/component-helpers/resource"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// sampled is a recording of what a source says, look by look.
type sampled struct {
	recording
	source  usage.Source
	clients kubernetes.Interface
	byUID   map[types.UID]*life
	byName  map[types.NamespacedName]*life
}

// FromSource records what source says from now on, and what the API server says of the pods. When ctx ends, what there is
// so far is written, and that is no error. A look that fails is left out, unless it is the first one.
func FromSource(ctx context.Context, source usage.Source, clients kubernetes.Interface, o Options) error {
	if err := o.begin(); err != nil {
		return err
	}
	s := &sampled{source: source, clients: clients, byUID: map[types.UID]*life{}, byName: map[types.NamespacedName]*life{}}
	ticker := o.Clock.NewTicker(o.Interval)
	defer ticker.Stop()
	early := ""
	began := o.Clock.Now()
	looks := int(o.Duration/o.Interval) + 1 // one at each end
	for look := 1; look <= looks && early == ""; look++ {
		err := s.look(ctx, o.Clock.Now)
		if early = interrupted(ctx); early != "" {
			break
		}
		if err != nil {
			if look == 1 {
				return fmt.Errorf("the first look failed, and nothing was written: %w", err)
			}
			s.failed++
			o.Screen.Step("look %d of %d: %v", look, looks, err)
		}
		now := o.Clock.Now()
		text := func() string {
			return fmt.Sprintf("%d of %d looks | %d pods, %d samples | %s left", look, looks, len(s.lives), s.samples, screen.Clock(o.Duration-now.Sub(began)))
		}
		o.Screen.Show(now, text, text)
		// Looks that take longer than the interval are fewer.
		if early = s.full(); look == looks || now.Sub(began) >= o.Duration || early != "" {
			break
		}
		select {
		case <-ctx.Done():
			early = interrupted(ctx)
		case <-ticker.C():
		}
	}
	what := "sampled from metrics.k8s.io: each sample has the time at which it was taken, and is the sum of the pod's containers; " +
		"starts are the kubelet's, an end is when a look first missed the pod"
	return o.finish(&s.recording, s.first().Truncate(time.Second), what, early)
}

// look reads the source and the pods once.
func (s *sampled) look(ctx context.Context, now func() time.Time) error {
	set, err := s.source.Read(ctx)
	if err != nil {
		return err
	}
	// From the API server's cache: the list is as fresh as the samples are.
	pods, err := s.clients.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return fmt.Errorf("list pods: %w", err)
	}
	looked := now()
	s.refuse(set.RefusedCount)
	there := map[types.UID]bool{}
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Status.StartTime == nil || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
			continue
		}
		there[pod.UID] = true
		s.life(pod).facts = factsOfObject(pod)
	}
	for name, measured := range set.Pods {
		// A figure of an earlier pod of the same name is from before its start.
		if l, ok := s.byName[name]; ok && !measured.Time.Before(l.start) && l.end.IsZero() {
			s.add(l, measured.Time, measured.Bytes)
		}
	}
	for uid, l := range s.byUID {
		if !there[uid] {
			l.end = looked
			delete(s.byUID, uid)
			if s.byName[l.name] == l {
				delete(s.byName, l.name)
			}
		}
	}
	return nil
}

// life is that of a pod.
func (s *sampled) life(pod *corev1.Pod) *life {
	if l, ok := s.byUID[pod.UID]; ok {
		return l
	}
	l := &life{name: types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}, start: pod.Status.StartTime.Time}
	s.lives = append(s.lives, l)
	s.byUID[pod.UID], s.byName[l.name] = l, l
	return l
}

func factsOfObject(pod *corev1.Pod) facts {
	requests := resourcehelper.PodRequests(pod, resourcehelper.PodResourcesOptions{})
	f := facts{
		known: true, requestBytes: requests.Memory().Value(), limit: strconv.FormatInt(limitOf(pod), 10), owner: ownerOf(pod),
		class: string(pod.Status.QOSClass), priorityClass: pod.Spec.PriorityClassName,
	}
	if pod.Spec.Priority != nil {
		f.priority = strconv.FormatInt(int64(*pod.Spec.Priority), 10)
	}
	return f
}

// limitOf is the limit of a pod's memory in bytes, or 0 if one of its containers has none.
func limitOf(pod *corev1.Pod) int64 {
	limits := resourcehelper.PodLimits(pod, resourcehelper.PodResourcesOptions{})
	if pod.Spec.Resources != nil && !pod.Spec.Resources.Limits.Memory().IsZero() {
		return limits.Memory().Value()
	}
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Resources.Limits.Memory().IsZero() {
			return 0
		}
	}
	return limits.Memory().Value()
}

// ownerOf is KIND/NAME of a pod's controller. That of a Deployment is a ReplicaSet, whose name is the Deployment's with
// the hash of the template, which is a label of the pod, too.
func ownerOf(pod *corev1.Pod) string {
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return ""
	}
	hash := pod.Labels["pod-template-hash"]
	if deployment, ok := strings.CutSuffix(controller.Name, "-"+hash); ok && hash != "" && controller.Kind == "ReplicaSet" {
		return "Deployment/" + deployment
	}
	return controller.Kind + "/" + controller.Name
}
