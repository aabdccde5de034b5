// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

// replicaNames are those that a test may start.
var replicaNames = []string{"replica-1", "replica-2", "replica-3", "replica-4"}

// replicas are schedulers of which one leads, with the shipped configuration.
type replicas struct {
	cluster *cluster.Cluster
	clients kubernetes.Interface
	gate    *gate // of the first replica
}

// start starts a replica; without a kubeconfig it connects directly.
func (r *replicas) start(t *testing.T, name, kubeconfig string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	if err := r.cluster.StartScheduler(ctx, cluster.SchedulerOptions{
		Name: name, Executable: binary(t, "headroom-scheduler"), ConfigFile: shippedConfig, Kubeconfig: kubeconfig, LeaderElection: true,
	}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cluster.StopScheduler(name) }) // the test may have done so
}

// leader returns who holds the lease, or "".
func (r *replicas) leader(ctx context.Context) (string, error) {
	lease, err := r.clients.CoordinationV1().Leases(metav1.NamespaceSystem).Get(ctx, headroomScheduler, metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity == nil {
		return "", err
	}
	return *lease.Spec.HolderIdentity, nil
}

// waitLeader waits until another than before leads.
func (r *replicas) waitLeader(t *testing.T, before string) string {
	t.Helper()
	var now string
	eventually(t, "a leader", func(ctx context.Context) (err error) {
		if now, err = r.leader(ctx); err == nil && (now == "" || now == before) {
			err = fmt.Errorf("%q leads", now)
		}
		return err
	})
	return now
}

// waitEnd waits until a replica's process has ended by itself.
func (r *replicas) waitEnd(t *testing.T, name string) {
	t.Helper()
	eventually(t, name+" gives up", func(context.Context) error {
		if pid, runs := r.cluster.PIDs()[name]; runs {
			return fmt.Errorf("it runs as process %d", pid)
		}
		return nil
	})
}

// waitsForEtcd asks for what etcd alone knows, and fails if that is answered within the time.
func (r *replicas) waitsForEtcd(t *testing.T, limit time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if _, err := r.leader(ctx); ctx.Err() == nil {
		t.Errorf("a request was answered while etcd stands still: %v", err)
	}
}

// signalEtcd stops etcd or lets it go on.
func (r *replicas) signalEtcd(t *testing.T, signal syscall.Signal) {
	t.Helper()
	r.signal(t, "etcd", signal)
}

// signal sends a signal to a process of the cluster.
func (r *replicas) signal(t *testing.T, name string, signal syscall.Signal) {
	t.Helper()
	pid, runs := r.cluster.PIDs()[name]
	if !runs { // 0 would be the test itself
		t.Fatalf("%s has ended", name)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Error(err)
	}
}

// disturbances happen while pods of a burst are placed. Each returns when a replica leads again.
var disturbances = []struct {
	name string
	// burst is how many pods are created meanwhile, and full whether every other node is more than half full by what its pod holds, though
	// hardly by requests. Where nobody answers for a while samples grow old, and then requests decide.
	burst   int
	full    bool
	disturb func(t *testing.T, r *replicas, leader string)
}{
	{name: "the leader is killed", burst: 2000, full: true, disturb: func(t *testing.T, r *replicas, leader string) {
		r.signal(t, "replica-1", syscall.SIGKILL)
		r.waitLeader(t, leader)
	}},
	{name: "both replicas are rolled", burst: 2000, full: true, disturb: func(t *testing.T, r *replicas, leader string) {
		for i, old := range []string{"replica-1", "replica-2"} {
			r.start(t, fmt.Sprintf("replica-%d", i+3), "")
			began := time.Now()
			if err := r.cluster.StopScheduler(old); err != nil {
				t.Fatal(err)
			}
			now := r.waitLeader(t, "")
			t.Logf("%s stopped in %.1f s; another led: %t", old, time.Since(began).Seconds(), now != leader)
			leader = now
		}
	}},
	{name: "the leader is cut off, and what it sent arrives late", burst: 2000, full: true, disturb: func(t *testing.T, r *replicas, leader string) {
		r.gate.setClosed(true)
		r.waitLeader(t, leader)
		r.gate.setClosed(false)
		r.waitEnd(t, "replica-1")
	}},
	{name: "the leader's connections are cut, and it goes on", burst: 500, full: true, disturb: func(t *testing.T, r *replicas, leader string) {
		before := r.gate.accepted.Load()
		if r.gate.cut() == 0 {
			t.Error("no connection was cut")
		}
		eventually(t, "the leader connects anew", func(context.Context) error {
			if r.gate.accepted.Load() == before {
				return errors.New("it does not")
			}
			return nil
		})
		if now := r.waitLeader(t, ""); now != leader {
			t.Errorf("%s leads, want %s still", now, leader)
		}
	}},
	{name: "the API server is killed and comes back", burst: 500, disturb: func(t *testing.T, r *replicas, _ string) {
		ctx, cancel := context.WithTimeout(t.Context(), startLimit)
		defer cancel()
		if err := r.cluster.RestartAPIServer(ctx); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the control plane", r.cluster.Ready)
	}},
	{name: "metrics-server is killed and comes back", burst: 500, full: true, disturb: func(t *testing.T, r *replicas, leader string) {
		ctx, cancel := context.WithTimeout(t.Context(), startLimit)
		defer cancel()
		if err := r.cluster.RestartMetricsServer(ctx); err != nil {
			t.Fatal(err)
		}
		if now := r.waitLeader(t, ""); now != leader {
			t.Errorf("%s leads, want %s still", now, leader)
		}
	}},
	{name: "etcd is slow", burst: 500, full: true, disturb: func(t *testing.T, r *replicas, _ string) {
		defer r.signalEtcd(t, syscall.SIGCONT)
		for range 25 { // It stands still for as long as a request then waits, and goes on until one is answered.
			r.signalEtcd(t, syscall.SIGSTOP)
			r.waitsForEtcd(t, 400*time.Millisecond)
			r.signalEtcd(t, syscall.SIGCONT)
			eventually(t, "a request is answered", func(ctx context.Context) error { _, err := r.leader(ctx); return err })
		}
		r.waitLeader(t, "")
	}},
	{name: "etcd stands still until the leader gives up", burst: 500, disturb: func(t *testing.T, r *replicas, leader string) {
		r.signalEtcd(t, syscall.SIGSTOP)
		defer r.signalEtcd(t, syscall.SIGCONT)
		r.waitEnd(t, "replica-1")
		r.signalEtcd(t, syscall.SIGCONT)
		r.waitLeader(t, leader)
	}},
}

// A node has 9 GiB, and by default a threshold of 100Mi. A pod of the burst asks for 10Mi, and declares and holds 100Mi; on a node that is
// full one pod does with 7 GiB. By requests, nodes that are full would get as many as others.
const (
	nodeMemory, podRequest  = "9Gi", "10Mi"
	podPeakMi, fullMi       = 100, 7 * 1024
	mostOnEmpty, mostOnFull = (9*1024 - 100) / podPeakMi, (9*1024 - 100 - fullMi) / podPeakMi
)

// holding returns the annotations of a pod that declares and holds so many MiB.
func holding(mebibytes int) map[string]string {
	bytes := fmt.Sprintf("%dMi", mebibytes)
	return map[string]string{forecast.PeakAnnotation: bytes, cluster.UsageMemoryAnnotation: bytes}
}

// burstNodes adds nodes that have room for a burst and half as much again, every other one full if that is asked for: pods that have started
// count twice until they are measured themselves, and where that takes a while the rest of the burst would wait for it. Their names are of
// this test alone: of a node that was there before under the same name metrics are served still, and a scheduler refuses them.
func burstNodes(t *testing.T, c *cluster.Cluster, namespace string, burst int, full bool) []string {
	t.Helper()
	const ofTwo = mostOnEmpty + mostOnFull
	var names []string
	for i := range 2 * ((burst*3/2 + ofTwo - 1) / ofTwo) {
		names = append(names, fmt.Sprintf("%s-%02d", namespace, i))
	}
	addNodes(t, c, nodeMemory, names...)
	for i := 1; full && i < len(names); i += 2 {
		createPod(t, client(t, c), namespace, newPod("full-"+names[i], names[i], holding(fullMi)))
		waitPhase(t, client(t, c), namespace, "full-"+names[i], corev1.PodRunning)
	}
	// A node that nothing is known of yet gets no pod as long as others have room.
	if err := c.WaitNodeMetrics(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
	return names
}

// Whatever happens to the leader, each pod is bound once, all are, and no node is given more than it has.
func TestABurstOutlivesItsScheduler(t *testing.T) {
	for _, test := range disturbances {
		t.Run(test.name, func(t *testing.T) {
			burst := test.burst
			c := lab(t)
			clients, namespace := client(t, c), newNamespace(t, c)
			nodes := burstNodes(t, c, newNamespace(t, c), burst, test.full)
			r := &replicas{cluster: c, clients: clients}
			var kubeconfig string
			r.gate, kubeconfig = newGate(t, c)
			r.forgetLease(t)
			r.start(t, "replica-1", kubeconfig)
			leader := r.waitLeader(t, "")
			r.start(t, "replica-2", "")

			seen := watchBindings(t, clients, namespace)
			r.tellWhoWaits(t, namespace)
			created := createPods(t, clients, namespace, burst)
			eventually(t, "a part of the burst is placed", func(context.Context) error {
				if count := seen.bound(); count < burst/10 {
					return fmt.Errorf("%d pods are bound", count)
				}
				return nil
			})
			began := time.Now()
			test.disturb(t, r, leader)
			after := seen.bound()
			disturbed := time.Since(began)
			eventually(t, "pods are placed again", func(context.Context) error {
				if count := seen.bound(); count <= after && count < burst {
					return fmt.Errorf("%d pods are bound, as many as when a leader was there", count)
				}
				return nil
			})
			t.Logf("%d pods were bound when a leader was there again after %.1f s; the next was after %.1f s", after, disturbed.Seconds(), time.Since(began).Seconds())
			<-created
			waitAllBound(t, seen, burst)
			t.Logf("all %d pods were bound %.1f s after the disturbance began", burst, time.Since(began).Seconds())
			r.checkPods(t, namespace, seen, burst, nodes, test.full)
		})
	}
}

// forgetLease removes the lease that another test left.
func (r *replicas) forgetLease(t *testing.T) {
	t.Helper()
	if err := r.clients.CoordinationV1().Leases(metav1.NamespaceSystem).DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{FieldSelector: "metadata.name=" + headroomScheduler}); err != nil {
		t.Fatal(err)
	}
}

func waitAllBound(t *testing.T, seen *bindings, burst int) {
	t.Helper()
	for {
		before := seen.bound()
		if before == burst {
			return
		}
		// As long as there is progress, a busy machine may take its time.
		eventually(t, "the rest of the burst", func(context.Context) error {
			if count := seen.bound(); count == before {
				return fmt.Errorf("%d of %d pods are bound", count, burst)
			}
			return nil
		})
	}
}

// tellWhoWaits logs of a test that failed why pods wait, and what nodes hold.
func (r *replicas) tellWhoWaits(t *testing.T, namespace string) {
	t.Helper()
	t.Cleanup(func() {
		if !t.Failed() {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), waitLimit)
		defer cancel()
		pods, err := r.clients.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			t.Error(err)
			return
		}
		reasons, perNode := map[string]int{}, map[string]int{}
		for i := range pods.Items {
			pod := &pods.Items[i]
			if perNode[pod.Spec.NodeName]++; pod.Spec.NodeName != "" {
				continue
			}
			_, condition := podutil.GetPodCondition(&pod.Status, corev1.PodScheduled)
			if condition == nil {
				condition = &corev1.PodCondition{Message: "never tried"}
			}
			reasons[condition.Message]++
		}
		t.Logf("why pods wait: %v; pods by node: %v", reasons, perNode)
		for _, name := range replicaNames {
			for _, line := range r.logged(name) {
				if strings.Contains(line, "emory") { // whether it is known, and what could not be read
					t.Logf("%s: %s", name, line)
				}
			}
		}
	})
}

// logged returns what a replica has logged; nothing of one that never ran.
func (r *replicas) logged(name string) []string {
	log, err := os.ReadFile(filepath.Join(r.cluster.Dir(), "logs", name+".log"))
	if err != nil {
		return nil
	}
	return strings.Split(string(log), "\n")
}

// checkPods holds what became of the pods against what is there.
func (r *replicas) checkPods(t *testing.T, namespace string, seen *bindings, burst int, nodes []string, full bool) {
	t.Helper()
	pods, err := r.clients.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != burst {
		t.Errorf("%d pods are there, want %d", len(pods.Items), burst)
	}
	perNode := map[string]int{}
	for i := range pods.Items {
		perNode[pods.Items[i].Spec.NodeName]++
	}
	placed := 0
	for i, node := range nodes {
		placed += perNode[node]
		least, most := 1, mostOnEmpty
		if full && i%2 == 1 { // It is the last to be given one: others have room for nearly all.
			least, most = 0, mostOnFull
		}
		if count := perNode[node]; count < least || count > most {
			t.Errorf("%s was given %d pods, want %d to %d: that is what it has room for", node, count, least, most)
		}
	}
	if placed != burst {
		t.Errorf("%d pods are on these nodes and %d on none, want all %d on these", placed, perNode[""], burst)
	}
	seen.mutex.Lock()
	defer seen.mutex.Unlock()
	for _, pod := range seen.twice {
		t.Error(pod)
	}
	for _, name := range replicaNames {
		if slices.ContainsFunc(r.logged(name), func(line string) bool { return strings.Contains(line, "panic:") }) {
			t.Errorf("%s panicked", name)
		}
	}
}
