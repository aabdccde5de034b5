// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	fwk "k8s.io/kube-scheduler/framework"
)

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
