// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseSteps(t *testing.T) {
	tests := []struct {
		name      string
		args      []string
		want      []step
		wantError string
	}{
		{name: "size alone", args: []string{"64Mi"}, want: []step{{bytes: 64 << 20}}},
		{name: "growth", args: []string{"350Mi:5s"}, want: []step{{bytes: 350 << 20, over: 5 * time.Second}}},
		{
			name: "burst", args: []string{"30Mi:0s:40s", "150Mi:2s:20s"},
			want: []step{{bytes: 30 << 20, stay: 40 * time.Second}, {bytes: 150 << 20, over: 2 * time.Second, stay: 20 * time.Second}},
		},
		{name: "nothing", wantError: "no step given, such as 350Mi:5s; -help shows more"},
		{name: "no size", args: []string{"much"}, wantError: `step "much": "much" is no size, such as 350Mi`},
		{name: "negative size", args: []string{"-1Mi"}, wantError: `step "-1Mi": "-1Mi" is no size, such as 350Mi`},
		{name: "no time", args: []string{"1Mi:soon"}, wantError: `step "1Mi:soon": "soon" is no time, such as 5s`},
		{name: "negative time", args: []string{"1Mi:1s:-1s"}, wantError: `step "1Mi:1s:-1s": "-1s" is no time, such as 5s`},
		{name: "a part too many", args: []string{"1Mi:1s:1s:1s"}, wantError: `step "1Mi:1s:1s:1s" has 4 parts: write SIZE, SIZE:OVER or SIZE:OVER:STAY`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseSteps(tt.args)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != tt.wantError {
				t.Fatalf("error %q, want %q", message, tt.wantError)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(step{})); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
}
