// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/headroom-dev/headroom/pkg/explain/profile"
	"github.com/headroom-dev/headroom/pkg/lab/replay"
)

// playedPolicies returns the policies of these names, and after them those of configuration files.
func playedPolicies(names, configs []string) ([]replay.Policy, error) {
	chosen, err := chosenPolicies(names)
	if err != nil {
		return nil, fmt.Errorf("--policies: %w", err)
	}
	own, err := ownPolicies(configs)
	if err != nil {
		return nil, fmt.Errorf("--config: %w", err)
	}
	return append(chosen, own...), nil
}

// chosenPolicies returns the policies of these names, each once.
func chosenPolicies(names []string) ([]replay.Policy, error) {
	var chosen []replay.Policy
	add := func(policies ...replay.Policy) {
		for _, policy := range policies {
			if !slices.ContainsFunc(chosen, func(other replay.Policy) bool { return other.Name == policy.Name }) {
				chosen = append(chosen, policy)
			}
		}
	}
	for _, name := range names {
		switch name {
		case "all":
			add(replay.Policies()...)
		case "ablation":
			add(replay.Ablations()...)
		case "tuned":
			add(replay.Tuned()...)
		default:
			policy, err := replay.PolicyNamed(name)
			if err != nil {
				return nil, err
			}
			add(policy)
		}
	}
	return chosen, nil
}

// ownPolicies returns those of configuration files, each under its file's name.
func ownPolicies(files []string) ([]replay.Policy, error) {
	var own []replay.Policy
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var refused []error
		configuration, problems := profile.Validate(text)
		for _, problem := range problems {
			if problem.Refused {
				refused = append(refused, errors.New(problem.Place(file)+": "+problem.Words()))
			}
		}
		if len(refused) > 0 {
			return nil, errors.Join(refused...)
		}
		if count := len(configuration.Profiles); count != 1 {
			return nil, fmt.Errorf("%s: it has %d profiles, and a policy is one: put each into a file of its own", file, count)
		}
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		if _, err := replay.PolicyNamed(name); err == nil || slices.ContainsFunc(own, func(other replay.Policy) bool { return other.Name == name }) {
			return nil, fmt.Errorf("%s: there is a policy %q already: results need names of their own, so rename the file", file, name)
		}
		own = append(own, replay.PolicyOf(name, string(text)))
	}
	return own, nil
}
