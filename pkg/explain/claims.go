// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/dynamic-resource-allocation/resourceclaim"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
)

// resourceClaims is how RBAC names them.
const resourceClaims = "resourceclaims.resource.k8s.io"

// claimLimit is how long a claim may take from this process to its own informer.
const claimLimit = 10 * time.Second

// makeClaims gives a pod that is not there yet, in place of those that its status names, the claims that a controller makes of its templates once it is
// (k8s.io/kubernetes pkg/controller/resourceclaim/controller.go, handleClaim). They are there for this scheduler only. Where a
// template cannot be read, problem says which and why.
func (s *Scheduler) makeClaims(ctx context.Context, of fwk.Handle, pod *corev1.Pod) (problem string, err error) {
	manager := of.SharedDRAManager()
	if manager == nil {
		return "", nil
	}
	pod.Status.ResourceClaimStatuses = nil
	for _, wanted := range pod.Spec.ResourceClaims {
		if wanted.ResourceClaimTemplateName == nil {
			continue
		}
		template, problem, err := s.template(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: *wanted.ResourceClaimTemplateName})
		if problem != "" || err != nil {
			return problem, err
		}
		claim := claimFor(pod, wanted.Name, template)
		if err := s.options.Cluster.Announce(ctx, claim); err != nil {
			return "", err
		}
		if err := wait.PollUntilContextTimeout(ctx, time.Millisecond, claimLimit, true, func(context.Context) (bool, error) {
			_, err := manager.ResourceClaims().Get(claim.Namespace, claim.Name)
			return err == nil, nil
		}); err != nil {
			return "", fmt.Errorf("make the resource claim %s of pod %s: %w", wanted.Name, pod.Name, err)
		}
		pod.Status.ResourceClaimStatuses = append(pod.Status.ResourceClaimStatuses,
			corev1.PodResourceClaimStatus{Name: wanted.Name, ResourceClaimName: &claim.Name})
	}
	return "", nil
}

// template returns a template, which is read once, or why it cannot be read.
func (s *Scheduler) template(ctx context.Context, name types.NamespacedName) (template *resourcev1.ResourceClaimTemplate, problem string, err error) {
	if known, ok := s.templates[name]; ok {
		return known, "", nil
	}
	template, err = s.options.Cluster.Client.ResourceV1().ResourceClaimTemplates(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, fmt.Sprintf("there is no ResourceClaimTemplate %s", name), nil
	case apierrors.IsForbidden(err):
		return nil, fmt.Sprintf("no permission to get the ResourceClaimTemplate %s", name), nil
	case err != nil:
		return nil, "", fmt.Errorf("get the ResourceClaimTemplate %s: %w", name, err)
	}
	s.templates[name] = template
	return template, "", nil
}

func claimFor(pod *corev1.Pod, name string, template *resourcev1.ResourceClaimTemplate) *resourcev1.ResourceClaim {
	own := fmt.Sprintf("%s-%s", pod.UID, name)
	return &resourcev1.ResourceClaim{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: own, UID: types.UID(own), ResourceVersion: "1",
			Labels: template.Spec.Labels, Annotations: template.Spec.Annotations,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(pod, corev1.SchemeGroupVersion.WithKind("Pod"))},
		},
		Spec: *template.Spec.Spec.DeepCopy(),
	}
}

// claimsGone returns the claims that the pod names and that do not exist. It is empty where claims may not be listed, or the
// profile looks at none.
func (s *Scheduler) claimsGone(pod *corev1.Pod) []string {
	if len(pod.Spec.ResourceClaims) == 0 {
		return nil
	}
	of, _, err := s.framework(pod.Spec.SchedulerName)
	if err != nil || of.SharedDRAManager() == nil || slices.ContainsFunc(s.options.Cluster.Losses(), func(loss cluster.Loss) bool { return loss.Resource == resourceClaims }) {
		return nil
	}
	var gone []string
	for i := range pod.Spec.ResourceClaims {
		name, _, err := resourceclaim.Name(pod, &pod.Spec.ResourceClaims[i])
		if err != nil || name == nil { // It is to be made, or none is needed.
			continue
		}
		if _, err := of.SharedDRAManager().ResourceClaims().Get(pod.Namespace, *name); err != nil {
			gone = append(gone, *name)
		}
	}
	return gone
}
