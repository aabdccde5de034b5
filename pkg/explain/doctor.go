// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
)

// Severity is how bad a finding is.
type Severity string

const (
	// Wrong: something does not work, and has to be mended.
	Wrong Severity = "wrong"
	// Mind: it works, and may do other than is thought.
	Mind Severity = "mind"
	// Fine: it was looked at, and is as it should be.
	Fine Severity = "fine"
)

// Report is what a doctor found. Its kind is DoctorReport.
type Report struct {
	metav1.TypeMeta `json:",inline"`
	Basis           *Basis    `json:"basis,omitempty"`
	Healthy         bool      `json:"healthy"`
	Findings        []Finding `json:"findings"`
}

// Finding is one thing that was looked at.
type Finding struct {
	// Check is a word that stays: configuration, samples, learned, freshness, clock, permissions, scheduler-permissions, thresholds, annotations, versions,
	// lease, schedulers, bypass, unseen, cluster.
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	// Fix is what to do about it.
	Fix string `json:"fix,omitempty"`
}

// NewReport returns a report of findings, the worst first.
func NewReport(basis *Basis, findings []Finding) *Report {
	order := []Severity{Wrong, Mind, Fine}
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return slices.Index(order, a.Severity) - slices.Index(order, b.Severity)
	})
	return &Report{
		TypeMeta: typeMeta("DoctorReport"), Basis: basis, Findings: findings,
		Healthy: !slices.ContainsFunc(findings, func(finding Finding) bool { return finding.Severity == Wrong }),
	}
}

// Examine looks at everything that a scheduler with HeadroomMemory depends on.
func (s *Scheduler) Examine(ctx context.Context) *Report {
	var findings []Finding
	for _, check := range []func(context.Context) []Finding{
		s.checkConfiguration, s.checkSamples, s.checkLearned, s.checkFreshness, s.checkClock, s.checkPermissions, s.checkSchedulersRights, s.checkThresholds, s.checkAnnotations,
		s.checkVersions, s.checkLease, s.checkSchedulers, s.checkBypass, s.checkUnseen,
	} {
		findings = append(findings, check(ctx)...)
	}
	basis := s.basis("")
	return NewReport(&basis, findings)
}

func finding(check string, severity Severity, fix, format string, arguments ...any) []Finding {
	return []Finding{{Check: check, Severity: severity, Text: fmt.Sprintf(format, arguments...), Fix: fix}}
}

func (s *Scheduler) checkConfiguration(context.Context) []Finding {
	found := ConfigurationFindings(s.options.Profile)
	if doubt := s.options.Profile.Doubt; doubt != "" {
		return append(found, finding("configuration", Mind, "label the scheduler's ConfigMap app.kubernetes.io/name=headroom-scheduler, or pass --config FILE",
			"what is told is by %s: %s", s.options.Profile.Origin, doubt)...)
	}
	if len(found) > 0 {
		return found
	}
	return finding("configuration", Fine, "", "%s, for %s", s.options.Profile.Origin, strings.Join(s.options.Profile.Names(), ", "))
}

// ConfigurationFindings returns what config validate would say of the profile: wrong is what no scheduler would start with.
func ConfigurationFindings(of *profile.Profile) []Finding {
	var findings []Finding
	for _, problem := range of.Problems() {
		severity := Mind
		if problem.Refused {
			severity = Wrong
		}
		findings = append(findings, finding("configuration", severity, "kubectl headroom config validate FILE tells of a changed one before it is installed", "%s: %s", problem.Place(of.Origin), problem.Words())...)
	}
	return findings
}

// checkClock compares this machine's clock with the API server's, by which ages of samples are told.
func (s *Scheduler) checkClock(context.Context) []Finding {
	const bearable = 10 * time.Second // A sample may be a minute ahead, and two minutes old.
	ahead, known := s.options.Cluster.ClockAhead()
	switch {
	case !known:
		return nil
	case ahead.Abs() <= bearable:
		return finding("clock", Fine, "", "this machine's clock and the API server's agree")
	}
	words := "ahead of"
	if ahead < 0 {
		words = "behind"
	}
	return finding("clock", Wrong, "set both clocks by NTP", "this machine's clock is %s %s the API server's, so ages told here are wrong by that", ahead.Abs().Round(time.Second), words)
}

func (s *Scheduler) checkSamples(context.Context) []Finding {
	losses := s.options.Cluster.Losses()
	forbidden := slices.IndexFunc(losses, func(loss cluster.Loss) bool { return strings.HasSuffix(loss.Resource, ".metrics.k8s.io") })
	switch {
	case len(s.still.Books()) == 0:
		return finding("samples", Wrong, "enable HeadroomMemory in a profile", "%s", errNoBook)
	case s.samples.set == nil && forbidden >= 0:
		return finding("samples", Mind, losses[forbidden].Remedy(), "whoever asks may not read them, and the scheduler may all the same: %s", s.samples.problem)
	case s.samples.set == nil:
		return finding("samples", Wrong, "install metrics-server (its APIService v1beta1.metrics.k8s.io must be Available), or name another source in HeadroomMemory's arguments",
			"no memory is measured: %s", s.samples.problem)
	case s.samples.problem != "":
		return finding("samples", Mind, "what is told here may differ from what the scheduler sees", "read from %s: %s", s.samples.origin, s.samples.problem)
	}
	findings := finding("samples", Fine, "", "%s: %s, %s", s.samples.origin, plural(len(s.samples.set.Nodes), "node"), plural(len(s.samples.set.Pods), "pod"))
	for _, reason := range slices.Sorted(maps.Keys(s.samples.set.RefusedCount)) {
		count := s.samples.set.RefusedCount[reason]
		if reason == sample.ReasonFuture {
			findings = append(findings, futureSamples(count)...)
			continue
		}
		findings = append(findings, finding("samples", Mind, "look at the source: such figures are left out", "%s refused: %s", plural(count, "figure"), reason)...)
	}
	return findings
}

func futureSamples(count int) []Finding {
	return finding("clock", Wrong, "set the clocks by NTP: of the nodes, and of this machine",
		"%s from the future, by more than a minute, and left out", plural(count, "sample"))
}

// checkFreshness counts the nodes of which nothing is known, and says whether too many are.
func (s *Scheduler) checkFreshness(context.Context) []Finding {
	books := s.still.Books()
	if len(books) == 0 || s.samples.set == nil {
		return nil
	}
	snapshot, args := books[0].Snapshot(), books[0].Args
	var findings []Finding
	if refused := snapshot.Refused[sample.ReasonFuture]; refused.Count > 0 {
		findings = append(findings, futureSamples(refused.Count)...)
	}
	states := map[ledger.State][]string{}
	for i := range snapshot.Nodes {
		states[snapshot.Nodes[i].State] = append(states[snapshot.Nodes[i].State], snapshot.Nodes[i].Name)
	}
	severity := Mind
	if snapshot.Degraded {
		severity = Wrong
		findings = append(findings, finding("freshness", Wrong, "see the nodes below; maxNotFreshPercent sets the share",
			"requests decide on all nodes: %d of %d have no fresh sample, more than %d %%", snapshot.NotFresh, snapshot.Supported(), args.MaxNotFreshPercent)...)
	}
	if names := states[ledger.Absent]; len(names) > 0 {
		findings = append(findings, finding("freshness", severity, "look at the kubelets there, and at the source's log",
			"%s without a sample: %s", plural(len(names), "node"), few(names))...)
	}
	if names := states[ledger.Stale]; len(names) > 0 {
		findings = append(findings, finding("freshness", severity, "the source must measure more often than freshFor, "+args.FreshFor.Duration.String(),
			"%s with a sample that is too old: %s", plural(len(names), "node"), few(names))...)
	}
	if len(findings) == 0 && snapshot.Supported() > 0 {
		findings = finding("freshness", Fine, "", "all %s have a fresh sample", plural(snapshot.Supported(), "node"))
	}
	if names := states[ledger.Unsupported]; len(names) > 0 {
		findings = append(findings, finding("freshness", Fine, "", "requests decide on %s that Windows runs on: %s", plural(len(names), "node"), few(names))...)
	}
	return findings
}

// few names some and counts the rest.
func few(names []string) string {
	slices.Sort(names)
	if more := len(names) - mostExamples; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostExamples], ", "), more)
	}
	return strings.Join(names, ", ")
}

func (s *Scheduler) checkPermissions(context.Context) []Finding {
	var findings []Finding
	for _, loss := range s.options.Cluster.Losses() {
		findings = append(findings, finding("permissions", Mind, loss.Remedy(), "%s", loss)...) // of whoever asks, and not of the scheduler
	}
	if len(findings) == 0 {
		return finding("permissions", Fine, "", "everything that the profile's plugins read may be read")
	}
	return findings
}

func (s *Scheduler) checkThresholds(context.Context) []Finding {
	books := s.still.Books()
	if len(books) == 0 {
		return nil
	}
	if s.configured.wrong {
		return finding("thresholds", Mind, "grant get of nodes/proxy to whoever asks, or annotate nodes with "+threshold.EvictionHardAnnotation, "%s", s.configured.text)
	}
	var assumed []string
	for _, node := range books[0].Snapshot().Nodes {
		if node.Thresholds.EvictionHardOrigin == threshold.OriginAssumed {
			assumed = append(assumed, node.Name)
		}
	}
	if len(assumed) == 0 {
		return finding("thresholds", Fine, "", "the eviction thresholds of all nodes are known")
	}
	return finding("thresholds", Mind, "annotate nodes with "+threshold.EvictionHardAnnotation+", or set readKubeletConfig for a scheduler that may ask kubelets",
		"the eviction threshold of %s is assumed to be %s: %s", plural(len(assumed), "node"), books[0].Args.AssumedEvictionHard.String(), few(assumed))
}
