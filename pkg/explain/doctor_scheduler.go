// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"strings"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
)

// right is something that the scheduler has to do, and what comes of it if it may not.
type right struct {
	authorizationv1.ResourceAttributes
	lost string
}

// checkSchedulersRights asks whether the account that the scheduler's pods run as may do what the profile needs. It takes the
// right to ask about others; without it, that it was not checked is all that is said.
func (s *Scheduler) checkSchedulersRights(ctx context.Context) []Finding {
	const check = "scheduler-permissions"
	account := s.schedulersUser()
	if account == nil {
		return finding(check, Mind, "kubectl auth can-i --as=USER tells what it may do", "not checked: no pod labelled %s=%s tells which account the scheduler runs as", profile.Label, profile.Value)
	}
	var missing []string
	for _, right := range s.schedulersRights() {
		review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: account.GetName(), Groups: append(account.GetGroups(), user.AllAuthenticated), ResourceAttributes: &right.ResourceAttributes,
		}}
		answer, err := s.options.Cluster.Client.AuthorizationV1().SubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		if err != nil {
			return finding(check, Mind, "grant create of subjectaccessreviews.authorization.k8s.io to whoever asks, or ask as an administrator", "not checked: %v", err)
		}
		if !answer.Status.Allowed {
			missing = append(missing, right.String())
		}
	}
	if len(missing) == 0 {
		return finding(check, Fine, "", "%s may do what the profile needs", account.GetName())
	}
	return finding(check, Wrong, "bind the chart's roles to that account", "%s may not %s", account.GetName(), strings.Join(missing, "; not "))
}

// String is what may be done to what, and what is lost without.
func (r *right) String() string {
	resource := r.Resource
	if r.Subresource != "" {
		resource += "/" + r.Subresource
	}
	if r.Group != "" {
		resource += "." + r.Group
	}
	if r.Name != "" {
		resource += fmt.Sprintf(" %s/%s", r.Namespace, r.Name)
	}
	return fmt.Sprintf("%s %s: %s", r.Verb, resource, r.lost)
}

// schedulersUser is who the scheduler's pods are to the API server, or nil.
func (s *Scheduler) schedulersUser() user.Info {
	for _, pod := range s.pods {
		if pod.Labels[profile.Label] == profile.Value && pod.Spec.ServiceAccountName != "" {
			return serviceaccount.UserInfo(pod.Namespace, pod.Spec.ServiceAccountName, "")
		}
	}
	return nil
}

// schedulersRights are those without which something is lost, by the profile.
func (s *Scheduler) schedulersRights() []right {
	of := func(verb, group, resource, lost string) right {
		resource, subresource, _ := strings.Cut(resource, "/")
		return right{authorizationv1.ResourceAttributes{Verb: verb, Group: group, Resource: resource, Subresource: subresource}, lost}
	}
	named := func(namespace, name string, made right) right {
		made.Namespace, made.Name = namespace, name
		return made
	}
	rights := []right{
		of("list", "", "nodes", "it places nothing"),
		of("watch", "", "pods", "it places nothing"),
		of("create", "", "pods/binding", "it places nothing"),
		of("patch", "", "pods/status", "pods do not say why they are pending"),
		of("create", "events.k8s.io", "events", "no events tell what it did"),
	}
	if election := &s.options.Profile.Config.LeaderElection; election.LeaderElect {
		rights = append(rights, named(election.ResourceNamespace, election.ResourceName, of("update", "coordination.k8s.io", "leases", "it never leads, and places nothing")))
	}
	books := s.still.Books()
	if len(books) == 0 {
		return rights
	}
	args := books[0].Args
	switch args.Source.Type {
	case config.SourceKubelet:
		rights = append(rights, of("get", "", "nodes/stats", "no memory is measured, and requests decide"))
	case config.SourcePrometheus:
	default:
		rights = append(rights, of("list", "metrics.k8s.io", "nodes", "no memory is measured, and requests decide"),
			of("list", "metrics.k8s.io", "pods", "what pods hold is not measured"))
	}
	if args.ReadKubeletConfig {
		rights = append(rights, of("get", "", "nodes/configz", "eviction thresholds are assumed"))
	}
	if args.Checkpoint.Enabled {
		namespace := args.Checkpoint.Namespace
		if namespace == "" {
			namespace = s.schedulersNamespace()
		}
		rights = append(rights, named(namespace, args.Checkpoint.Name, of("update", "", "configmaps", "what it has learned of workloads does not survive it")))
	}
	return rights
}
