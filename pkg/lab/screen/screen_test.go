// SPDX-License-Identifier: Apache-2.0

package screen

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestATerminalIsDrawnOverAndPlainLinesAreFew(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const frame = "\x1b[?7l\x1b[Ka\n\x1b[Kb\n\x1b[?7h" // rows are cut at the edge of the terminal
	for _, test := range []struct {
		name     string
		terminal bool
		want     string
	}{
		{
			name: "terminal", terminal: true,
			want: "go\n" + frame + strings.Repeat("\x1b[2A"+frame, 2) + "turn\n" + frame + "end\n",
		},
		{name: "elsewhere", want: "go\na, b\na, b\nturn\nend\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			s := New(&out, test.terminal)
			show := func(after time.Duration) {
				s.Show(began.Add(after), func() string { return "a\nb\n" }, func() string { return "a, b" })
			}
			s.Step("go")
			for _, after := range []time.Duration{0, time.Second, PlainInterval} {
				show(after)
			}
			s.Step("%s", "turn")
			show(PlainInterval + time.Second)
			s.Step("end")
			if diff := cmp.Diff(test.want, out.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

func TestClock(t *testing.T) {
	for duration, want := range map[time.Duration]string{
		0: "0:00", -time.Minute: "0:00", 59*time.Second + 600*time.Millisecond: "1:00", 125 * time.Second: "2:05", time.Hour: "60:00",
	} {
		if got := Clock(duration); got != want {
			t.Errorf("%s: got %s, want %s", duration, got, want)
		}
	}
}

func TestQuotedIsOneWordOfAShell(t *testing.T) {
	for word, want := range map[string]string{
		"/tmp/headroom-lab-1/admin.kubeconfig": "/tmp/headroom-lab-1/admin.kubeconfig",
		"/tmp/my files/a":                      "'/tmp/my files/a'",
		"/a/it's $HOME":                        `'/a/it'\''s $HOME'`,
		"":                                     "''",
	} {
		if got := Quoted(word); got != want {
			t.Errorf("Quoted(%q) = %s, want %s", word, got, want)
		}
	}
}
