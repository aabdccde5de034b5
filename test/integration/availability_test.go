// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

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

// disturbances happen while pods of a burst are placed. Each returns when a replica leads again.
var disturbances = []struct {
	name    string
	burst   int // pods that are created meanwhile
	disturb func(t *testing.T, r *replicas, leader string)
}{
	{name: "the leader is killed", burst: 2000, disturb: func(t *testing.T, r *replicas, leader string) {
		if err := syscall.Kill(r.cluster.PIDs()["replica-1"], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		r.waitLeader(t, leader)
	}},
	{name: "both replicas are rolled", burst: 2000, disturb: func(t *testing.T, r *replicas, leader string) {
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
	{name: "the leader is cut off, and what it sent arrives late", burst: 2000, disturb: func(t *testing.T, r *replicas, leader string) {
		r.gate.setClosed(true)
		r.waitLeader(t, leader)
		r.gate.setClosed(false)
	}},
	{name: "the leader's connections are cut", burst: 500, disturb: func(_ *testing.T, r *replicas, _ string) { r.gate.cut() }},
	{name: "the API server is killed and comes back", burst: 500, disturb: func(t *testing.T, r *replicas, _ string) {
		ctx, cancel := context.WithTimeout(t.Context(), startLimit)
		defer cancel()
		if err := r.cluster.RestartAPIServer(ctx); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the control plane", r.cluster.Ready)
	}},
	{name: "etcd stands still until requests time out", burst: 500, disturb: func(t *testing.T, r *replicas, _ string) {
		etcd := r.cluster.PIDs()["etcd"]
		if err := syscall.Kill(etcd, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := syscall.Kill(etcd, syscall.SIGCONT); err != nil {
				t.Error(err)
			}
		}()
		eventually(t, "a request times out", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
			defer cancel()
			if _, err := r.leader(ctx); !errors.Is(err, context.DeadlineExceeded) {
				return fmt.Errorf("it ended with %w", errors.Join(err, errors.New("and not with its deadline")))
			}
			return nil
		})
	}},
}

// Whatever happens to the leader, each pod is bound once, all are, and no node is given more than it has.
func TestABurstOutlivesItsScheduler(t *testing.T) {
	for _, test := range disturbances {
		t.Run(test.name, func(t *testing.T) {
			burst := test.burst
			c := lab(t)
			clients, namespace := client(t, c), newNamespace(t, c)
			const nodes, memory, request = 24, "9Gi", "100Mi"
			var names []string
			for i := range nodes {
				names = append(names, fmt.Sprintf("burst-%02d", i))
			}
			addNodes(t, c, memory, names...)
			// A node that nothing is known of yet gets no pod as long as others have room.
			if err := c.WaitNodeMetrics(t.Context(), names...); err != nil {
				t.Fatal(err)
			}
			r := &replicas{cluster: c, clients: clients}
			var kubeconfig string
			r.gate, kubeconfig = newGate(t, c)
			r.forgetLease(t)
			r.start(t, "replica-1", kubeconfig)
			leader := r.waitLeader(t, "")
			r.start(t, "replica-2", "")

			seen := watchBindings(t, clients, namespace)
			created := createPods(t, clients, namespace, request, burst)
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
			r.checkPods(t, namespace, seen, burst, nodes)
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

// checkPods holds what became of the pods against what is there.
func (r *replicas) checkPods(t *testing.T, namespace string, seen *bindings, burst, nodes int) {
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
	if len(perNode) != nodes || perNode[""] != 0 {
		t.Errorf("pods are on %d nodes, %d of them on none; want all on %d", len(perNode), perNode[""], nodes)
	}
	// 9 GiB without the assumed threshold of 100 MiB.
	const most = (9*1024 - 100) / 100
	for node, count := range perNode {
		if count > most {
			t.Errorf("%s was given %d pods, and has room for %d", node, count, most)
		}
	}
	seen.mutex.Lock()
	defer seen.mutex.Unlock()
	for _, pod := range seen.twice {
		t.Error(pod)
	}
	for _, name := range []string{"replica-1", "replica-2", "replica-3", "replica-4"} {
		log, err := os.ReadFile(filepath.Join(r.cluster.Dir(), "logs", name+".log"))
		if err == nil && strings.Contains(string(log), "panic:") {
			t.Errorf("%s panicked", name)
		}
	}
}
