// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"fmt"
	"maps"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // into the scheme
	appsv1defaults "k8s.io/kubernetes/pkg/apis/apps/v1"
	_ "k8s.io/kubernetes/pkg/apis/core/install" // into the scheme
	"k8s.io/kubernetes/pkg/controller"
	daemonutil "k8s.io/kubernetes/pkg/controller/daemon/util"
)

// ownedBy makes the controller of a pod known, by which its workload is, and with it what others of it held.
func (f *Found) ownedBy(apiVersion, kind, name string) {
	if name != "" {
		f.Pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: name, Controller: new(true)}}
	}
}

// ofDeployment makes a pod that of the ReplicaSet that its controller makes for the template: where the template is one that runs,
// that is the one that is there (k8s.io/kubernetes pkg/controller/deployment/sync.go: getNewReplicaSet).
func (f *Found) ofDeployment(deployment *appsv1.Deployment) error {
	if deployment.Name == "" {
		return nil
	}
	stored, err := asStored(deployment)
	if err != nil {
		return err
	}
	hash := controller.ComputeHash(&stored.Spec.Template, stored.Status.CollisionCount)
	f.ownedBy("apps/v1", "ReplicaSet", deployment.Name+"-"+hash)
	labels := maps.Clone(f.Pod.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[appsv1.DefaultDeploymentUniqueLabelKey] = hash
	f.Pod.Labels = labels
	return nil
}

// asStored returns a Deployment as those who watch the API server get it: a template has its hash by every field of it, so with all
// defaults, by way of the internal version, and with quantities as they are sent.
func asStored(deployment *appsv1.Deployment) (*appsv1.Deployment, error) {
	defaulted := deployment.DeepCopy()
	appsv1defaults.SetObjectDefaults_Deployment(defaulted)
	internal, err := legacyscheme.Scheme.ConvertToVersion(defaulted, runtime.InternalGroupVersioner)
	if err != nil {
		return nil, err
	}
	converted := &appsv1.Deployment{}
	if err := legacyscheme.Scheme.Convert(internal, converted, nil); err != nil {
		return nil, err
	}
	sent, err := converted.Marshal()
	if err != nil {
		return nil, err
	}
	stored := &appsv1.Deployment{}
	return stored, stored.Unmarshal(sent)
}

// ofStatefulSet names the claims that its controller would make of templates: what they would be bound to nobody knows yet.
func (f *Found) ofStatefulSet(set *appsv1.StatefulSet) {
	f.ownedBy("apps/v1", "StatefulSet", set.Name)
	if len(set.Spec.VolumeClaimTemplates) == 0 {
		return
	}
	names := make([]string, len(set.Spec.VolumeClaimTemplates))
	for i := range set.Spec.VolumeClaimTemplates {
		names[i] = set.Spec.VolumeClaimTemplates[i].Name
	}
	f.Notes = append(f.Notes, fmt.Sprintf("the claims that its StatefulSet makes for each pod (%s) are not looked at: where their volumes can be, and whether "+
		"their storage class is there, is not known", strings.Join(names, ", ")))
}

// ofDaemonSet gives a pod the tolerations that its controller does, which makes one for each node.
func (f *Found) ofDaemonSet(set *appsv1.DaemonSet) {
	f.ownedBy("apps/v1", "DaemonSet", set.Name)
	f.Pod.Spec.Tolerations = append([]corev1.Toleration(nil), f.Pod.Spec.Tolerations...)
	daemonutil.AddOrUpdateDaemonPodTolerations(&f.Pod.Spec)
	f.Notes = append(f.Notes, "its DaemonSet makes one pod for each node that it may run on, whatever the scores are: each feasible node gets one")
}

// Kubernetes names these in its internal package of Jobs only (k8s.io/kubernetes pkg/apis/batch/types.go).
const legacyJobNameLabel, legacyControllerUIDLabel = "job-name", "controller-uid"

// unknownUID stands for the one that a Job gets when it is made.
const unknownUID = "00000000-0000-0000-0000-000000000000"

// ofJob makes a pod that of a Job, or of the Jobs of a CronJob, which are one workload; those have names of their own, for which the
// CronJob's stands. Its labels are those that the API server writes into the template
// (k8s.io/kubernetes pkg/registry/batch/job/strategy.go: generateSelector).
func (f *Found) ofJob(name string, spec *batchv1.JobSpec) {
	f.ownedBy(batchv1.SchemeGroupVersion.String(), "Job", name)
	if name == "" || spec.ManualSelector != nil && *spec.ManualSelector {
		return
	}
	labels := map[string]string{
		legacyJobNameLabel: name, batchv1.JobNameLabel: name,
		legacyControllerUIDLabel: unknownUID, batchv1.ControllerUidLabel: unknownUID,
	}
	maps.Copy(labels, f.Pod.Labels)
	f.Pod.Labels = labels
}
