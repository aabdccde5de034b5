// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/headroom-dev/headroom/pkg/lab/record"
	"github.com/headroom-dev/headroom/pkg/lab/screen"
	"github.com/headroom-dev/headroom/pkg/usage/metricsapi"
	"github.com/headroom-dev/headroom/pkg/usage/prometheus"
)

// recordOptions are the flags of record.
type recordOptions struct {
	record.Options
	kubeconfig, context string
	prometheus          prometheus.Options
}

// newRecordCommand writes a memory trace of a live cluster.
func newRecordCommand() *cobra.Command {
	var options recordOptions
	command := &cobra.Command{
		Use:   "record --out DIR [--prometheus URL]",
		Short: "Write a memory trace of a live cluster, for the replay",
		Long: "record writes the memory of a cluster's pods over time into a folder: series.csv has a row for each pod, with its requests " +
			"and its workload, usage.csv.gz its samples, and README.md says what they mean.\n\n" +
			"With --prometheus it asks for the last --duration: the working sets that the kubelets' cAdvisor measured, and what " +
			"kube-state-metrics says of the pods. Without, it looks at metrics.k8s.io and at the pods every --interval for --duration from " +
			"now on, by the current context of the kubeconfig, which may list pods and pods.metrics.k8s.io. It changes nothing in the " +
			"cluster.\n\n" +
			"replay needs two days, the first of which is what requests are made from, or less than a day of pods that end.\n\n" +
			"Ctrl-C ends it early and writes what there is so far.",
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options.Screen = screen.New(command.OutOrStdout(), term.IsTerminal(int(os.Stdout.Fd())))
			if options.prometheus.Address != "" {
				return options.fromPrometheus(command.Context())
			}
			return options.fromCluster(command.Context())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.Out, "out", "", "folder for the trace, which is not there yet (required)")
	flags.DurationVar(&options.Interval, "interval", time.Minute, "time between samples; metrics.k8s.io has a new one every 15s, and Prometheus should scrape at least so often")
	flags.DurationVar(&options.Duration, "duration", 72*time.Hour, "how long the recording is; replay needs two days")
	flags.BoolVar(&options.Anonymize, "anonymize", false, "replace the names of namespaces, workloads and priority classes by hashes, and number the pods")
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "kubeconfig file; $KUBECONFIG or ~/.kube/config if empty")
	flags.StringVar(&options.context, "context", "", "context of the kubeconfig; the current one if empty")
	flags.StringVar(&options.prometheus.Address, "prometheus", "", "https://HOST:PORT/PATH of a Prometheus server, what comes before /api/v1")
	flags.StringVar(&options.prometheus.BearerTokenFile, "prometheus-token-file", "", "file with a bearer token for it")
	flags.StringVar(&options.prometheus.Username, "prometheus-username", "", "user name for it, with a password file")
	flags.StringVar(&options.prometheus.PasswordFile, "prometheus-password-file", "", "file with the password")
	flags.StringVar(&options.prometheus.CAFile, "prometheus-ca-file", "", "certificates that its own is checked against; those of the system if empty")
	flags.BoolVar(&options.prometheus.Insecure, "prometheus-insecure", false, "send credentials without TLS, or to a server whose certificate is not checked")
	if err := command.MarkFlagRequired("out"); err != nil {
		panic(err) // the flag is defined above
	}
	return command
}

func (o *recordOptions) fromPrometheus(ctx context.Context) error {
	if o.kubeconfig != "" || o.context != "" {
		return errors.New("--prometheus, --kubeconfig, --context: with --prometheus the cluster itself is not asked; leave out one or the others")
	}
	source, err := prometheus.New(o.prometheus)
	if err != nil {
		return err
	}
	defer source.CloseIdleConnections()
	return record.FromPrometheus(ctx, source, o.Options)
}

func (o *recordOptions) fromCluster(ctx context.Context) error {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = o.kubeconfig
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, &clientcmd.ConfigOverrides{CurrentContext: o.context}).ClientConfig()
	if clientcmd.IsEmptyConfig(err) { // client-go advises a variable that it has long given up
		return errors.New("kubeconfig: there is none: name one with --kubeconfig or $KUBECONFIG")
	}
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	source, err := metricsapi.New(config, metricsapi.Options{})
	if err != nil {
		return err
	}
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("kubeconfig: %w", err)
	}
	return record.FromSource(ctx, source, clients, o.Options)
}
