// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"sigs.k8s.io/yaml"

	"github.com/headroom-dev/headroom/config"
)

// runShippedProfileByDefault makes a start without --config run the shipped profile instead of the stock scheduler's, and
// say so. The flags that kube-scheduler honours only without --config, such as --kubeconfig, keep their effect.
func runShippedProfileByDefault(command *cobra.Command) {
	run := command.RunE
	command.RunE = func(command *cobra.Command, args []string) error {
		if file, err := command.Flags().GetString("config"); err != nil || file != "" {
			return run(command, args)
		}
		profile, err := shippedProfile(command.Flags())
		if err != nil {
			return err
		}
		reader, err := pipe(profile)
		if err != nil {
			return err
		}
		defer reader.Close() // also keeps it open until the configuration was read
		if err := command.Flags().Set("config", fmt.Sprintf("/dev/fd/%d", reader.Fd())); err != nil {
			return fmt.Errorf("use the shipped profile: %w", err)
		}
		klog.Background().Info("No --config given: running the shipped profile", "schedulerName", "headroom-scheduler", "lease", "kube-system/headroom-scheduler")
		return run(command, args)
	}
}

// shippedProfile returns the shipped configuration with the flags applied that a configuration file replaces
// (k8s.io/kubernetes cmd/kube-scheduler/app/options/options.go, ApplyDeprecated).
func shippedProfile(flags *pflag.FlagSet) ([]byte, error) {
	shipped := &configv1.KubeSchedulerConfiguration{}
	if err := yaml.UnmarshalStrict(config.SchedulerConfig, shipped); err != nil {
		return nil, fmt.Errorf("shipped profile: %w", err)
	}
	connection := &shipped.ClientConnection
	var err error
	apply := func(name string, set func() error) {
		if err == nil && flags.Changed(name) {
			if setErr := set(); setErr != nil {
				err = fmt.Errorf("--%s: %w", name, setErr)
			}
		}
	}
	apply("kubeconfig", func() (err error) { connection.Kubeconfig, err = flags.GetString("kubeconfig"); return })
	apply("kube-api-content-type", func() (err error) { connection.ContentType, err = flags.GetString("kube-api-content-type"); return })
	apply("kube-api-qps", func() (err error) { connection.QPS, err = flags.GetFloat32("kube-api-qps"); return })
	apply("kube-api-burst", func() (err error) { connection.Burst, err = flags.GetInt32("kube-api-burst"); return })
	apply("profiling", func() error {
		value, err := flags.GetBool("profiling")
		shipped.EnableProfiling = &value
		return err
	})
	apply("contention-profiling", func() error {
		value, err := flags.GetBool("contention-profiling")
		shipped.EnableContentionProfiling = &value
		return err
	})
	if err != nil {
		return nil, err
	}
	return yaml.Marshal(shipped)
}

// pipe returns a file that content can be read from once. A pipe leaves no file behind and needs no writable file system,
// so a bare start works in a read-only container too.
func pipe(content []byte) (*os.File, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("hand over the shipped profile: %w", err)
	}
	go func() {
		defer writer.Close()
		if _, err := writer.Write(content); err != nil {
			klog.Background().Error(err, "The shipped profile could not be handed over")
		}
	}()
	return reader, nil
}
