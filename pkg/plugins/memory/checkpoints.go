// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
)

const (
	// CheckpointKey is where a ConfigMap holds what forecast.Decode reads.
	CheckpointKey = "learned.json.gz"

	// checkpointRetry is the time after which a checkpoint that could not be read is asked for again.
	checkpointRetry = time.Minute
	// checkpointTimeout bounds a read and a write.
	checkpointTimeout = 30 * time.Second
	// ownNamespaceFile tells a pod its namespace (k8s.io/client-go tools/clientcmd/client_config.go, inClusterClientConfig).
	ownNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

	checkpointRead  = "read"
	checkpointWrite = "write"
	resultSuccess   = "success"
	resultFailure   = "failure"
	resultRefused   = "refused"
)

// checkpoints keeps what was learned in a ConfigMap. Every replica reads it when it starts. The one that leads writes it: that is
// the one whose plugin was asked about a pod, for kube-scheduler begins to schedule when it leads and ends when it does no more
// (k8s.io/kubernetes cmd/kube-scheduler/app/server.go, Run). So no lease has to be read, and without leader election it is
// the same. Until a checkpoint was read, or is known not to be there, none is written over it.
type checkpoints struct {
	client    kubernetes.Interface
	namespace string
	name      string
	interval  time.Duration
	clock     clock.Clock
	metrics   *metrics
	handover  *handover
	leads     func() bool

	read  bool // or not there
	quiet bool // a failure was logged
}

func newCheckpoints(args *config.ForecastCheckpoint, client kubernetes.Interface) *checkpoints {
	name := checkpointName(args)
	return &checkpoints{client: client, namespace: name.Namespace, name: name.Name, interval: args.Interval.Duration}
}

// checkpointName is the ConfigMap that the arguments mean.
func checkpointName(args *config.ForecastCheckpoint) types.NamespacedName {
	namespace := args.Namespace
	if namespace == "" {
		namespace = ownNamespace(ownNamespaceFile)
	}
	return types.NamespacedName{Namespace: namespace, Name: args.Name}
}

// ownNamespace returns what a file says, or kube-system where there is none.
func ownNamespace(file string) string {
	content, err := os.ReadFile(file)
	if name := strings.TrimSpace(string(content)); err == nil && name != "" {
		return name
	}
	return metav1.NamespaceSystem
}

// run reads, and then writes, until ctx ends.
func (c *checkpoints) run(ctx context.Context) {
	for {
		wait := c.interval
		if !c.read {
			c.note(ctx, checkpointRead, c.restore(ctx))
			if !c.read {
				wait = min(wait, checkpointRetry)
			}
		} else if c.leads() {
			c.note(ctx, checkpointWrite, c.write(ctx))
		}
		select {
		case <-ctx.Done():
			return
		case <-c.clock.After(wait):
		}
	}
}

// refusedError says why what is there cannot be used, and will be replaced.
type refusedError struct{ error }

// note counts what came of an operation, and logs the first failure of a row.
func (c *checkpoints) note(ctx context.Context, operation string, err error) {
	result := resultSuccess
	var refused refusedError
	switch {
	case errors.As(err, &refused):
		result = resultRefused
	case err != nil:
		result = resultFailure
	}
	c.metrics.checkpoints.WithLabelValues(operation, result).Inc()
	if ctx.Err() != nil {
		return
	}
	logger := klog.FromContext(ctx)
	switch {
	case result == resultRefused:
		logger.Error(err, "What was learned of workloads before cannot be used; it is learned anew and then written over", "configMap", klog.KRef(c.namespace, c.name))
	case err == nil:
		c.quiet = false
	case !c.quiet:
		c.quiet = true
		logger.Info("What is learned of workloads does not survive this process; further failures are not logged", "operation", operation, "configMap", klog.KRef(c.namespace, c.name),
			"forbidden", apierrors.IsForbidden(err), "reason", err.Error())
	}
}

// restore reads the checkpoint and hands it over.
func (c *checkpoints) restore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkpointTimeout)
	defer cancel()
	object, err := c.client.CoreV1().ConfigMaps(c.namespace).Get(ctx, c.name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	c.read = true
	if err != nil { // There is none yet.
		return nil
	}
	data, ok := object.BinaryData[CheckpointKey]
	if !ok { // Whoever lets no scheduler create ConfigMaps made an empty one, and so does "helm template" piped to kubectl.
		return nil
	}
	checkpoint, err := forecast.Decode(data)
	if err != nil {
		return refusedError{fmt.Errorf("key %s: %w", CheckpointKey, err)}
	}
	c.handover.give(checkpoint.Records)
	klog.FromContext(ctx).Info("Read what was learned of workloads before", "workloads", len(checkpoint.Records), "age", c.clock.Since(checkpoint.Written).Round(time.Second).String())
	return nil
}

// write writes the checkpoint, over whatever is there.
func (c *checkpoints) write(ctx context.Context) error {
	var records []forecast.Record
	select {
	case <-ctx.Done():
		return ctx.Err()
	case records = <-c.handover.ask():
	}
	data, kept, err := forecast.Encode(records, c.clock.Now())
	if err != nil {
		return err
	}
	if err := c.store(ctx, data); err != nil {
		return err
	}
	c.metrics.checkpointWorkloads.WithLabelValues("kept").Set(float64(kept))
	c.metrics.checkpointWorkloads.WithLabelValues("left_out").Set(float64(len(records) - kept))
	c.metrics.checkpointBytes.Set(float64(len(data)))
	return nil
}

// store puts data into the ConfigMap and leaves the rest of it as it is.
func (c *checkpoints) store(ctx context.Context, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, checkpointTimeout)
	defer cancel()
	maps := c.client.CoreV1().ConfigMaps(c.namespace)
	object, err := maps.Get(ctx, c.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		object = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: c.name}, BinaryData: map[string][]byte{CheckpointKey: data}}
		_, err = maps.Create(ctx, object, metav1.CreateOptions{})
		return err
	}
	if err != nil {
		return err
	}
	object = object.DeepCopy()
	if object.BinaryData == nil {
		object.BinaryData = map[string][]byte{}
	}
	object.BinaryData[CheckpointKey] = data
	_, err = maps.Update(ctx, object, metav1.UpdateOptions{})
	return err
}
