// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWhoWantsNoColorsGetsNone(t *testing.T) {
	for _, test := range []struct {
		name, flag, variable string
		want                 bool
	}{
		{"no terminal", colorAuto, "", false},
		{"always", colorAlways, "", true},
		{"always, though the environment says no: the flag is nearer", colorAlways, "1", true},
		{"never", colorNever, "", false},
		{"the environment says no", colorAuto, "1", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShared(&environment{getenv: func(name string) string { return map[string]string{"NO_COLOR": test.variable}[name] }})
			s.color = test.flag
			if got := s.colored(); got != test.want {
				t.Errorf("colored: %t, want %t", got, test.want)
			}
		})
	}
}

func TestTheReadTimeoutIsForReading(t *testing.T) {
	broken := errors.New("broken")
	for _, test := range []struct {
		name  string
		takes time.Duration // to read, of a minute
		err   error         // of reading
		want  string
		lives bool // what was read, an hour later
	}{
		{"in time", 59 * time.Second, nil, "", true},
		{"too late", 61 * time.Second, nil, "it took longer than --read-timeout 1m0s", false},
		{"it failed", time.Second, broken, "broken", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reading, over := withReadLimit(t.Context(), time.Minute)
				time.Sleep(test.takes)
				got := ""
				if err := over(test.err); err != nil {
					got = err.Error()
				}
				time.Sleep(time.Hour)
				if lives := reading.Err() == nil; got != test.want || lives != test.lives {
					t.Errorf("error %q, it lives %t; want %q, %t", got, lives, test.want, test.lives)
				}
			})
		})
	}
	parent, cancel := context.WithCancel(t.Context())
	reading, over := withReadLimit(parent, time.Minute)
	if err := over(nil); err != nil {
		t.Fatal(err)
	}
	if cancel(); reading.Err() == nil {
		t.Error("it lives on though who asked has gone")
	}
}
