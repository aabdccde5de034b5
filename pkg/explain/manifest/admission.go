// SPDX-License-Identifier: Apache-2.0

package manifest

import (
	"cmp"
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
	"k8s.io/kubernetes/plugin/pkg/admission/limitranger"
)

// Admit gives the pod what the API server would where no webhook and no policy does: the priority of its class, or of the one that is
// everybody's; the requests and limits that the limit ranges of its namespace have for containers without; the tolerations of every pod,
// and the overhead, node selector and tolerations of its runtime class; and then what of its own resources follows from the rest of it. An
// error says why the API server would refuse it, but for a quota, of which OverQuota tells. What may not be read is left out, and lose is called with the resource.
func (f *Found) Admit(ctx context.Context, client kubernetes.Interface, lose func(resource string)) error {
	if err := f.admitPriority(ctx, client, lose); err != nil {
		return err
	}
	ranges, err := client.CoreV1().LimitRanges(f.Pod.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		if err := lost("limitranges", err, lose); err != nil {
			return err
		}
		ranges = &corev1.LimitRangeList{}
	}
	err = f.asInternal(func(pod *core.Pod) error {
		if err := fillIn(ranges.Items, pod); err != nil {
			return err
		}
		return tolerate(ctx, pod)
	})
	if err != nil {
		return err
	}
	if err := f.admitRuntimeClass(ctx, client, lose); err != nil {
		return err
	}
	err = f.asInternal(func(pod *core.Pod) error {
		podutil.DefaultPodLevelResources(pod) // when it is stored, which is between what changes it and what judges it
		return judge(ranges.Items, pod)
	})
	if err != nil {
		return err
	}
	if err := check(f.Pod); err != nil { // what it was given may not go with what it has
		return err
	}
	return f.admitQuota(ctx, client, lose)
}

// asInternal lets the API server's own code change the pod.
func (f *Found) asInternal(change func(*core.Pod) error) error {
	pod, err := internalOf(f.Pod)
	if err != nil {
		return err
	}
	if err := change(pod); err != nil {
		return err
	}
	if err := legacyscheme.Scheme.Convert(pod, f.Pod, nil); err != nil {
		return fmt.Errorf("convert the pod: %w", err)
	}
	return nil
}

// admitPriority does as k8s.io/kubernetes plugin/pkg/admission/priority/admission.go.
func (f *Found) admitPriority(ctx context.Context, client kubernetes.Interface, lose func(resource string)) error {
	spec := &f.Pod.Spec
	classes, err := client.SchedulingV1().PriorityClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return lost("priorityclasses.scheduling.k8s.io", err, lose)
	}
	of := classOf(spec.PriorityClassName, classes.Items)
	if of == nil && spec.PriorityClassName != "" {
		return fmt.Errorf("there is no priority class %q, which the pod names", spec.PriorityClassName)
	}
	if of == nil {
		of = &schedulingv1.PriorityClass{PreemptionPolicy: new(corev1.PreemptLowerPriority)}
	}
	from := "that it names no priority class"
	if of.Name != "" {
		from = fmt.Sprintf("its priority class %q", of.Name)
	}
	if spec.Priority != nil && *spec.Priority != of.Value {
		return fmt.Errorf("the API server refuses it: it has priority %d, and %s gives it %d", *spec.Priority, from, of.Value)
	}
	if spec.PreemptionPolicy != nil && of.PreemptionPolicy != nil && *spec.PreemptionPolicy != *of.PreemptionPolicy {
		return fmt.Errorf("the API server refuses it: it has preemptionPolicy %s, and %s gives it %s", *spec.PreemptionPolicy, from, *of.PreemptionPolicy)
	}
	spec.PriorityClassName, spec.Priority = of.Name, &of.Value
	spec.PreemptionPolicy = cmp.Or(of.PreemptionPolicy, spec.PreemptionPolicy)
	return nil
}

// classOf returns the class of that name, or where there is no name the lowest of those that are everybody's, or nil.
func classOf(name string, classes []schedulingv1.PriorityClass) *schedulingv1.PriorityClass {
	var of *schedulingv1.PriorityClass
	for i := range classes {
		class := &classes[i]
		everybodys := name == "" && class.GlobalDefault && (of == nil || class.Value < of.Value)
		if everybodys || name != "" && class.Name == name {
			of = class
		}
	}
	return of
}

// fillIn lets the API server's own LimitRanger give requests and limits to containers without.
func fillIn(ranges []corev1.LimitRange, pod *core.Pod) error {
	for i := range ranges {
		if err := limitranger.PodMutateLimitFunc(&ranges[i], pod); err != nil {
			return fmt.Errorf("limit range %s/%s: %w", pod.Namespace, ranges[i].Name, err)
		}
	}
	return nil
}

// judge lets it say whether what the pod asks for is in the ranges.
func judge(ranges []corev1.LimitRange, pod *core.Pod) error {
	for i := range ranges {
		if err := limitranger.PodValidateLimitFunc(&ranges[i], pod); err != nil {
			return fmt.Errorf("the API server refuses it for limit range %s/%s: %w", pod.Namespace, ranges[i].Name, err)
		}
	}
	return nil
}

// tolerate adds the tolerations of nodes that are not ready or not reachable, which every pod has for a while.
func tolerate(ctx context.Context, pod *core.Pod) error {
	plugin := defaulttolerationseconds.NewDefaultTolerationSeconds()
	plugin.InspectFeatureGates(nil) // which is where it makes up its tolerations
	return plugin.Admit(ctx, admission.NewAttributesRecord(pod, nil, core.Kind("Pod").WithVersion(""), pod.Namespace, pod.Name,
		core.Resource("pods").WithVersion(""), "", admission.Create, &metav1.CreateOptions{}, false, nil), nil)
}

// lost returns nil where the resource may not be listed, of which lose is told, and else what happened.
func lost(resource string, err error, lose func(resource string)) error {
	if apierrors.IsForbidden(err) {
		lose(resource)
		return nil
	}
	return fmt.Errorf("list %s: %w", resource, err)
}

// admitRuntimeClass does as k8s.io/kubernetes plugin/pkg/admission/runtimeclass/admission.go.
func (f *Found) admitRuntimeClass(ctx context.Context, client kubernetes.Interface, lose func(resource string)) error {
	spec := &f.Pod.Spec
	if spec.RuntimeClassName == nil {
		if len(spec.Overhead) > 0 {
			return errOverhead
		}
		return nil
	}
	classes, err := client.NodeV1().RuntimeClasses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return lost("runtimeclasses.node.k8s.io", err, lose)
	}
	for i := range classes.Items {
		if classes.Items[i].Name == *spec.RuntimeClassName {
			return run(spec, &classes.Items[i])
		}
	}
	return fmt.Errorf("there is no runtime class %q, which the pod names", *spec.RuntimeClassName)
}
