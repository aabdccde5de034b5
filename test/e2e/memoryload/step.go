// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// step brings the memory that is held to a size, over a time, and then stays there.
type step struct {
	bytes      int64
	over, stay time.Duration
}

// parseSteps reads steps of the form SIZE[:OVER[:STAY]].
func parseSteps(args []string) ([]step, error) {
	if len(args) == 0 {
		return nil, errors.New("no step given, such as 350Mi:5s; -help shows more")
	}
	steps := make([]step, 0, len(args))
	for _, arg := range args {
		parts := strings.Split(arg, ":")
		if len(parts) > 3 {
			return nil, fmt.Errorf("step %q has %d parts: write SIZE, SIZE:OVER or SIZE:OVER:STAY", arg, len(parts))
		}
		size, err := resource.ParseQuantity(parts[0])
		if err != nil || size.Sign() < 0 {
			return nil, fmt.Errorf("step %q: %q is no size, such as 350Mi", arg, parts[0])
		}
		times := [2]time.Duration{}
		for i, part := range parts[1:] {
			if times[i], err = time.ParseDuration(part); err != nil || times[i] < 0 {
				return nil, fmt.Errorf("step %q: %q is no time, such as 5s", arg, part)
			}
		}
		steps = append(steps, step{bytes: size.Value(), over: times[0], stay: times[1]})
	}
	return steps, nil
}
