// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/headroom-dev/headroom/pkg/explain"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
)

// mostPending is how many pods of a cause a page of 80 columns lists.
const mostPending = 10

// pending lists the pods that wait, by what keeps them.
func (o *explainOptions) pending(ctx context.Context) error {
	of, err := o.open()
	if err != nil {
		return err
	}
	namespace := ""
	if !o.allNamespaces {
		if namespace, err = o.namespace(); err != nil {
			return err
		}
	}
	with, err := o.profileOf(ctx, of, profile.Every)
	if err != nil {
		return err
	}
	scheduler, err := o.scheduler(ctx, explain.Options{Cluster: of, Profile: with, Wanted: []string{corev1.DefaultSchedulerName}})
	if err != nil {
		return err
	}
	pending, err := scheduler.Pending(ctx, namespace)
	if err != nil {
		return err
	}
	var names []string
	fits := true
	for _, group := range pending.Groups {
		fits = fits && group.Fits
		for _, pod := range group.Pods {
			names = append(names, "pod/"+pod.Pod.Name)
		}
	}
	if err := o.print(pending, names, func(p *page) { pendingText(p, pending) }); err != nil {
		return err
	}
	if !fits {
		return errNo
	}
	return nil
}

func pendingText(p *page, pending *explain.Pending) {
	where := "all namespaces"
	if pending.Namespace != "" {
		where = "namespace " + pending.Namespace
	}
	all := 0
	for _, group := range pending.Groups {
		all += len(group.Pods)
	}
	if all == 0 {
		p.line("No pod is pending in %s.", strings.Replace(where, "all namespaces", "any namespace", 1))
		return
	}
	p.paragraph("", fmt.Sprintf("%s pending in %s; %d would fit now.", counted(all, "pod"), where, pending.Fitting))
	for i := range pending.Groups {
		p.gap()
		pendingGroup(p, &pending.Groups[i], pending.Namespace == "")
	}
	if p.headers {
		p.gap()
		basisText(p, &pending.Basis)
		p.gap()
		p.paragraph("", "One of them in full: kubectl headroom explain -n NAMESPACE POD")
	}
}

func pendingGroup(p *page, group *explain.PendingGroup, withNamespace bool) {
	p.paragraph(fmt.Sprintf("%5d  ", len(group.Pods)), group.Cause)
	list := &table{headers: []string{"       POD", ">AGE", ">REQUEST", ">FEASIBLE", "NEAREST"}}
	shown := group.Pods
	if !p.wide {
		shown = shown[:min(len(shown), mostPending)]
	}
	for _, pod := range shown {
		name := pod.Pod.Name
		if withNamespace {
			name = pod.Pod.String()
		}
		list.add("       "+name, explain.Age(time.Duration(pod.AgeSeconds)*time.Second), quantity.InWords(pod.RequestBytes),
			fmt.Sprintf("%d/%d", pod.Counts.Feasible, pod.Counts.Nodes), nearestOf(p, &pod))
	}
	p.table(list)
	if more := len(group.Pods) - len(shown); more > 0 {
		p.line("       %s more: -o wide", counted(more, "pod"))
	}
}

// nearestOf names the node that lacks least, and on wide pages what it lacks.
func nearestOf(p *page, pod *explain.PendingPod) string {
	switch {
	case pod.Nearest == nil:
		return "-"
	case p.wide:
		return pod.Nearest.Node + ": " + strings.Join(pod.Nearest.Missing, "; ")
	}
	return pod.Nearest.Node
}
