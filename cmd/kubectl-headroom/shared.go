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
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/pkg/explain"
	"github.com/headroom-dev/headroom/pkg/explain/cluster"
	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/usage"
)

// environment is what a command runs in. Tests give it a cluster and a source of their own.
type environment struct {
	genericiooptions.IOStreams
	clock  clock.Clock
	getenv func(string) string
	// given is nil for the cluster that the flags name.
	given  *cluster.Cluster
	source usage.Source
}

const (
	outputTable = "table"
	outputWide  = "wide"
	outputJSON  = "json"
	outputYAML  = "yaml"
	outputName  = "name"

	colorAuto   = "auto"
	colorAlways = "always"
	colorNever  = "never"
)

// shared are the flags of all commands.
type shared struct {
	*environment
	flags     *genericclioptions.ConfigFlags
	output    string
	noHeaders bool
	color     string
	config    string
	limit     time.Duration
	verbose   int
}

func newShared(env *environment) *shared {
	return &shared{environment: env, flags: genericclioptions.NewConfigFlags(true)}
}

func (s *shared) addFlags(flags *pflag.FlagSet) {
	s.flags.AddFlags(flags)
	flags.StringVarP(&s.output, "output", "o", outputTable, "table, wide, json, yaml or name")
	flags.BoolVar(&s.noHeaders, "no-headers", false, "print no headers of tables")
	flags.StringVar(&s.color, "color", colorAuto, "auto, always or never; NO_COLOR is never too")
	flags.StringVar(&s.config, "config", "", "file with the KubeSchedulerConfiguration that the scheduler runs; "+
		"else that of the ConfigMap labelled "+profile.Label+"="+profile.Value+", else the shipped one")
	flags.DurationVar(&s.limit, "read-timeout", time.Minute, "how long to read the cluster at most")
	flags.IntVarP(&s.verbose, "v", "v", 0, "log what the libraries say, from 1 on")
}

// outputs are the values of --output.
func outputs() []string { return []string{outputTable, outputWide, outputJSON, outputYAML, outputName} }

// complete checks the flags.
func (s *shared) complete(*cobra.Command) error {
	if !slices.Contains(outputs(), s.output) {
		return fmt.Errorf("--output %q: want one of %s", s.output, strings.Join(outputs(), ", "))
	}
	if colors := []string{colorAuto, colorAlways, colorNever}; !slices.Contains(colors, s.color) {
		return fmt.Errorf("--color %q: want one of %s", s.color, strings.Join(colors, ", "))
	}
	return nil
}

// colored reports whether what is printed may have colours.
func (s *shared) colored() bool {
	switch {
	case s.color == colorAlways:
		return true
	case s.color == colorNever || s.getenv("NO_COLOR") != "":
		return false
	}
	return isTerminal(s.Out)
}

func isTerminal(writer any) bool {
	file, ok := writer.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// open returns the cluster.
func (s *shared) open() (*cluster.Cluster, error) {
	if s.given != nil {
		return s.given, nil
	}
	config, err := s.flags.ToRESTConfig()
	if err != nil {
		return nil, err
	}
	config.UserAgent = "kubectl-headroom"
	return cluster.Open(config)
}

// profileOf returns the configuration that the flags name, or the cluster's: of several that which has the scheduler of the name, if
// there is one.
func (s *shared) profileOf(ctx context.Context, of *cluster.Cluster, scheduler string) (*profile.Profile, error) {
	if s.config != "" {
		return profile.OfFile(s.config)
	}
	return within(ctx, s.limit, func(ctx context.Context) (*profile.Profile, error) {
		return profile.OfCluster(ctx, of.Client, scheduler)
	})
}

// lateError is that the cluster was not read in time.
type lateError struct{ limit time.Duration }

// Error says how long was waited, and by which flag.
func (e *lateError) Error() string {
	return fmt.Sprintf("it took longer than --read-timeout %s", e.limit)
}

// within asks the cluster something, for no longer than the limit.
func within[Answer any](ctx context.Context, limit time.Duration, ask func(context.Context) (Answer, error)) (Answer, error) {
	asking, cancel := context.WithTimeoutCause(ctx, limit, &lateError{limit})
	defer cancel()
	answer, err := ask(asking)
	if late := (*lateError)(nil); err != nil && errors.As(context.Cause(asking), &late) {
		err = fmt.Errorf("read the cluster: %w", late)
	}
	return answer, err
}

// scheduler reads the cluster and makes a scheduler of it, which ends with ctx.
func (s *shared) scheduler(ctx context.Context, options explain.Options) (*explain.Scheduler, error) {
	reading, over := withReadLimit(ctx, s.limit)
	stop := s.progress(options.Cluster)
	defer stop()
	options.Clock, options.Source = s.clock, s.source
	made, err := explain.Open(reading, options)
	return made, over(err)
}

// withReadLimit returns a context that ends after the limit, unless over is called before that with what came of reading: without an
// error it lives as long as its parent then, for what was read is asked for as long as it takes. over returns that error, or that it was
// too late.
func withReadLimit(parent context.Context, limit time.Duration) (reading context.Context, over func(error) error) {
	reading, cancel := context.WithCancelCause(parent)
	late := time.AfterFunc(limit, func() { cancel(&lateError{limit}) })
	return reading, func(err error) error {
		if inTime := late.Stop(); err == nil && !inTime {
			return context.Cause(reading)
		}
		if err != nil {
			cancel(err)
		}
		return err
	}
}

// namespace is the one of the flags or of the kubeconfig.
func (s *shared) namespace() (string, error) {
	if s.given != nil {
		if s.flags.Namespace != nil && *s.flags.Namespace != "" {
			return *s.flags.Namespace, nil
		}
		return "default", nil
	}
	namespace, _, err := s.flags.ToRawKubeConfigLoader().Namespace()
	return namespace, err
}

// print writes an answer as JSON, YAML or text. names are what -o name prints.
func (s *shared) print(answer any, names []string, text func(*page)) error {
	var err error
	var out []byte
	switch s.output {
	case outputJSON:
		out, err = indented(answer)
	case outputYAML:
		out, err = yaml.Marshal(answer)
	case outputName:
		for _, name := range names {
			out = append(out, name+"\n"...)
		}
	default:
		page := &page{wide: s.output == outputWide, headers: !s.noHeaders, colored: s.colored()}
		text(page)
		out = []byte(page.text.String())
	}
	if err != nil {
		return err
	}
	return writeAll(s.Out, out)
}

// bareName is the name of an object of a kind as kubectl and "-o name" write it: with the kind before it, or without.
func bareName(argument, kind string) string {
	return strings.TrimPrefix(strings.TrimPrefix(argument, kind+"s/"), kind+"/")
}

// writeError is that an answer could not be written: to read anew does not help.
type writeError struct{ error }

// Unwrap returns why.
func (e *writeError) Unwrap() error { return e.error }

func writeAll(to io.Writer, text []byte) error {
	if _, err := to.Write(text); err != nil {
		return &writeError{err}
	}
	return nil
}
