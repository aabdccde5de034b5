// SPDX-License-Identifier: Apache-2.0

package kubelet_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/kubelet"
)

const mi = int64(1) << 20

func TestParseProfile(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       kubelet.Profile
	}{
		{"steady only", "steady=100Mi", kubelet.Profile{Start: 100 * mi, Steady: 100 * mi}},
		{"all", "start=80Mi steady=450Mi over=40s burst=600Mi every=60s for=15s",
			kubelet.Profile{Start: 80 * mi, Steady: 450 * mi, Over: 40 * time.Second, Burst: 600 * mi, Every: time.Minute, For: 15 * time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := kubelet.ParseProfile(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("profile (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseProfileNamesTheKeyThatIsWrong(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"", "steady is missing"},
		{"steady", `"steady" is not key=value`},
		{"steady=lots", "steady="},
		{"steady=-1Mi", "must not be negative"},
		{"steady=1Mi steady=2Mi", "steady is given twice"},
		{"steady=1Mi over=0s", "over="},
		{"steady=1Mi burst=2Mi", "burst, every and for go together"},
		{"steady=1Mi burst=2Mi every=10s for=11s", "for=11s is longer"},
		{"steady=1Mi grow=2Mi", `unknown key "grow"`},
	} {
		t.Run(test.text, func(t *testing.T) {
			if _, err := kubelet.ParseProfile(test.text); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestAt(t *testing.T) {
	profile, err := kubelet.ParseProfile("start=100Mi steady=300Mi over=20s burst=600Mi every=40s for=10s")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name         string
		since        time.Duration
		scale, phase float64
		want         int64
	}{
		{"before the start", -time.Second, 1, 0, 0},
		{"at the start", 0, 1, 0, 100 * mi},
		{"half-way up", 10 * time.Second, 1, 0, 200 * mi},
		{"in the first burst", 25 * time.Second, 1, 0, 600 * mi},
		{"between bursts", 35 * time.Second, 1, 0, 300 * mi},
		{"in the second burst", 61 * time.Second, 1, 0, 600 * mi},
		{"a phase delays the burst", 25 * time.Second, 1, 0.5, 300 * mi},
		{"until it is due", 45 * time.Second, 1, 0.5, 600 * mi},
		{"scaled", 35 * time.Second, 1.5, 0, 450 * mi},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := profile.At(test.since, test.scale, test.phase); got != test.want {
				t.Errorf("At(%s) = %dMi, want %dMi", test.since, got/mi, test.want/mi)
			}
		})
	}
	if got := profile.Peak(); got != 600*mi {
		t.Errorf("Peak = %dMi, want 600Mi", got/mi)
	}
}

func FuzzParseProfile(f *testing.F) {
	for _, seed := range []string{"steady=1Mi", "start=80Mi steady=450Mi over=40s burst=600Mi every=60s for=15s", "steady=1e30", "=", "for=1ns steady=0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		profile, err := kubelet.ParseProfile(text)
		if err != nil {
			return
		}
		for _, since := range []time.Duration{0, time.Second, time.Hour} {
			if held := profile.At(since, 1, 0.3); held < 0 || held > profile.Peak() {
				t.Errorf("%q holds %d after %s, want 0 to %d", text, held, since, profile.Peak())
			}
		}
	})
}
