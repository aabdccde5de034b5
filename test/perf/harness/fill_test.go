// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/test/integration/framework"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/test/perf/load"
)

const (
	// workloadsRunning is how many ReplicaSets own the pods that run before the measurement begins.
	workloadsRunning = 100
	// writersAtOnce is how many pods are on their way to etcd at once, which commits together what comes together.
	writersAtOnce = 64
	// fillLimit is how long the scheduler may take to see them all.
	fillLimit = 10 * time.Minute
)

// fill lets pods run on the nodes, as many on each, and returns when the scheduler has seen them. They are written straight into etcd: through
// the API server that many would take longer than all the rest.
func (m *measurement) fill(ctx context.Context, client kubernetes.Interface, instance *scheduler.Scheduler, nodes []corev1.Node, count int) error {
	owners, err := createOwners(ctx, client)
	if err != nil {
		return err
	}
	text, err := os.ReadFile("templates/pod-basic.yaml")
	if err != nil {
		return err
	}
	template := &corev1.Pod{}
	if err := yaml.UnmarshalStrict(text, template); err != nil {
		return fmt.Errorf("templates/pod-basic.yaml: %w", err)
	}
	server, err := clientv3.New(clientv3.Config{Endpoints: []string{framework.GetEtcdURL()}, Context: ctx})
	if err != nil {
		return err
	}
	defer server.Close()
	prefix, err := storagePrefix(ctx, server)
	if err != nil {
		return err
	}
	writers, writing := errgroup.WithContext(ctx)
	writers.SetLimit(writersAtOnce)
	for i := range count {
		writers.Go(func() error {
			pod := load.Running(template, fmt.Sprintf("running-%d", i), nodes[i%len(nodes)].Name)
			pod.UID = uuid.NewUUID()
			pod.OwnerReferences = []metav1.OwnerReference{owners[i/len(nodes)%len(owners)]}
			if err := m.metrics.AddPod(pod); err != nil {
				return err
			}
			stored, err := encode(pod)
			if err != nil {
				return err
			}
			// Not many in one transaction: they would have one resource version, and a watch that is cut goes on after it.
			_, err = server.Put(writing, fmt.Sprintf("%s/pods/%s/%s", prefix, pod.Namespace, pod.Name), stored)
			return err
		})
	}
	if err := writers.Wait(); err != nil {
		return fmt.Errorf("write %d pods to etcd: %w", count, err)
	}
	seen := 0
	if err := wait.PollUntilContextTimeout(ctx, time.Second, fillLimit, true, func(context.Context) (bool, error) {
		seen, err = instance.Cache.PodCount()
		return seen >= count, err
	}); err != nil {
		return fmt.Errorf("the scheduler has %d of %d pods that run: %w", seen, count, err)
	}
	return nil
}

// createOwners creates the ReplicaSets, without which the garbage collector would delete the pods.
func createOwners(ctx context.Context, client kubernetes.Interface) ([]metav1.OwnerReference, error) {
	owners := make([]metav1.OwnerReference, workloadsRunning)
	for i := range owners {
		labels := map[string]string{"app": fmt.Sprintf("running-%d", i)}
		created, err := client.AppsV1().ReplicaSets(metav1.NamespaceDefault).Create(ctx, &appsv1.ReplicaSet{
			ObjectMeta: metav1.ObjectMeta{Name: labels["app"]},
			Spec: appsv1.ReplicaSetSpec{
				Selector: &metav1.LabelSelector{MatchLabels: labels},
				Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: labels},
					Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "registry.k8s.io/pause:3.10"}}},
				},
			},
		}, metav1.CreateOptions{})
		if err != nil {
			return nil, err
		}
		owners[i] = *metav1.NewControllerRef(created, appsv1.SchemeGroupVersion.WithKind("ReplicaSet"))
	}
	return owners, nil
}

// storagePrefix returns what the names of all that the API server keeps begin with: it chooses one at each start.
func storagePrefix(ctx context.Context, server *clientv3.Client) (string, error) {
	first, err := server.Get(ctx, "/", clientv3.WithPrefix(), clientv3.WithKeysOnly(), clientv3.WithLimit(1))
	if err != nil {
		return "", err
	}
	for _, pair := range first.Kvs {
		if prefix, _, ok := strings.Cut(string(pair.Key), "/registry/"); ok {
			return prefix + "/registry", nil
		}
	}
	return "", fmt.Errorf("etcd at %s has nothing of an API server's", framework.GetEtcdURL())
}

// encode returns the pod as the API server stores it.
func encode(pod *corev1.Pod) (string, error) {
	var text bytes.Buffer
	encoder := scheme.Codecs.EncoderForVersion(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), corev1.SchemeGroupVersion)
	if err := encoder.Encode(kruntime.Object(pod), &text); err != nil {
		return "", err
	}
	return text.String(), nil
}
