// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/headroom-dev/headroom/pkg/lab/cluster"
)

func TestReadPodsTakesOptionalColumnsAsTheyAre(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []Pod
	}{
		{
			name: "without times",
			text: "series_id,cpu_milli,requested_bytes\na,500,1073741824\n",
			want: []Pod{{Name: "a", CPUMilli: 500, RequestedBytes: 1 << 30, EndSeconds: neverEnds}},
		},
		{
			name: "with times, empty ones, and what is ignored",
			text: "end_s,series_id,qos,cpu_milli,num_gpu,requested_bytes,phase,start_s\n20,a,BE,0,1,0,Failed,10\n,b,LS,1,0,2,Running,\n",
			want: []Pod{
				{Name: "a", StartSeconds: 10, EndSeconds: 20},
				{Name: "b", CPUMilli: 1, RequestedBytes: 2, EndSeconds: neverEnds},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadPods("pods.csv", strings.NewReader(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadPodsRefusesWhatIsMalformedAndSaysWhere(t *testing.T) {
	const header = "series_id,cpu_milli,requested_bytes,start_s,end_s\n"
	for _, test := range []struct{ name, text, want string }{
		{"no rows", header, "pods.csv:1: no row follows the header: want at least one pod"},
		{"a missing column", "node,cpu_milli,memory_bytes\n", "pods.csv:1: the header has no column series_id"},
		{"an invalid name", header + "instance_0,1,1,,\n", `pods.csv:2:1: series_id "instance_0": not a valid name`},
		{"a name twice", header + "a,1,2,,\na,3,4,,\n", `pods.csv:3:1: series_id "a": line 2 has the same name`},
		{"a negative request", header + "a,1,-1,,\n", `pods.csv:2:3: requested_bytes "-1": want a whole number in digits, at least 0`},
		{"a start that is no number", header + "a,1,1,soon,\n", `pods.csv:2:4: start_s "soon": want a whole number`},
		{"an end before the start", header + "a,1,1,10,9\n", `pods.csv:2:5: end_s "9": too small: want at least 10`},
		{"a sum of CPUs beyond 63 bits", header + "a,9223372036854775807,1,,\nb,1,1,,\n", `pods.csv:3:2: cpu_milli "1": too large: the sum`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := ReadPods("pods.csv", strings.NewReader(test.text))
			if err == nil {
				t.Fatalf("got %v, want an error", got)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q, want it to contain %q", err, test.want)
			}
		})
	}
}

func TestReadPodsFileDecompressesByName(t *testing.T) {
	text := []byte("series_id,cpu_milli,requested_bytes\na,1,2\n")
	var compressed bytes.Buffer
	writer := gzip.NewWriter(&compressed)
	if _, err := writer.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	want := []Pod{{Name: "a", CPUMilli: 1, RequestedBytes: 2, EndSeconds: neverEnds}}
	for _, test := range []struct {
		name, file string
		content    []byte
		wantError  string
	}{
		{"plain", "pods.csv", text, ""},
		{"compressed", "pods.csv.gz", compressed.Bytes(), ""},
		{"plain under a compressed name", "pods.csv.gz", text, "pods.csv.gz: the name ends in .gz, but the content is not gzip"},
		{"compressed and cut", "pods.csv.gz", compressed.Bytes()[:compressed.Len()-6], "pods.csv.gz:3: the compressed data ends within this line"},
		{"compressed under a plain name", "pods.csv", compressed.Bytes(), "pods.csv:1: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), test.file)
			if err := os.WriteFile(path, test.content, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := ReadPodsFile(path)
			if test.wantError != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantError) {
					t.Fatalf("error %v, want it to contain %q", err, test.wantError)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("pods (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadPodsFileNamesAFileThatIsNotThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent.csv")
	if _, err := ReadPodsFile(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want it to name %s", err, path)
	}
}

func TestAPodRequestsAndUsesWhatItsRowSays(t *testing.T) {
	for _, test := range []struct {
		name      string
		pod       Pod
		requests  corev1.ResourceList
		wantUsage string
	}{
		{
			name:      "both",
			pod:       Pod{Name: "a", CPUMilli: 1500, RequestedBytes: 3 << 30},
			requests:  corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1500m"), corev1.ResourceMemory: resource.MustParse("3Gi")},
			wantUsage: "3Gi",
		},
		{name: "no memory", pod: Pod{Name: "a", CPUMilli: 1}, requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m")}},
		{name: "neither", pod: Pod{Name: "a"}, requests: corev1.ResourceList{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := test.pod.object()
			want := []corev1.Container{{Name: "main", Image: image, Resources: corev1.ResourceRequirements{Requests: test.requests}}}
			if diff := cmp.Diff(want, got.Spec.Containers); diff != "" {
				t.Errorf("containers (-want +got):\n%s", diff)
			}
			if usage := got.Annotations[cluster.UsageMemoryAnnotation]; usage != test.wantUsage {
				t.Errorf("usage %q, want %q", usage, test.wantUsage)
			}
			if got.Spec.SchedulerName != "headroom-scheduler" {
				t.Errorf("scheduler %q, want headroom-scheduler", got.Spec.SchedulerName)
			}
		})
	}
}
