// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	configv1 "k8s.io/kube-scheduler/config/v1"
	"k8s.io/kubernetes/cmd/kube-scheduler/app"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	"sigs.k8s.io/yaml"
)

// started is kube-scheduler's command whose run is replaced by one that keeps the configuration it would read.
func started(t *testing.T, flags ...string) *schedulerconfig.KubeSchedulerConfiguration {
	t.Helper()
	command := app.NewSchedulerCommand()
	var read []byte
	command.RunE = func(command *cobra.Command, _ []string) error {
		path, err := command.Flags().GetString("config")
		if err != nil {
			return err
		}
		read, err = os.ReadFile(path)
		return err
	}
	runShippedProfileByDefault(command)
	command.SetArgs(flags)
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	object, _, err := schedulerscheme.Codecs.UniversalDecoder().Decode(read, nil, nil)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, read)
	}
	return object.(*schedulerconfig.KubeSchedulerConfiguration)
}

func TestAnEmptyConfigIsABareStart(t *testing.T) {
	if got := started(t, "--config="); got.Profiles[0].SchedulerName != "headroom-scheduler" {
		t.Errorf("schedulerName = %q, want headroom-scheduler", got.Profiles[0].SchedulerName)
	}
}

func TestABareStartRunsTheShippedProfile(t *testing.T) {
	got := started(t)
	if err := validation.ValidateKubeSchedulerConfiguration(got); err != nil {
		t.Errorf("the shipped profile is invalid: %v", err)
	}
	if got.Profiles[0].SchedulerName != "headroom-scheduler" {
		t.Errorf("schedulerName = %q, want headroom-scheduler", got.Profiles[0].SchedulerName)
	}
	if got.LeaderElection.ResourceName != "headroom-scheduler" {
		t.Errorf("lease = %q, want one that is not the default scheduler's", got.LeaderElection.ResourceName)
	}
	disabled := map[string]bool{}
	for _, plugin := range got.Profiles[0].Plugins.MultiPoint.Disabled {
		disabled[plugin.Name] = true
	}
	if diff := cmp.Diff(map[string]bool{"NodeName": true, "NodeAffinity": true, "NodeResourcesBalancedAllocation": true}, disabled); diff != "" {
		t.Errorf("disabled plugins (-want +got):\n%s", diff)
	}
}

func TestFlagsKeepTheirEffectInABareStart(t *testing.T) {
	got := started(t, "--kubeconfig=/some/kubeconfig", "--kube-api-qps=123", "--kube-api-burst=456",
		"--kube-api-content-type=application/json", "--profiling=false", "--contention-profiling=false")
	type wanted struct {
		Kubeconfig, ContentType string
		QPS                     float32
		Burst                   int32
		Profiling, Contention   bool
	}
	connection := got.ClientConnection
	if diff := cmp.Diff(wanted{"/some/kubeconfig", "application/json", 123, 456, false, false},
		wanted{connection.Kubeconfig, connection.ContentType, connection.QPS, connection.Burst, got.EnableProfiling, got.EnableContentionProfiling}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAConfigFileIsLeftAlone(t *testing.T) {
	path := t.TempDir() + "/config.yaml"
	content, err := yaml.Marshal(&configv1.KubeSchedulerConfiguration{})
	if err != nil {
		t.Fatal(err)
	}
	content = append([]byte("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"), bytes.TrimPrefix(content, []byte("{}"))...)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := started(t, "--config="+path); len(got.Profiles) != 1 || got.Profiles[0].SchedulerName != "default-scheduler" {
		t.Errorf("profiles = %v, want the default one of the file", got.Profiles)
	}
}

func TestVersionTellsHeadroomsAndThatOfKubernetes(t *testing.T) {
	command := app.NewSchedulerCommand()
	command.RunE = func(*cobra.Command, []string) error { t.Error("the scheduler was started"); return nil }
	printOwnVersion(command)
	var out strings.Builder
	command.SetOut(&out)
	command.SetErr(io.Discard)
	command.SetArgs([]string{"--version"})
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Headroom " + version, "Kubernetes v1."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("--version prints %q, want it to have %q", out.String(), want)
		}
	}
}
