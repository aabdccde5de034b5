// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metainternalversion "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// live selects the pods that a scheduler sees.
const live = "status.phase!=" + string(corev1.PodSucceeded) + ",status.phase!=" + string(corev1.PodFailed)

// podInformer lists pods and keeps of each what decides, while the next ones arrive. begin is
// called when the list begins, which it does anew where it broke off, and says what to leave out.
func podInformer(client kubernetes.Interface, selector string, begin func() *cuts, read func([]corev1.Pod)) cache.SharedIndexInformer {
	return cache.NewSharedIndexInformer(cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, _ metav1.ListOptions) (runtime.Object, error) {
			pods, version, err := listPods(ctx, client, selector, begin(), read)
			if err != nil {
				return nil, err
			}
			// A PodList would have each pod copied twice: into it, and out of it.
			list := &metainternalversion.List{ListMeta: metav1.ListMeta{ResourceVersion: version}, Items: make([]runtime.Object, len(pods))}
			for i, pod := range pods {
				list.Items[i] = pod
			}
			return list, nil
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = selector
			return client.CoreV1().Pods(metav1.NamespaceAll).Watch(ctx, options)
		},
	}, client), &corev1.Pod{}, 0, cache.Indexers{})
}

// listPods returns the pods of all namespaces, trimmed, and the list's resource version; read sees them before that, some at a time.
func listPods(ctx context.Context, client kubernetes.Interface, selector string, without *cuts, read func([]corev1.Pod)) (pods []*corev1.Pod, version string, err error) {
	version, err = eachPod(ctx, client, selector, without, func(some []corev1.Pod) {
		read(some)
		for i := range some {
			trim(&some[i])
			pods = append(pods, &some[i])
		}
	})
	return pods, version, err
}

// Bypasses reports whether the pod was created with spec.nodeName, so that no scheduler saw it: binding leaves no trace in the
// fields that somebody manages. Static pods are left out: their kubelet placed them.
func Bypasses(pod *corev1.Pod) bool {
	if pod.Spec.NodeName == "" || pod.Annotations[corev1.MirrorPodAnnotationKey] != "" {
		return false
	}
	return slices.ContainsFunc(pod.ManagedFields, func(entry metav1.ManagedFieldsEntry) bool {
		return entry.Subresource == "" && entry.FieldsV1 != nil && managesNodeName(entry.FieldsV1.GetRawBytes())
	})
}

// quotedNodeName is how spec.nodeName is written among the fields that somebody manages.
const quotedNodeName = `"f:nodeName"`

// managesNodeName reports whether fields that somebody manages have spec.nodeName. Labels and annotations may be called so too.
func managesNodeName(fields []byte) bool {
	if !bytes.Contains(fields, []byte(quotedNodeName)) { // which is the rule
		return false
	}
	var managed struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if json.Unmarshal(fields, &managed) != nil {
		return false
	}
	_, has := managed.Spec[strings.Trim(quotedNodeName, `"`)]
	return has
}

// trim drops of a pod what neither a scheduler nor a kubelet decides by.
func trim(pod *corev1.Pod) {
	pod.ManagedFields = nil
	for key := range pod.Annotations {
		if !decides(key) {
			delete(pod.Annotations, key)
		}
	}
	memoryBacked := false
	for i := range pod.Spec.Volumes {
		emptyDir := pod.Spec.Volumes[i].EmptyDir
		memoryBacked = memoryBacked || emptyDir != nil && emptyDir.Medium == corev1.StorageMediumMemory
	}
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			trimContainer(&containers[i], memoryBacked)
		}
	}
	pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool {
		return volume.Secret != nil || volume.ConfigMap != nil || volume.DownwardAPI != nil || volume.Projected != nil // which are everywhere
	})
	pod.Spec.SecurityContext, pod.Spec.DNSConfig, pod.Spec.HostAliases, pod.Spec.ImagePullSecrets = nil, nil, nil, nil
	pod.Status.PodIP, pod.Status.PodIPs, pod.Status.HostIP, pod.Status.HostIPs = "", nil, "", nil
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses} {
		for i := range statuses {
			statuses[i].Image, statuses[i].ImageID, statuses[i].ContainerID, statuses[i].VolumeMounts = "", "", "", nil
		}
	}
	for i := range pod.Status.Conditions {
		if condition := &pod.Status.Conditions[i]; condition.Type != corev1.PodScheduled {
			condition.Message = ""
		}
	}
}

// trimContainer keeps what tells workloads apart, what is charged to the container, and what its kubelet must be able to do.
func trimContainer(container *corev1.Container, mounts bool) {
	container.Env, container.EnvFrom, container.Lifecycle, container.SecurityContext = nil, nil, nil, nil
	container.LivenessProbe, container.ReadinessProbe, container.StartupProbe = nil, nil, nil
	if !mounts && !slices.ContainsFunc(container.VolumeMounts, func(mount corev1.VolumeMount) bool { return len(mount.BindMountOptions) > 0 }) {
		container.VolumeMounts = nil
	}
}

// decides reports whether an annotation is one that is read.
func decides(key string) bool {
	return strings.HasPrefix(key, "headroom.dev/") || strings.HasPrefix(key, "kubernetes.io/config.")
}
