// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func TestReadNodesTakesColumnsInAnyOrderAndIgnoresOthers(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []Node
	}{
		{
			name: "columns in order",
			text: "node,cpu_milli,memory_bytes\na,4000,8589934592\nb,500,1073741824\n",
			want: []Node{{Name: "a", CPUMilli: 4000, MemoryBytes: 8 << 30}, {Name: "b", CPUMilli: 500, MemoryBytes: 1 << 30}},
		},
		{
			name: "other order and other columns",
			text: "gpu,memory_bytes,model,node,cpu_milli\n8,8589934592,V100,a.example.com,4000\n",
			want: []Node{{Name: "a.example.com", CPUMilli: 4000, MemoryBytes: 8 << 30}},
		},
		{
			name: "carriage returns, empty lines, quotes, byte order mark and no newline at the end",
			text: "\uFEFFnode,cpu_milli,memory_bytes\r\n\r\n\"a\",\"1\",104857601",
			want: []Node{{Name: "a", CPUMilli: 1, MemoryBytes: evictionHard + 1}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadNodes("nodes.csv", strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadNodesRefusesWhatIsMalformedAndSaysWhere(t *testing.T) {
	const header = "node,cpu_milli,memory_bytes\n"
	for _, test := range []struct{ name, text, want string }{
		{"an empty file", "", "nodes.csv:1: the file is empty: want a header with the columns node, cpu_milli, memory_bytes"},
		{"no rows", header, "nodes.csv:1: no row follows the header"},
		{"a missing column", "node,cpu_milli\na,1\n", `nodes.csv:1: the header has no column memory_bytes: it has ["node" "cpu_milli"]`},
		{"a column twice", "node,cpu_milli,memory_bytes,cpu_milli\n", `nodes.csv:1:4: the header has the column "cpu_milli" twice`},
		{"a column without a name", "node,,cpu_milli,memory_bytes\n", "nodes.csv:1:2: column 2 of the header has no name"},
		{"too few fields", header + "a,1,200000000\nb,1\n", "nodes.csv:3:3: the row has 2 fields, want 3: memory_bytes is the first one missing"},
		{"too many fields", header + "a,1,200000000,5\n", "nodes.csv:2:4: the row has 4 fields, want 3: nothing follows memory_bytes"},
		{"an empty name", header + ",1,200000000\n", `nodes.csv:2:1: node "": the name is empty`},
		{"an invalid name", header + "a,1,200000000\nB_1,1,200000000\n", `nodes.csv:3:1: node "B_1": not a valid name: a lowercase RFC 1123 subdomain`},
		{"a name too long for a label", header + strings.Repeat("a", 64) + ",1,200000000\n", "not a valid name: must be no more than 63"},
		{"a name twice", header + "a,1,200000000\nb,1,200000000\na,1,200000000\n", `nodes.csv:4:1: node "a": line 2 has the same name`},
		{"a fraction", header + "a,1.5,200000000\n", `nodes.csv:2:2: cpu_milli "1.5": want a whole number in digits, at least 1`},
		{"a unit", header + "a,1,8Gi\n", `nodes.csv:2:3: memory_bytes "8Gi": want a whole number in digits, at least 104857601`},
		{"a space", header + "a, 1,200000000\n", `nodes.csv:2:2: cpu_milli " 1": want a whole number in digits`},
		{"nothing", header + "a,,200000000\n", `nodes.csv:2:2: cpu_milli "": want a whole number in digits`},
		{"a negative number", header + "a,-1,200000000\n", `nodes.csv:2:2: cpu_milli "-1": want a whole number in digits, at least 1`},
		{"no CPU", header + "a,0,200000000\n", `nodes.csv:2:2: cpu_milli "0": too small: want at least 1`},
		{"no memory", header + "a,1,0\n", `nodes.csv:2:3: memory_bytes "0": too small: want at least 104857601`},
		{"no memory above the eviction threshold", header + "a,1,104857600\n", `nodes.csv:2:3: memory_bytes "104857600": too small`},
		{"a number beyond 63 bits", header + "a,1,9223372036854775808\n", `nodes.csv:2:3: memory_bytes "9223372036854775808": too large: want at most 9223372036854775807`},
		{"a sum beyond 63 bits", header + "a,1,9223372036854775807\nb,1,200000000\n", `nodes.csv:3:3: memory_bytes "200000000": too large: the sum of the column`},
		{"a quote in a field", header + "a\"b,1,200000000\n", "nodes.csv:2: this is not CSV, at byte 2 of the line"},
		{"a quote that does not end", header + "\"a,1,200000000\n", "this is not CSV"},
		{"the line of a field after one of several lines", "model,node,cpu_milli,memory_bytes\n\"x\ny\",a,z,200000000\n", `nodes.csv:3:3: cpu_milli "z"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadNodes("nodes.csv", strings.NewReader(test.text))
			if err == nil {
				t.Fatalf("got %v, want an error", got)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want it to contain %q", err, test.want)
			}
		})
	}
}

// brokenReader is a disk that fails after its text.
type brokenReader struct{ text *strings.Reader }

var errDisk = errors.New("disk on fire")

func (b brokenReader) Read(p []byte) (int, error) {
	if b.text.Len() > 0 {
		return b.text.Read(p)
	}
	return 0, errDisk
}

func TestReadNodesNamesTheLineAtWhichReadingFails(t *testing.T) {
	_, err := ReadNodes("nodes.csv", brokenReader{strings.NewReader("node,cpu_milli,memory_bytes\na,1,200000000\n")})
	if !errors.Is(err, errDisk) || !strings.HasPrefix(err.Error(), "nodes.csv:3: ") {
		t.Errorf("error %v, want one at nodes.csv:3 that wraps %v", err, errDisk)
	}
}

func TestANodeKeepsTheEvictionThresholdFromItsPods(t *testing.T) {
	got := Node{Name: "a", CPUMilli: 1500, MemoryBytes: 1 << 30}.object()
	want := corev1.NodeStatus{
		Capacity:    corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m"), corev1.ResourceMemory: resource.MustParse("1Gi")},
		Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m"), corev1.ResourceMemory: resource.MustParse("924Mi")},
	}
	if diff := cmp.Diff(want, got.Status); diff != "" {
		t.Errorf("status (-want +got):\n%s", diff)
	}
}
