// SPDX-License-Identifier: Apache-2.0

package marked_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/headroom-dev/headroom/pkg/lab/marked"
)

func page(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAPartIsWrittenAnewAndTheRestStays(t *testing.T) {
	path := page(t, "before\n<!-- one: begin -->\nold\n<!-- one: end -->\nbetween\n<!-- two: begin --><!-- two: end -->\nafter\n")
	for name, text := range map[string]string{"one": "new\n", "two": "\nfresh"} {
		if err := marked.Replace(path, name, text); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := "before\n<!-- one: begin -->\n\nnew\n\n<!-- one: end -->\nbetween\n<!-- two: begin -->\n\nfresh\n\n<!-- two: end -->\nafter\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestAPageWithoutThePartIsRefusedAndLeftAlone(t *testing.T) {
	for name, text := range map[string]string{
		"no marks":         "nothing\n",
		"another name":     "<!-- other: begin -->\n<!-- other: end -->\n",
		"no end":           "<!-- one: begin -->\n",
		"end before begin": "<!-- one: end -->\n<!-- one: begin -->\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := page(t, text)
			for _, err := range []error{marked.Check(path, "one"), marked.Replace(path, "one", "new")} {
				if err == nil || !strings.Contains(err.Error(), `"<!-- one: begin -->"`) {
					t.Errorf("error %v, want one that names the marks", err)
				}
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != text {
				t.Errorf("the page is %q now, %v", got, err)
			}
		})
	}
}
