// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/apis/core"
	quotacore "k8s.io/kubernetes/pkg/quota/v1/evaluator/core"
	"k8s.io/utils/clock"
)

// admitQuota lets the API server's own code say whether the quotas of the namespace leave room for the pod and its copies, beside all that
// is there. What they do not is noted and no error: the quota may have room a moment later, and where the pod would go is to be told all
// the same. That a resource may not be used at all without a quota is a setting of the API server, which nobody can read.
func (f *Found) admitQuota(ctx context.Context, client kubernetes.Interface, lose func(resource string)) error {
	list, err := client.CoreV1().ResourceQuotas(f.Pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return lost("resourcequotas", err, lose)
	}
	evaluator := quotacore.NewPodEvaluator(nil, clock.RealClock{})
	wanted, quotas := max(f.Replicas, 1), list.Items
	for taken := range wanted {
		quotas, err = resourcequota.CheckRequest(quotas, f.creation(), evaluator, nil)
		switch {
		case apierrors.IsForbidden(err):
			f.OverQuota = refusal(err, taken, wanted)
			return nil
		case err != nil:
			return fmt.Errorf("resource quotas of namespace %s: %w", f.Pod.Namespace, err)
		}
	}
	return nil
}

// creation is the request that makes the pod.
func (f *Found) creation() admission.Attributes {
	return admission.NewAttributesRecord(f.Pod.DeepCopy(), nil, corev1.SchemeGroupVersion.WithKind("Pod"), f.Pod.Namespace, f.Pod.Name,
		core.Resource("pods").WithVersion("v1"), "", admission.Create, &metav1.CreateOptions{}, false, nil)
}

// refusal says in words which quota refuses the pod, or the first of its copies that is one too many, and what it has used of what.
func refusal(err error, taken, wanted int) string {
	words := err.Error()
	if _, why, ok := strings.Cut(words, " is forbidden: "); ok { // which pod is known
		words = why
	}
	if strings.HasPrefix(words, "exceeded quota: ") {
		words += "; free some of it, ask for less, or raise the quota's spec.hard"
	}
	if taken > 0 {
		return fmt.Sprintf("the API server takes %d of %d copies, and refuses the next one: %s", taken, wanted, words)
	}
	return "the API server refuses it: " + words
}
