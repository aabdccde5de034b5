// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/lab/stage"
)

const (
	kindDeployment = "Deployment"
	kindJob        = "Job"

	// poolVariable in an affinity stands for the pool's name.
	poolVariable = "$(POOL)"
)

// create makes a workload in the pool's namespace.
func create(ctx context.Context, client kubernetes.Interface, p stage.Pool, workload *WorkloadSpec) error {
	template, err := template(p, workload)
	if err != nil {
		return err
	}
	switch workload.Kind {
	case kindJob:
		template.Spec.RestartPolicy = corev1.RestartPolicyNever
		template.Annotations[cluster.DurationAnnotation] = workload.Duration.Duration.String()
		_, err = client.BatchV1().Jobs(p.Name).Create(ctx, &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: workload.Name, Namespace: p.Name}, Spec: batchv1.JobSpec{
			Parallelism: &workload.Replicas, Completions: &workload.Replicas,
			BackoffLimit: ptr.To[int32](100), // an evicted pod is run again
			Template:     template,
		}}, metav1.CreateOptions{})
	default:
		_, err = client.AppsV1().Deployments(p.Name).Create(ctx, p.Deployment(workload.Name, workload.Replicas, template), metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("create %s %s/%s: %w", workload.Kind, p.Name, workload.Name, err)
	}
	return nil
}

func template(p stage.Pool, workload *WorkloadSpec) (corev1.PodTemplateSpec, error) {
	affinity, err := affinity(p, workload.Affinity)
	if err != nil {
		return corev1.PodTemplateSpec{}, fmt.Errorf("workload %q: affinity: %w", workload.Name, err)
	}
	template := p.Template(workload.Name, workload.Request, workload.Limit, workload.Profile)
	maps.Copy(template.Spec.NodeSelector, workload.NodeSelector)
	template.Spec.Affinity = affinity
	return template, nil
}

// affinity puts the pool's name where the spec has its variable.
func affinity(p stage.Pool, affinity *corev1.Affinity) (*corev1.Affinity, error) {
	if affinity == nil {
		return nil, nil
	}
	text, err := json.Marshal(affinity)
	if err != nil {
		return nil, err
	}
	own := &corev1.Affinity{}
	return own, json.Unmarshal([]byte(strings.ReplaceAll(string(text), poolVariable, p.Name)), own)
}
