// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/lab/trace"
	"github.com/headroom-dev/headroom/pkg/memory/sample"
)

// script is a source and the clock of a recording: every read of it makes an interval pass.
type script struct {
	clock *clocktesting.FakeClock
	looks []func() (*sample.Set, error)
	// after is called when the script has ended.
	after func()
	next  int
}

func (s *script) Read(context.Context) (*sample.Set, error) {
	if s.next == len(s.looks) {
		s.after()
		return nil, context.Canceled
	}
	s.next++
	set, err := s.looks[s.next-1]()
	s.clock.Step(15 * time.Second)
	return set, err
}

func runningPod(uid, name string, started time.Time) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: types.UID(uid), Labels: map[string]string{"pod-template-hash": "7d9c"},
			OwnerReferences: []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "web-7d9c", Controller: new(true)}},
		},
		Spec: corev1.PodSpec{
			Priority: new(int32(7)),
			Containers: []corev1.Container{{Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("4Ki")},
			}}},
		},
		Status: corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &metav1.Time{Time: started}, QOSClass: corev1.PodQOSBurstable},
	}
}

func TestARecordingBySampling(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	clock := clocktesting.NewFakeClock(now)
	clients := fake.NewClientset(runningPod("1", "web-a", now.Add(-time.Hour)), runningPod("2", "web-b", now.Add(-20*time.Second)), runningPod("4", "web-c", now.Add(-time.Hour)))
	at := func(seconds int, bytes int64) sample.Pod {
		return sample.Pod{Measurement: sample.Measurement{Bytes: bytes, Time: now.Add(time.Duration(seconds) * time.Second)}}
	}
	set := func(pods map[string]sample.Pod) func() (*sample.Set, error) {
		named := map[types.NamespacedName]sample.Pod{}
		for name, pod := range pods {
			named[types.NamespacedName{Namespace: "shop", Name: name}] = pod
		}
		return func() (*sample.Set, error) {
			return &sample.Set{Pods: named, RefusedCount: map[sample.Reason]int{sample.ReasonIncomplete: 1}}, nil
		}
	}
	pods := clients.CoreV1().Pods("shop")
	source := &script{clock: clock, after: cancel, looks: []func() (*sample.Set, error){
		// The sample of web-b is that of an earlier pod of the name.
		set(map[string]sample.Pod{"web-a": at(-10, 100), "web-b": at(-30, 999), "web-c": at(-5, 7), "unknown": at(0, 1)}),
		set(map[string]sample.Pod{"web-a": at(-10, 100), "web-b": at(4, 50)}), // nothing new of web-a
		func() (*sample.Set, error) { return nil, errors.New("metrics-server is away") },
		func() (*sample.Set, error) {
			// web-c is done, and stays as an object.
			done := runningPod("4", "web-c", now.Add(-time.Hour))
			done.Status.Phase = corev1.PodSucceeded
			if _, err := pods.UpdateStatus(ctx, done, metav1.UpdateOptions{}); err != nil {
				return nil, err
			}
			// web-b is replaced by a pod of the same name.
			if err := pods.Delete(ctx, "web-b", metav1.DeleteOptions{}); err != nil {
				return nil, err
			}
			if _, err := pods.Create(ctx, runningPod("3", "web-b", now.Add(40*time.Second)), metav1.CreateOptions{}); err != nil {
				return nil, err
			}
			return set(map[string]sample.Pod{"web-a": at(35, 120), "web-b": at(42, 60)})()
		},
		set(map[string]sample.Pod{"web-b": at(57, 61)}),
	}}
	var shown bytes.Buffer
	o := Options{
		Out: filepath.Join(t.TempDir(), "new", "recorded"), Interval: 15 * time.Second, Duration: time.Hour,
		Screen: screen.New(&shown, false), Clock: clock,
	}
	if err := FromSource(ctx, source, clients, o); err != nil {
		t.Fatal(err)
	}
	read, err := trace.Read(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	extra := func() map[string]string {
		return map[string]string{"namespace": "shop", "workload": "shop/Deployment/web", "qos": "Burstable", "priority": "7", "limit_bytes": "0"}
	}
	want := []trace.Series{ // second 0 is that of the first sample
		{ID: "shop/web-a", RequestBytes: 4096, RequestSource: "provisioned", End: trace.Open, Times: []float64{0, 45}, Bytes: []int64{100, 120}, Extra: extra()},
		{ID: "shop/web-c", RequestBytes: 4096, RequestSource: "provisioned", End: 70, Times: []float64{5}, Bytes: []int64{7}, Extra: extra()},
		{ID: "shop/web-b", RequestBytes: 4096, RequestSource: "provisioned", End: 70, Times: []float64{14}, Bytes: []int64{50}, Extra: extra()},
		{ID: "shop/web-b#2", RequestBytes: 4096, RequestSource: "provisioned", Start: 50, End: trace.Open, Times: []float64{52, 67}, Bytes: []int64{60, 61}, Extra: extra()},
	}
	if diff := cmp.Diff(want, read.Series); diff != "" {
		t.Errorf("series (-want +got):\n%s", diff)
	}
	for _, part := range []string{"ended early: interrupted", "1 read(s) failed", "4 figure(s) were refused: incomplete", "sampled from metrics.k8s.io"} {
		if !strings.Contains(read.Notes, part) {
			t.Errorf("the notes lack %q:\n%s", part, read.Notes)
		}
	}
	if !strings.Contains(shown.String(), "look 3 of 241: metrics-server is away") {
		t.Errorf("the output does not tell of the look that failed:\n%s", &shown)
	}
}

func TestARecordingOfSlowLooksIsAsLongAsWasAsked(t *testing.T) {
	source := &script{clock: clocktesting.NewFakeClock(now)} // each look takes 15 s
	for range 10 {
		source.looks = append(source.looks, func() (*sample.Set, error) {
			return &sample.Set{Pods: map[types.NamespacedName]sample.Pod{
				{Namespace: "shop", Name: "web-a"}: {Measurement: sample.Measurement{Bytes: 100, Time: source.clock.Now()}},
			}}, nil
		})
	}
	source.after = func() { t.Fatal("more looks than the time has room for") }
	o := Options{
		Out: filepath.Join(t.TempDir(), "recorded"), Interval: 5 * time.Second, Duration: time.Minute,
		Screen: screen.New(&bytes.Buffer{}, false), Clock: source.clock,
	}
	if err := FromSource(t.Context(), source, fake.NewClientset(runningPod("1", "web-a", now.Add(-time.Hour))), o); err != nil {
		t.Fatal(err)
	}
	if source.next != 4 {
		t.Errorf("%d looks, want the 4 of a minute", source.next)
	}
}

func TestARecordingThatCannotBeWrittenWhereItWasToBeIsKept(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	out := filepath.Join(t.TempDir(), "recorded")
	source := &script{clock: clocktesting.NewFakeClock(now)}
	source.looks = append(source.looks, func() (*sample.Set, error) {
		if err := os.WriteFile(out, nil, 0o600); err != nil { // meanwhile somebody takes the place
			return nil, err
		}
		return &sample.Set{Pods: map[types.NamespacedName]sample.Pod{
			{Namespace: "shop", Name: "web-a"}: {Measurement: sample.Measurement{Bytes: 100, Time: now}},
		}}, nil
	})
	o := Options{Out: out, Interval: time.Second, Duration: time.Second, Screen: screen.New(&bytes.Buffer{}, false), Clock: source.clock}
	err := FromSource(t.Context(), source, fake.NewClientset(runningPod("1", "web-a", now.Add(-time.Hour))), o)
	kept, globErr := filepath.Glob(filepath.Join(temporary, "*"))
	if globErr != nil || len(kept) != 1 {
		t.Fatalf("in the temporary folder are %v (%v), want the recording", kept, globErr)
	}
	if err == nil || !strings.Contains(err.Error(), out) || !strings.Contains(err.Error(), "the recording is in "+kept[0]) {
		t.Errorf("error %v, want one that names %s and %s", err, out, kept[0])
	}
	if read, err := trace.Read(kept[0]); err != nil || read.Facts.Samples != 1 {
		t.Errorf("what was kept: %+v (%v), want the sample", read, err)
	}
}

func TestARecordingHasAsManySamplesAsMemoryHolds(t *testing.T) {
	if got := (&recording{samples: maxSamples - 1}).full(); got != "" {
		t.Errorf("one sample less than it may have ends a recording: %s", got)
	}
	if got := (&recording{samples: maxSamples}).full(); !strings.Contains(got, "20000000 samples are all that a recording may have") {
		t.Errorf("full() = %q, want that a recording may have no more", got)
	}
}

func TestAFirstLookThatFailsEndsTheRecording(t *testing.T) {
	source := &script{clock: clocktesting.NewFakeClock(now), looks: []func() (*sample.Set, error){
		func() (*sample.Set, error) { return nil, errors.New("forbidden") },
	}}
	o := Options{
		Out: filepath.Join(t.TempDir(), "recorded"), Interval: time.Second, Duration: time.Minute,
		Screen: screen.New(&bytes.Buffer{}, false), Clock: source.clock,
	}
	if err := FromSource(t.Context(), source, fake.NewClientset(), o); err == nil || !strings.Contains(err.Error(), "the first look failed, and nothing was written: forbidden") {
		t.Errorf("error %v, want that of the look", err)
	}
}

func TestTheOwnerOfAPod(t *testing.T) {
	owned := func(kind, name, hash string) *corev1.Pod {
		pod := &corev1.Pod{}
		if kind != "" {
			pod.OwnerReferences = []metav1.OwnerReference{{Kind: kind, Name: name, Controller: new(true)}}
		}
		if hash != "" {
			pod.Labels = map[string]string{"pod-template-hash": hash}
		}
		return pod
	}
	for _, test := range []struct {
		name string
		pod  *corev1.Pod
		want string
	}{
		{"none", owned("", "", ""), ""},
		{"a Deployment, by its ReplicaSet", owned("ReplicaSet", "web-7d9c", "7d9c"), "Deployment/web"},
		{"a ReplicaSet of its own", owned("ReplicaSet", "web-7d9c", ""), "ReplicaSet/web-7d9c"},
		{"a StatefulSet", owned("StatefulSet", "db", ""), "StatefulSet/db"},
		{"another kind with a name that ends alike", owned("Rollout", "web-7d9c", "7d9c"), "Rollout/web-7d9c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := ownerOf(test.pod); got != test.want {
				t.Errorf("owner %q, want %q", got, test.want)
			}
		})
	}
}

func TestALimitIsOneOnlyIfAllContainersHaveOne(t *testing.T) {
	container := func(limit string) corev1.Container {
		made := corev1.Container{}
		if limit != "" {
			made.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(limit)}
		}
		return made
	}
	ofPod := &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}}
	for _, test := range []struct {
		name string
		spec corev1.PodSpec
		want int64
	}{
		{"none", corev1.PodSpec{Containers: []corev1.Container{container("")}}, 0},
		{"of one of two", corev1.PodSpec{Containers: []corev1.Container{container("1Mi"), container("")}}, 0},
		{"of both", corev1.PodSpec{Containers: []corev1.Container{container("1Mi"), container("2Mi")}}, 3 << 20},
		{"of the pod", corev1.PodSpec{Resources: ofPod, Containers: []corev1.Container{container(""), container("")}}, 1 << 30},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := limitOf(&corev1.Pod{Spec: test.spec}); got != test.want {
				t.Errorf("limit %d, want %d", got, test.want)
			}
		})
	}
}
