// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/apis/config"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// Checkpoint is what the scheduler had learned of workloads when it last wrote it down.
type Checkpoint struct {
	// ConfigMap is its namespace/name.
	ConfigMap string      `json:"configMap"`
	Written   metav1.Time `json:"written"`
	Workloads int         `json:"workloads"`
}

// withoutCheckpoint begins every sentence about a checkpoint that there is not.
const withoutCheckpoint = "only what the last sample shows"

// overdue is how many intervals a checkpoint may be old before its writer is doubted.
const overdue = 3

// recalled is what was read of what the scheduler had learned.
type recalled struct {
	checkpoint *Checkpoint // nil: nothing was
	// text is all of that in one line, and wrong is true where what there is cannot be used.
	text  string
	wrong bool
}

// recall hands to each book what its profile's scheduler had learned. What the first of them was given is told.
func (s *Scheduler) recall(ctx context.Context) recalled {
	var first *recalled
	for _, book := range s.still.Books() {
		records, told := s.readCheckpoint(ctx, &book.Args.Checkpoint)
		book.Learner().Merge(records, s.now)
		if first == nil {
			first = &told
		}
	}
	if first == nil {
		return recalled{text: "nothing: no profile has " + memory.Name}
	}
	return *first
}

func (s *Scheduler) readCheckpoint(ctx context.Context, args *config.ForecastCheckpoint) ([]forecast.Record, recalled) {
	without := func(wrong bool, format string, arguments ...any) ([]forecast.Record, recalled) {
		return nil, recalled{text: withoutCheckpoint + ": " + fmt.Sprintf(format, arguments...), wrong: wrong}
	}
	if !args.Enabled {
		return without(false, "the profile keeps no checkpoint, so what the scheduler has learned of workloads is not known here")
	}
	namespace := args.Namespace
	if namespace == "" {
		namespace = s.schedulersNamespace()
	}
	name := namespace + "/" + args.Name
	object, err := s.options.Cluster.Client.CoreV1().ConfigMaps(namespace).Get(ctx, args.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return without(false, "there is no ConfigMap %s, which the scheduler writes every %s once it was asked about a pod", name, short(args.Interval.Duration))
	case apierrors.IsForbidden(err):
		return without(false, "no permission to get ConfigMap %s, so what the scheduler has learned of workloads is lost", name)
	case err != nil:
		return without(false, "ConfigMap %s cannot be read: %v", name, err)
	}
	data, ok := object.BinaryData[memory.CheckpointKey]
	if !ok {
		return without(false, "ConfigMap %s has no key %s yet", name, memory.CheckpointKey)
	}
	checkpoint, err := forecast.Decode(data)
	if err != nil {
		return without(true, "ConfigMap %s, key %s, cannot be used, so what the scheduler has learned of workloads is lost: %v", name, memory.CheckpointKey, err)
	}
	age := s.now.Sub(checkpoint.Written)
	text := fmt.Sprintf("of %s, as the scheduler wrote it down %s ago (ConfigMap %s), and what the last sample shows", plural(len(checkpoint.Records), "workload"), Age(age), name)
	if interval := args.Interval.Duration; age > overdue*interval {
		text += fmt.Sprintf("; it is to be written every %s: the scheduler does not run, or may not write it", short(interval))
	}
	return checkpoint.Records, recalled{text: text, checkpoint: &Checkpoint{ConfigMap: name, Written: stamp(checkpoint.Written), Workloads: len(checkpoint.Records)}}
}

// schedulersNamespace is where a scheduler keeps a checkpoint of no namespace: that of its ConfigMap, else that of its pods, else,
// for one outside of a pod, kube-system.
func (s *Scheduler) schedulersNamespace() string {
	if namespace := s.options.Profile.Namespace; namespace != "" {
		return namespace
	}
	for _, pod := range s.pods {
		if pod.Labels[profile.Label] == profile.Value {
			return pod.Namespace
		}
	}
	return metav1.NamespaceSystem
}

// short is a duration without units that are zero, as people write it.
func short(span time.Duration) string {
	if span >= time.Minute && span%time.Minute == 0 {
		return fmt.Sprintf("%dm", int64(span/time.Minute))
	}
	return span.String()
}

// checkLearned tells whether what the scheduler has learned outlives it.
func (s *Scheduler) checkLearned(context.Context) []Finding {
	if len(s.still.Books()) == 0 {
		return nil
	}
	known := s.recalled
	switch {
	case known.wrong:
		return finding("learned", Wrong, "delete the ConfigMap: the scheduler writes it anew", "%s", known.text)
	case known.checkpoint == nil:
		return finding("learned", Mind, "set checkpoint.enabled, let the scheduler write the ConfigMap, and whoever asks get it", "%s", known.text)
	case s.now.Sub(known.checkpoint.Written.Time) > overdue*s.still.Books()[0].Args.Checkpoint.Interval.Duration:
		return finding("learned", Mind, "look at the scheduler's log, and at headroom_memory_checkpoints_total", "%s", known.text)
	}
	return finding("learned", Fine, "", "%s", known.text)
}
