// SPDX-License-Identifier: Apache-2.0

package kubelet

import (
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// ProfileAnnotation on a pod says what its first container holds over time; see ParseProfile. Without it, the pod holds what
// it requests.
const ProfileAnnotation = "lab.headroom.dev/memory"

// Profile is what a container holds over the time since it started: from Start it grows evenly to Steady, which it reaches
// after Over; from then on it bursts to Burst for the first For of each Every.
type Profile struct {
	Start, Steady, Burst int64 // bytes
	Over, Every, For     time.Duration
}

// ParseProfile reads a profile such as
//
//	start=80Mi steady=450Mi over=40s burst=600Mi every=60s for=15s
//
// Only steady is required; start defaults to steady, and without burst, every and for there are no bursts. An error names
// the key that is wrong.
func ParseProfile(text string) (Profile, error) {
	var profile Profile
	sizes := map[string]*int64{"start": &profile.Start, "steady": &profile.Steady, "burst": &profile.Burst}
	durations := map[string]*time.Duration{"over": &profile.Over, "every": &profile.Every, "for": &profile.For}
	seen := map[string]bool{}
	for word := range strings.FieldsSeq(text) {
		key, value, ok := strings.Cut(word, "=")
		if !ok {
			return Profile{}, fmt.Errorf("memory profile: %q is not key=value", word)
		}
		if seen[key] {
			return Profile{}, fmt.Errorf("memory profile: %s is given twice", key)
		}
		seen[key] = true
		switch {
		case sizes[key] != nil:
			quantity, err := resource.ParseQuantity(value)
			if err != nil {
				return Profile{}, fmt.Errorf("memory profile: %s=%q: %w", key, value, err)
			}
			if quantity.Sign() < 0 {
				return Profile{}, fmt.Errorf("memory profile: %s=%q must not be negative", key, value)
			}
			*sizes[key] = quantity.Value()
		case durations[key] != nil:
			duration, err := time.ParseDuration(value)
			if err != nil {
				return Profile{}, fmt.Errorf("memory profile: %s=%q: %w", key, value, err)
			}
			if duration <= 0 {
				return Profile{}, fmt.Errorf("memory profile: %s=%q must be more than 0", key, value)
			}
			*durations[key] = duration
		default:
			return Profile{}, fmt.Errorf("memory profile: unknown key %q, want start, steady, over, burst, every or for", key)
		}
	}
	if !seen["steady"] {
		return Profile{}, fmt.Errorf("memory profile: steady is missing in %q", text)
	}
	if !seen["start"] {
		profile.Start = profile.Steady
	}
	if seen["burst"] != seen["every"] || seen["burst"] != seen["for"] {
		return Profile{}, fmt.Errorf("memory profile: burst, every and for go together in %q", text)
	}
	if profile.For > profile.Every {
		return Profile{}, fmt.Errorf("memory profile: for=%s is longer than every=%s", profile.For, profile.Every)
	}
	return profile, nil
}

// At returns the bytes held at a time since the container started. The figure is scaled by scale (1 is as written), and
// bursts begin by phase (0 to 1 of Every) later, so that replicas do not march in step.
func (p Profile) At(since time.Duration, scale, phase float64) int64 {
	held := p.Steady
	switch {
	case since < 0:
		return 0
	case since < p.Over:
		held = p.Start + int64(float64(p.Steady-p.Start)*float64(since)/float64(p.Over))
	case p.Every > 0:
		into := (since - p.Over + time.Duration((1-phase)*float64(p.Every))) % p.Every
		if into < p.For {
			held = p.Burst
		}
	}
	return int64(float64(held) * scale)
}

// Peak returns the most that the profile ever holds, in bytes.
func (p Profile) Peak() int64 { return max(p.Start, p.Steady, p.Burst) }
