// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/pkg/explain"
	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/manifest"
)

// errNoPod begins the error of a name that no pod has.
var errNoPod = errors.New("there is no pod")

// explainOptions are the flags of explain.
type explainOptions struct {
	watching
	file     string
	replicas int
	nodes    []string
	// allNamespaces is for pending pods.
	allNamespaces bool
}

// newExplainCommand says why a pod is pending, or why it is where it is.
func newExplainCommand(shared *shared) *cobra.Command {
	options := &explainOptions{watching: watching{shared: shared}}
	command := &cobra.Command{
		Use:   "explain [POD | -f FILE | -A]",
		Short: "Why a pod is pending, or why it is where it is, or where it would go",
		Long: "explain runs a scheduling cycle for the pod, with every plugin on every node, and tells who rejects how many nodes and what " +
			"would have to change, or which node wins and by what. A pod that has a node is judged as if it were not there.\n\n" +
			"Without a pod, it lists those that are pending, in the namespace or with -A in all, by what keeps most nodes from them.\n\n" +
			"FILE has a Pod, or an object with a pod template; - is the standard input.",
		Example: "  kubectl headroom explain -A\n" +
			"  kubectl headroom explain web-7d4b9c-xk2p5 --watch\n" +
			"  kubectl headroom explain -f pod.yaml --replicas 20\n" +
			"  kubectl headroom explain web-7d4b9c-xk2p5 --node node-7 -o wide",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: shared.completePods,
		RunE: func(command *cobra.Command, arguments []string) error {
			return options.run(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&options.file, "filename", "f", "", "file with the pod, instead of one that is in the cluster")
	flags.BoolVarP(&options.allNamespaces, "all-namespaces", "A", false, "list the pending pods of all namespaces")
	flags.IntVar(&options.replicas, "replicas", 0, "place so many copies of the pod one after another; 0: as many as the file says, at least 1")
	flags.StringSliceVar(&options.nodes, "node", nil, "tell what every plugin says of this node; may be given again")
	options.addFlags(flags, "of a pod: look again at every --interval, answer again when the answer has changed, and end with 0 when the pod has a node")
	offer(command, "node", shared.completeNodes)
	return command
}

func (o *explainOptions) run(ctx context.Context, arguments []string) error {
	if err := o.checkAll(arguments); err != nil {
		return err
	}
	if len(arguments) == 0 && o.file == "" {
		return o.pending(ctx)
	}
	told := ""
	interrupted, err := o.repeat(ctx, func(ctx context.Context) (over bool, err error) { return o.show(ctx, arguments, &told) })
	switch {
	case interrupted && o.answered: // before the pod had a node
		return errNo
	case interrupted:
		return context.Cause(ctx)
	}
	return err
}

// show answers, but with --watch only what is other than what was told. It is over for a pod that has a node, has ended or is gone.
func (o *explainOptions) show(ctx context.Context, arguments []string, told *string) (over bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	of, err := o.open()
	if err != nil {
		return false, err
	}
	found, err := o.found(ctx, of, arguments)
	if err != nil {
		return errors.Is(err, errNoPod), err
	}
	placement, err := o.explain(ctx, of, found)
	if err != nil {
		return false, err
	}
	text := placementText{placement: placement, nodes: o.nodes}
	if err := text.check(); err != nil {
		return false, err
	}
	if gist := gistOf(placement); gist != *told {
		*told = gist
		if err := o.next(placement, goesTo(placement), text.write); err != nil {
			return false, err
		}
	}
	switch phase := found.Pod.Status.Phase; {
	case o.watch && placement.Node != "":
		return true, nil
	case o.watch && phase != corev1.PodSucceeded && phase != corev1.PodFailed:
		return false, nil
	case !placement.Fits:
		return true, errNo
	}
	return true, nil
}

// explain asks the cluster's scheduler about a pod.
func (o *explainOptions) explain(ctx context.Context, of *cluster.Cluster, found *manifest.Found) (*explain.Placement, error) {
	with, err := o.profileOf(ctx, of, found.Pod.Spec.SchedulerName)
	if err != nil {
		return nil, err
	}
	scheduler, err := o.scheduler(ctx, explain.Options{Cluster: of, Profile: with, Wanted: []string{found.Pod.Spec.SchedulerName}})
	if err != nil {
		return nil, err
	}
	placement, err := scheduler.Explain(ctx, found.Pod, found.Replicas)
	if err != nil {
		return nil, err
	}
	if found.OverQuota != "" {
		placement.Begin(explain.Note{Kind: explain.NoteQuota, Decides: true, Text: found.OverQuota})
	}
	for _, note := range found.Notes {
		placement.First = append(placement.First, explain.Note{Kind: explain.NoteController, Text: note})
	}
	return placement, nil
}

// gistOf is what has to change for an answer to be another one: not figures and ages, which differ at every look.
func gistOf(placement *explain.Placement) string {
	gist := []string{placement.Node, placement.Winner, fmt.Sprint(placement.Fits, placement.Counts)}
	for _, note := range placement.First {
		gist = append(gist, note.Kind)
	}
	for _, cause := range placement.Causes {
		gist = append(gist, fmt.Sprint(cause.Plugin, cause.Reason, cause.Nodes))
	}
	if preemption := placement.Preemption; preemption != nil {
		gist = append(gist, preemption.Node)
		for _, preempted := range preemption.Preempted {
			gist = append(gist, fmt.Sprint(preempted.Pod))
		}
	}
	if placement.Replicas != nil {
		gist = append(gist, fmt.Sprint(placement.Replicas.Nodes))
	}
	return strings.Join(gist, "\n")
}

// goesTo returns the nodes that the pod or its copies go to, each once; none for a pod that something but the nodes holds back.
func goesTo(placement *explain.Placement) []string {
	held := slices.ContainsFunc(placement.First, func(note explain.Note) bool { return note.Decides })
	switch {
	case held, placement.Winner == "":
		return nil
	case placement.Replicas == nil:
		return []string{"node/" + placement.Winner}
	}
	var names []string
	for _, node := range placement.Replicas.Nodes {
		names = append(names, "node/"+node.Node)
	}
	return names
}

// checkAll says which flags do not go together.
func (o *explainOptions) checkAll(arguments []string) error {
	one := len(arguments) == 1 || o.file != ""
	switch {
	case len(arguments) == 1 && o.file != "":
		return errors.New("want the name of a pod, or -f FILE, not both")
	case one && o.allNamespaces:
		return errors.New("-A lists all pending pods; name a pod by -n NAMESPACE POD")
	case !one && (o.replicas != 0 || len(o.nodes) > 0):
		return errors.New("--replicas and --node are for one pod: want the name of a pod, or -f FILE")
	case o.replicas < 0:
		return fmt.Errorf("--replicas %d: want 0 or more", o.replicas)
	case o.watch && len(arguments) == 0:
		return errors.New("--watch is for a pod that is in the cluster: want its name")
	}
	return o.check()
}

// found returns the pod that is asked about, and how many copies of it; 0: copies are not asked for.
func (o *explainOptions) found(ctx context.Context, of *cluster.Cluster, arguments []string) (*manifest.Found, error) {
	namespace, err := o.namespace()
	if err != nil {
		return nil, err
	}
	if o.file == "" {
		name := bareName(arguments[0], "pod")
		pod, err := within(ctx, o.limit, func(ctx context.Context) (*corev1.Pod, error) {
			return of.Client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		})
		if apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("%w %q in namespace %q", errNoPod, name, namespace)
		}
		return &manifest.Found{Pod: pod, Replicas: o.replicas}, err
	}
	text, err := o.read()
	if err != nil {
		return nil, err
	}
	found, err := manifest.Read(text, namespace)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.file, err)
	}
	switch {
	case o.replicas > 0:
		found.Replicas = o.replicas
	case found.Replicas <= 1: // Which is not asked for: one is what the answer is about anyhow.
		found.Replicas = 0
	}
	return within(ctx, o.limit, func(ctx context.Context) (*manifest.Found, error) { return found, found.Admit(ctx, of.Client, of.Lose) })
}

func (o *explainOptions) read() ([]byte, error) {
	if o.file == "-" {
		return io.ReadAll(o.In)
	}
	return os.ReadFile(o.file)
}

// placementText writes a placement.
type placementText struct {
	placement *explain.Placement
	nodes     []string
}
