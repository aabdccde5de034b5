// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const page = `# The title

A [link](docs/a.md#part-one) and ![a picture](b.png).

<img src="c.png" width="80%">

## Part one

1. A step:

   ~~~sh
   make build
   ~~~

` + "```yaml\na: 1\n```\n\n```\noutput\n```\n"

func TestParsePageFindsBlocksLinksAndHeadings(t *testing.T) {
	got, err := ParsePage("x.md", []byte(page))
	if err != nil {
		t.Fatal(err)
	}
	at := func(line int) Place { return Place{File: "x.md", Line: line} }
	want := Page{
		Blocks: []Block{
			{Place: at(12), Language: "sh", Text: "make build\n"},
			{Place: at(16), Language: "yaml", Text: "a: 1\n"},
			{Place: at(20), Text: "output\n"},
		},
		Links:   []Link{{at(3), "docs/a.md#part-one"}, {at(3), "b.png"}, {at(5), "c.png"}},
		Anchors: []string{"the-title", "part-one"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("page (-want +got):\n%s", diff)
	}
}

func TestCheckLinksReportsLinksThatLeadNowhere(t *testing.T) {
	files := []string{"docs", "docs/a.md", "docs/b.png", "README.md"}
	exists := func(path string) bool { return strings.Contains(strings.Join(files, "\n")+"\n", path+"\n") }
	anchors := func(string) []string { return []string{"here"} }
	tests := []struct {
		target string
		want   []string
	}{
		{target: "b.png"},
		{target: "../README.md"},
		{target: "../docs"},
		{target: "#here"},
		{target: "../README.md#here"},
		{target: "https://example.com/x#y"},
		{target: "mailto:a@example.com"},
		{target: "c.png", want: []string{`docs/a.md:3: link "c.png" leads nowhere: the repository has no docs/c.png`}},
		{target: "../../README.md", want: []string{`docs/a.md:3: link "../../README.md" leads nowhere: the repository has no ../README.md`}},
		{target: "/docs/b.png", want: []string{`docs/a.md:3: link "/docs/b.png" begins with a slash: write it relative to the file`}},
		{target: "#there", want: []string{`docs/a.md:3: link "#there": docs/a.md has no such heading`}},
		{target: "../README.md#there", want: []string{`docs/a.md:3: link "../README.md#there": README.md has no such heading`}},
		{target: "%zz", want: []string{`docs/a.md:3: link "%zz" is no address: parse "%zz": invalid URL escape "%zz"`}},
	}
	for _, tt := range tests {
		t.Run(tt.target, func(t *testing.T) {
			page := Page{Links: []Link{{Place{"docs/a.md", 3}, tt.target}}}
			if diff := cmp.Diff(tt.want, rendered(CheckLinks(page, exists, anchors))); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
