// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	componentversion "k8s.io/component-base/version"

	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// checkAnnotations looks for annotations that cannot be read.
func (s *Scheduler) checkAnnotations(context.Context) []Finding {
	var findings []Finding
	if books := s.still.Books(); len(books) > 0 {
		for _, node := range books[0].Snapshot().Nodes {
			if node.Problem != "" {
				findings = append(findings, finding("annotations", Wrong, "correct the annotation", "%s", node.Problem)...)
			}
		}
	}
	wrong := map[string][]string{} // replicas are wrong alike
	for _, pod := range s.pods {
		if err := memory.CheckAnnotations(pod); err != nil {
			wrong[err.Error()] = append(wrong[err.Error()], pod.Namespace+"/"+pod.Name)
		}
	}
	for _, problem := range slices.Sorted(maps.Keys(wrong)) {
		who := "pod " + wrong[problem][0]
		if pods := wrong[problem]; len(pods) > 1 {
			who = fmt.Sprintf("%s (%s)", plural(len(pods), "pod"), few(pods))
		}
		findings = append(findings, finding("annotations", Wrong, "correct the annotation", "%s: %s", who, problem)...)
	}
	return findings
}

// checkVersions compares releases by Kubernetes' version skew policy: a scheduler is as new as the API server or one minor
// release older, a kubelet never newer and at most three older.
func (s *Scheduler) checkVersions(context.Context) []Finding {
	info, err := s.options.Cluster.Client.Discovery().ServerVersion()
	if err != nil {
		return finding("versions", Mind, "look at the API server's /version", "the version of the API server is not known: %v", err)
	}
	server, err := version.ParseGeneric(info.GitVersion)
	if err != nil {
		return finding("versions", Mind, "look at what kubectl version says", "the version of the API server, %q, cannot be read", info.GitVersion)
	}
	var findings []Finding
	const builtFrom = componentversion.DefaultKubeBinaryVersion
	if built := version.MustParseGeneric(builtFrom); server.Minor() < built.Minor() || server.Minor() > built.Minor()+1 {
		findings = append(findings, finding("versions", Wrong, "run the release of Headroom that is built for the API server's",
			"Headroom of this release is built from Kubernetes %s, and the API server is %s: it must be as new, or one minor release newer", builtFrom, info.GitVersion)...)
	}
	skewed := map[string]int{}
	for _, node := range s.nodes {
		kubelet, err := version.ParseGeneric(node.Status.NodeInfo.KubeletVersion)
		if err == nil && (kubelet.Minor() > server.Minor() || kubelet.Minor()+3 < server.Minor()) {
			skewed[node.Status.NodeInfo.KubeletVersion]++
		}
	}
	for _, kubelet := range slices.Sorted(maps.Keys(skewed)) {
		findings = append(findings, finding("versions", Wrong, "upgrade: kubelets are never newer than the API server, and at most three minor releases older",
			"%s with kubelet %s, and the API server is %s", plural(skewed[kubelet], "node"), kubelet, info.GitVersion)...)
	}
	if len(findings) == 0 {
		return finding("versions", Fine, "", "API server %s, Headroom of this release built from %s", info.GitVersion, builtFrom)
	}
	return findings
}

// staleLease is how old a lease may be that somebody holds: it is renewed every few seconds.
const staleLease = time.Minute

// checkLease tells whether the scheduler runs, where it takes a lease.
func (s *Scheduler) checkLease(ctx context.Context) []Finding {
	election := &s.options.Profile.Config.LeaderElection
	if !election.LeaderElect {
		return finding("lease", Fine, "", "the configuration takes no lease, so whether the scheduler runs is not told by one")
	}
	name := election.ResourceNamespace + "/" + election.ResourceName
	lease, err := s.options.Cluster.Client.CoordinationV1().Leases(election.ResourceNamespace).Get(ctx, election.ResourceName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return finding("lease", Wrong, "start headroom-scheduler; if it runs and may not write the lease, grant it", "nobody ever took the lease %s: the scheduler does not run", name)
	case err != nil:
		return finding("lease", Mind, "grant get of leases.coordination.k8s.io to whoever asks", "the lease %s cannot be read: %v", name, err)
	case lease.Spec.RenewTime == nil || s.now.Sub(lease.Spec.RenewTime.Time) > staleLease:
		return finding("lease", Wrong, "look at the scheduler's pods and their log", "the lease %s is not renewed: the scheduler does not run", name)
	}
	holder := ""
	if lease.Spec.HolderIdentity != nil {
		holder = *lease.Spec.HolderIdentity
	}
	return finding("lease", Fine, "", "%s holds %s", holder, name)
}

// checkSchedulers tells of nodes that several schedulers fill: each takes room that the other has just given away. The profiles of one
// configuration are one scheduler, which knows what it gave away under each name.
func (s *Scheduler) checkSchedulers(context.Context) []Finding {
	own := slices.DeleteFunc(s.options.Profile.Names(), func(name string) bool { return slices.Contains(s.added, name) })
	of := func(pod *corev1.Pod) string {
		if slices.Contains(own, pod.Spec.SchedulerName) {
			return strings.Join(own, ", ")
		}
		return pod.Spec.SchedulerName
	}
	byNode := map[string]map[string]bool{}
	pods := map[string]int{}
	for _, pod := range s.pods {
		if pod.Spec.NodeName == "" || pod.Annotations[corev1.MirrorPodAnnotationKey] != "" {
			continue
		}
		if byNode[pod.Spec.NodeName] == nil {
			byNode[pod.Spec.NodeName] = map[string]bool{}
		}
		byNode[pod.Spec.NodeName][of(pod)] = true
		pods[of(pod)]++
	}
	shared := 0
	for _, schedulers := range byNode {
		if len(schedulers) > 1 {
			shared++
		}
	}
	if shared == 0 {
		return finding("schedulers", Fine, "", "no node has pods of more than one scheduler")
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(pods)) {
		words = append(words, fmt.Sprintf("%s %d", name, pods[name]))
	}
	return finding("schedulers", Mind, "give each scheduler nodes of its own by a taint, or let Headroom take the default scheduler's place",
		"%s with pods of several schedulers (pods: %s): two of them can give away the same room at the same time", plural(shared, "node"), strings.Join(words, ", "))
}

// checkBypass tells of pods that were made with spec.nodeName.
func (s *Scheduler) checkBypass(context.Context) []Finding {
	bypassed, looked := s.options.Cluster.Bypassed()
	if !looked {
		return nil
	}
	if len(bypassed) == 0 {
		return finding("bypass", Fine, "", "no pod was made with spec.nodeName")
	}
	names := make([]string, len(bypassed))
	for i := range bypassed {
		names[i] = bypassed[i].String()
	}
	return finding("bypass", Wrong, "use a required node affinity to matchFields metadata.name; config/node-name-policy.yaml makes one of spec.nodeName",
		"%s made with spec.nodeName, which no scheduler judged: %s", plural(len(names), "pod"), few(names))
}

// checkUnseen tells of pods that no scheduler has tried, by the scheduler that they ask for.
func (s *Scheduler) checkUnseen(context.Context) []Finding {
	unseen := map[string][]string{}
	for _, pod := range s.pods {
		if s.unseen(pod) {
			unseen[pod.Spec.SchedulerName] = append(unseen[pod.Spec.SchedulerName], pod.Namespace+"/"+pod.Name)
		}
	}
	var findings []Finding
	for _, name := range slices.Sorted(maps.Keys(unseen)) {
		fix := "start a scheduler of that name, or correct spec.schedulerName"
		if near := profile.Nearest(name, s.options.Profile.Names()); near != "" && near != name {
			fix += fmt.Sprintf("; perhaps %q is meant", near)
		}
		findings = append(findings, finding("unseen", Wrong, fix, "no scheduler has tried %s of schedulerName %q: %s", plural(len(unseen[name]), "pod"), name, few(unseen[name]))...)
	}
	return findings
}
