// SPDX-License-Identifier: Apache-2.0

// Package profile finds the KubeSchedulerConfiguration that a cluster's scheduler runs, and says what is wrong with one.
package profile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	schedulerconfig "k8s.io/kubernetes/pkg/scheduler/apis/config"
	schedulerscheme "k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"

	shipped "github.com/headroom-dev/headroom/config"
	_ "github.com/headroom-dev/headroom/pkg/plugins/registry" // the plugins' arguments
)

const (
	// Label is of the ConfigMap that a running scheduler has its configuration from.
	Label = "app.kubernetes.io/name"
	// Value is that of the label.
	Value = "headroom-scheduler"
	// Key is where the configuration is in the ConfigMap.
	Key = "scheduler-config.yaml"

	// Every stands for the schedulers of all ConfigMaps, where one is wanted.
	Every = "*"

	// Shipped is the name of the scheduler of the shipped profile.
	Shipped = "headroom-scheduler"
)

// Profile is a configuration and where it is from.
type Profile struct {
	Config *schedulerconfig.KubeSchedulerConfiguration
	// Origin says in words where it is from, and Text is what is written there: of several, of the first.
	Origin string
	Text   []byte
	// Namespace is that of the scheduler whose ConfigMap it is from, or "".
	Namespace string
	// Doubt says why it may be another than the one that the scheduler runs, or "".
	Doubt string
}

// Decode reads a configuration strictly, with defaults, as kube-scheduler does.
func Decode(text []byte) (*schedulerconfig.KubeSchedulerConfiguration, error) {
	object, version, err := schedulerscheme.Codecs.UniversalDecoder().Decode(text, nil, nil)
	if err != nil {
		return nil, err
	}
	configuration, ok := object.(*schedulerconfig.KubeSchedulerConfiguration)
	if !ok {
		return nil, fmt.Errorf("it is a %s, want a KubeSchedulerConfiguration", version)
	}
	configuration.APIVersion = version.GroupVersion().String()
	return configuration, nil
}

// OfFile reads the configuration of a file.
func OfFile(path string) (*Profile, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	configuration, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Profile{Config: configuration, Origin: "file " + path, Text: text}, nil
}

// OfBinary returns the configuration that headroom-scheduler runs without --config.
func OfBinary() (*Profile, error) {
	configuration, err := Decode(shipped.SchedulerConfig)
	if err != nil {
		return nil, fmt.Errorf("the shipped profile: %w", err)
	}
	return &Profile{Config: configuration, Origin: "the shipped profile", Text: shipped.SchedulerConfig}, nil
}

// OfCluster returns the configuration in the ConfigMap that is labelled Label: Value, or the shipped one where there is none. Of
// several, it is the first that has a profile of the wanted name, or else the first; or where Every is wanted, the first with the others' profiles.
func OfCluster(ctx context.Context, client kubernetes.Interface, wanted string) (*Profile, error) {
	found, err := configMaps(ctx, client)
	if apierrors.IsForbidden(err) {
		return orShipped("no permission to list configmaps: the configuration that the scheduler runs is not known")
	}
	if err != nil {
		return nil, &LookupError{err}
	}
	if len(found) == 0 {
		return orShipped(fmt.Sprintf("the cluster has no ConfigMap labelled %s=%s with the key %s", Label, Value, Key))
	}
	if wanted == Every {
		return ofAll(found)
	}
	profile, err := ofConfigMap(&found[0])
	for i := 1; i < len(found) && (err != nil || !slices.Contains(profile.Names(), wanted)); i++ {
		if other, err := ofConfigMap(&found[i]); err == nil && slices.Contains(other.Names(), wanted) {
			return other, nil
		}
	}
	if err != nil {
		return nil, err
	}
	if len(found) > 1 && !slices.Contains(profile.Names(), wanted) {
		profile.Doubt = fmt.Sprintf("there are %d such ConfigMaps; --config chooses another one", len(found))
	}
	return profile, nil
}

// ofAll returns the first configuration that can be read, with the others' profiles. That some cannot be is a doubt.
func ofAll(found []corev1.ConfigMap) (all *Profile, err error) {
	var unread []string
	var first error
	for i := range found {
		switch other, err := ofConfigMap(&found[i]); {
		case err != nil:
			if unread = append(unread, found[i].Namespace+"/"+found[i].Name); first == nil {
				first = err
			}
		case all == nil:
			all = other
		default:
			all.add(other)
		}
	}
	if all == nil {
		return nil, first
	}
	if len(unread) > 0 {
		all.Doubt = fmt.Sprintf("what is in ConfigMap %s cannot be read, and is not known: %v", strings.Join(unread, ", "), first)
	}
	return all, nil
}

// add adds the profiles of another configuration but those whose names are there.
func (p *Profile) add(other *Profile) {
	for _, each := range other.Config.Profiles {
		if !slices.Contains(p.Names(), each.SchedulerName) {
			p.Config.Profiles = append(p.Config.Profiles, each)
		}
	}
	p.Origin += ", " + other.Origin
}

func ofConfigMap(from *corev1.ConfigMap) (*Profile, error) {
	name := fmt.Sprintf("ConfigMap %s/%s", from.Namespace, from.Name)
	text := []byte(from.Data[Key])
	configuration, err := Decode(text)
	if err != nil {
		return nil, fmt.Errorf("%s, %s: %w", name, Key, err)
	}
	return &Profile{Config: configuration, Origin: name, Text: text, Namespace: from.Namespace}, nil
}

// LookupError is that the cluster did not say whether it has a configuration.
type LookupError struct{ err error }

// Error says what was asked, and the answer.
func (e *LookupError) Error() string { return "look for the scheduler's ConfigMap: " + e.err.Error() }

// Unwrap returns the answer.
func (e *LookupError) Unwrap() error { return e.err }

func orShipped(doubt string) (*Profile, error) {
	profile, err := OfBinary()
	if err != nil {
		return nil, err
	}
	profile.Doubt = doubt
	return profile, nil
}

// configMaps returns the ConfigMaps with a configuration, in all namespaces, or where that is forbidden in kube-system.
func configMaps(ctx context.Context, client kubernetes.Interface) ([]corev1.ConfigMap, error) {
	options := metav1.ListOptions{LabelSelector: Label + "=" + Value}
	list, err := client.CoreV1().ConfigMaps(metav1.NamespaceAll).List(ctx, options)
	if apierrors.IsForbidden(err) {
		everywhere := err
		if list, err = client.CoreV1().ConfigMaps(metav1.NamespaceSystem).List(ctx, options); err != nil || len(list.Items) == 0 {
			return nil, errors.Join(everywhere, err)
		}
	}
	if err != nil {
		return nil, err
	}
	found := slices.DeleteFunc(list.Items, func(item corev1.ConfigMap) bool { return item.Data[Key] == "" })
	slices.SortFunc(found, func(a, b corev1.ConfigMap) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})
	return found, nil
}

// Problems returns what is wrong with what is written there, or may be meant otherwise.
func (p *Profile) Problems() []Problem {
	_, problems := Validate(p.Text)
	return problems
}

// Names returns the names of the schedulers that a configuration makes.
func (p *Profile) Names() []string {
	names := make([]string, len(p.Config.Profiles))
	for i := range p.Config.Profiles {
		names[i] = p.Config.Profiles[i].SchedulerName
	}
	return names
}

// With returns the profile with the default scheduler's added as Kubernetes has it, if that is wanted and not in it: every cluster
// has one. added are the names of what was. Other schedulers that the configuration lacks nobody is known to run.
func (p *Profile) With(wanted ...string) (complete *Profile, added []string, err error) {
	complete = &Profile{Config: p.Config.DeepCopy(), Origin: p.Origin, Text: p.Text, Namespace: p.Namespace, Doubt: p.Doubt}
	for _, name := range wanted {
		if name != corev1.DefaultSchedulerName || slices.Contains(complete.Names(), name) {
			continue
		}
		other, err := Decode([]byte("apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"))
		if err != nil {
			return nil, nil, fmt.Errorf("the profile of %s: %w", name, err)
		}
		complete.Config.Profiles = append(complete.Config.Profiles, other.Profiles[0])
		added = append(added, name)
	}
	return complete, added, nil
}
