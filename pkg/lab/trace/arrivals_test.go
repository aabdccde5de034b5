// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const arrivalsHeader = "vm,arrival_s,batch,cpu_cores,memory_bytes,duration_lo_s,duration_hi_s,censored\n"

func TestReadArrivals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "arrivals.csv.gz")
	text := compressed(t, arrivalsHeader+"0,0,0,8,15032385536,300,600,0\n1,300,1,0.5,805306368,0,300,1\n")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadArrivals(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []Arrival{
		{ID: "0", Cores: 8, Bytes: 15032385536, Shortest: 300, Longest: 600},
		{ID: "1", At: 300, Batch: 1, Cores: 0.5, Bytes: 805306368, Longest: 300, Censored: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arrivals (-want +got):\n%s", diff)
	}
}

func TestReadArrivalsRefusesWhatBreaksARule(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"no arrivals", arrivalsHeader, "a.csv:1: no row follows the header"},
		{"a missing column", "vm\n", "a.csv:1: the header has no column arrival_s"},
		{"no name", arrivalsHeader + ",0,0,1,1,0,1,0\n", `a.csv:2:1: vm "": the name is empty`},
		{"a name twice", arrivalsHeader + "x,0,0,1,1,0,1,0\n" + "x,0,0,1,1,0,1,0\n", `a.csv:3:1: vm "x": line 2 has the same name`},
		{"out of order", arrivalsHeader + "x,5,0,1,1,0,1,0\ny,4,0,1,1,0,1,0\n", `a.csv:3:2: arrival_s "4": the arrival before it is at 5`},
		{"a batch that is no number", arrivalsHeader + "x,0,b,1,1,0,1,0\n", `a.csv:2:3: batch "b": want a whole number`},
		{"cores that are no number", arrivalsHeader + "x,0,0,NaN,1,0,1,0\n", `a.csv:2:4: cpu_cores "NaN": want a number`},
		{"memory with a unit", arrivalsHeader + "x,0,0,1,1Gi,0,1,0\n", `a.csv:2:5: memory_bytes "1Gi": want a whole number`},
		{"no time to live", arrivalsHeader + "x,0,0,1,1,7,7,0\n", `a.csv:2:7: duration_hi_s "7": want more than the least duration, which is 7`},
		{"censored and not", arrivalsHeader + "x,0,0,1,1,0,1,yes\n", `a.csv:2:8: censored "yes": want 0, or 1`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readArrivals("a.csv", strings.NewReader(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) || got != nil {
				t.Errorf("%v and error %v, want one that contains %q", got, err, test.want)
			}
		})
	}
}
