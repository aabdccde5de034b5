// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

const (
	// wantedPods run at the end of a story: the holder, nine that grow, two slow ones and two with bursts.
	wantedPods = 14
	firstPods  = 10
	// growingPods and batchPods are the pods of the Deployment that is updated, and of the Job.
	growingPods = 9
	batchPods   = 4
	// defaultHurts is how often the default scheduler's story ends a pod, at least: it would tell nothing of others if it did not.
	defaultHurts, fullMinutes = 3, 10
	// settled is how long the pods of the first part have to be ready for, to count as running.
	settled = 30 * time.Second
)

// An arm is a scheduler under test.
type arm struct {
	name, scheduler, source string
	values                  values // nil: without Headroom
	replaces                bool
}

func arms() []arm {
	return []arm{
		{name: "default", scheduler: "default-scheduler"},
		{name: "headroom-beside", scheduler: release, source: "MetricsAPI", values: values{}},
		{name: "headroom-instead", scheduler: "default-scheduler", source: "MetricsAPI", values: values{"mode": "replace"}, replaces: true},
		{name: "headroom-beside-kubelet", scheduler: release, source: "Kubelet", values: values{"memory": values{
			"readKubeletConfig": true,
			// Kubelets of kind sign their certificates themselves.
			"source": values{"type": "Kubelet", "kubelet": values{"insecureSkipVerify": true}},
		}}},
	}
}

// runResult is one run of the story.
type runResult struct {
	Scheduler string  `json:"scheduler"`
	Source    string  `json:"source,omitempty"`
	Run       int     `json:"run"`
	Minutes   float64 `json:"minutes"`
	counts
	Wanted int `json:"wanted"`
	// Updated is how many of the pods that the rolling update was to replace are new and ready at the end, of nine, and
	// JobSucceeded how many of the Job's have succeeded, of four. JobFailed of them have failed.
	Updated      int `json:"updated"`
	JobSucceeded int `json:"jobSucceeded"`
	JobFailed    int `json:"jobFailed"`
	// SecondsToRunning is from the creation of the nine until all ten were ready for half a minute, less that; nil: never.
	SecondsToRunning *float64 `json:"secondsToRunning"`
}

// hurt says what happened to pods that should not have, or what should have happened and did not: "" if all went well. A
// scheduler that leaves pods Pending hurts too.
func (r *runResult) hurt() string {
	var found []string
	note := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	note(r.Evictions > 0, "%d evictions", r.Evictions)
	note(r.OOMKills > 0, "%d OOM kills", r.OOMKills)
	note(r.Running != r.Wanted, "%d pods running at the end, want %d", r.Running, r.Wanted)
	note(r.SecondsToRunning == nil, "the first %d pods never all ran", firstPods)
	note(r.Updated != growingPods, "the rolling update replaced %d pods, want %d", r.Updated, growingPods)
	note(r.JobSucceeded != batchPods || r.JobFailed > 0, "%d pods of the Job succeeded and %d failed, want %d and 0", r.JobSucceeded, r.JobFailed, batchPods)
	return strings.Join(found, ", ")
}

// tooMild reports whether a story of full length did so little to what the default scheduler places that it proves nothing.
func (r *runResult) tooMild() bool {
	return r.Minutes >= fullMinutes && r.Evictions+r.OOMKills < defaultHurts
}

// TestMemoryStory plays manifests/story.yaml with each scheduler in turn. In a run of full length the default scheduler's pods
// are ended, and nothing may happen to any pod that Headroom places: it runs, is updated, or succeeds.
func TestMemoryStory(t *testing.T) {
	e := cluster(t)
	minutes, runs := number(t, minutesVariable, 10), number(t, runsVariable, 1)
	var results []runResult
	for run := range runs {
		for _, a := range arms() {
			if !e.wantsArm(a, run) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", a.name, run+1), func(t *testing.T) {
				result, err := e.play(t, a, run+1, time.Duration(minutes)*time.Minute)
				if err != nil {
					t.Fatal(err)
				}
				results = append(results, *result)
				if err := wholefile.WriteJSON(filepath.Join(outFolder, "results.json"), map[string]any{"runs": results}); err != nil {
					t.Fatal(err)
				}
				t.Logf("%+v", *result)
				if hurt := result.hurt(); a.values != nil && hurt != "" {
					t.Error(hurt)
				}
				if a.values == nil && result.tooMild() {
					t.Errorf("%d evictions and OOM kills with the default scheduler: the story is too mild to tell anything", result.Evictions+result.OOMKills)
				}
			})
		}
	}
}

// wantsArm reports whether an arm is played in a run. That with the kubelets' summaries is played once, and to replace the
// default scheduler takes a control plane that we may change.
func (e *environment) wantsArm(a arm, run int) bool {
	chosen := os.Getenv(armsVariable)
	if chosen != "" && !slices.Contains(strings.Split(chosen, ","), a.name) {
		return false
	}
	return (e.kind != nil || !a.replaces) && (run == 0 || a.source != "Kubelet")
}

// performance is one run under way.
type performance struct {
	environment *environment
	namespace   string
	seen        *tally
	start       time.Time
	created     time.Time // when the nine pods were created
	seconds     *float64  // until all of the first part ran
}

func (e *environment) play(t *testing.T, a arm, run int, length time.Duration) (result *runResult, err error) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	namespace := fmt.Sprintf("story-%s-%d", a.name, run)
	defer func() { err = errors.Join(err, e.tearDown(a, namespace)) }()
	if err := e.setUp(ctx, a, namespace); err != nil {
		return nil, err
	}
	objects, err := e.story(ctx, t, a)
	if err != nil {
		return nil, err
	}
	p := &performance{environment: e, namespace: namespace, seen: newTally()}
	if err := p.seen.watch(ctx, e.clients, namespace); err != nil {
		return nil, err
	}
	p.start = time.Now()
	for _, object := range objects {
		if err := p.apply(ctx, object, length); err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.GetKind(), object.GetName(), err)
		}
		t.Logf("%4.0f s: applied %s; %+v", time.Since(p.start).Seconds(), object.GetName(), p.seen.counts())
	}
	if err := p.until(ctx, length); err != nil {
		return nil, err
	}
	result = &runResult{
		Scheduler: strings.TrimSuffix(a.name, "-kubelet"), Source: a.source, Run: run, Minutes: length.Minutes(),
		counts: p.seen.counts(), Wanted: wantedPods, SecondsToRunning: p.seconds,
	}
	return result, p.ended(ctx, result)
}

// ended notes what became of the rolling update and of the Job.
func (p *performance) ended(ctx context.Context, result *runResult) error {
	growing, err := p.environment.clients.AppsV1().Deployments(p.namespace).Get(ctx, "growing", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if status := growing.Status; status.ObservedGeneration == growing.Generation && status.Replicas == growingPods {
		result.Updated = int(min(status.UpdatedReplicas, status.AvailableReplicas))
	}
	batch, err := p.environment.clients.BatchV1().Jobs(p.namespace).Get(ctx, "batch", metav1.GetOptions{})
	if err != nil {
		return err
	}
	result.JobSucceeded, result.JobFailed = int(batch.Status.Succeeded), int(batch.Status.Failed)
	return nil
}

// story returns the objects of the story for a scheduler.
func (e *environment) story(ctx context.Context, t *testing.T, a arm) ([]*unstructured.Unstructured, error) {
	t.Helper()
	workers, err := e.workers(ctx)
	if err != nil {
		return nil, err
	}
	return documents(strings.NewReplacer("$(SCHEDULER)", a.scheduler, "$(NODE)", workers[0].Name).Replace(manifest(t, "story.yaml")))
}

// apply applies an object when its time in a run of that length has come.
func (p *performance) apply(ctx context.Context, object *unstructured.Unstructured, length time.Duration) error {
	at, err := when(object, length)
	if err != nil {
		return err
	}
	if err := p.until(ctx, at); err != nil {
		return err
	}
	if err := p.environment.applyOne(ctx, p.namespace, object); err != nil {
		return err
	}
	if object.GetName() == "growing" && p.created.IsZero() {
		p.created = time.Now()
		p.seen.wantFirst(firstPods)
	}
	return nil
}

// until lets the run go on until so long after its start.
func (p *performance) until(ctx context.Context, end time.Duration) error {
	for time.Since(p.start) < end {
		if err := pause(ctx, waitInterval); err != nil {
			return err
		}
		if since, all := p.seen.readySince(); all && p.seconds == nil && time.Since(since) >= settled {
			p.seconds = new(since.Sub(p.created).Seconds())
		}
	}
	return nil
}

// setUp brings the cluster into the state that a run begins in; tearDown ends what setUp and the run left.
func (e *environment) setUp(ctx context.Context, a arm, namespace string) error {
	if err := errors.Join(e.newNamespace(ctx, namespace), e.waitQuiet(ctx)); err != nil {
		return err
	}
	if a.values == nil {
		return e.removeHeadroom(ctx)
	}
	if err := e.deployHeadroom(ctx, a.values); err != nil {
		return err
	}
	if !a.replaces {
		return e.leads(ctx, releaseSpace, release)
	}
	return errors.Join(e.stopDefaultScheduler(ctx), e.leads(ctx, system, "kube-scheduler"))
}

func (e *environment) tearDown(a arm, namespace string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*waitLimit)
	defer cancel()
	err := e.removeNamespace(ctx, namespace)
	if a.replaces {
		err = errors.Join(err, e.removeHeadroom(ctx), e.startDefaultScheduler(ctx))
	}
	return err
}

// when returns the time from the start of a run of that length at which an object is applied.
func when(object *unstructured.Unstructured, length time.Duration) (time.Duration, error) {
	hundredths, err := strconv.Atoi(object.GetAnnotations()["at"])
	if err != nil {
		return 0, fmt.Errorf("%s %s: annotation \"at\": %w", object.GetKind(), object.GetName(), err)
	}
	return length * time.Duration(hundredths) / 100, nil
}
