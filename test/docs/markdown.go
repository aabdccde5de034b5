// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Block is a fenced code block. Its place is the first line inside the fence.
type Block struct {
	Place    Place
	Language string
	Text     string
}

// Link is a link or an image; Target is as it was written.
type Link struct {
	Place  Place
	Target string
}

// Page is what a markdown file shows that can be checked.
type Page struct {
	Blocks []Block
	Links  []Link
	// Anchors are the names that "#name" may refer to: the headings, written as GitHub writes them.
	Anchors []string
}

// htmlLink finds the addresses in raw HTML, which a README uses for pictures of a given width.
var htmlLink = regexp.MustCompile(`\b(?:href|src)="([^"]*)"`)

// ParsePage reads a markdown file of GitHub's flavour.
func ParsePage(file string, source []byte) (Page, error) {
	markdown := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	document := markdown.Parser().Parse(text.NewReader(source))
	var page Page
	place := Place{File: file, Line: 1}
	err := ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		if node.Type() == ast.TypeBlock && node.Lines().Len() > 0 {
			// Inline nodes carry no position: the start of the block around them serves.
			place.Line = lineOf(source, node.Lines().At(0).Start)
		}
		switch n := node.(type) {
		case *ast.FencedCodeBlock:
			page.Blocks = append(page.Blocks, Block{Place: place, Language: string(n.Language(source)), Text: string(n.Lines().Value(source))})
		case *ast.Heading:
			if id, ok := n.AttributeString("id"); ok {
				if name, ok := id.([]byte); ok {
					page.Anchors = append(page.Anchors, string(name))
				}
			}
		case *ast.Link:
			page.Links = append(page.Links, Link{Place: place, Target: string(n.Destination)})
		case *ast.Image:
			page.Links = append(page.Links, Link{Place: place, Target: string(n.Destination)})
		case *ast.HTMLBlock:
			page.Links = append(page.Links, htmlLinks(place, n.Lines().Value(source))...)
		case *ast.RawHTML:
			page.Links = append(page.Links, htmlLinks(place, n.Segments.Value(source))...)
		}
		return ast.WalkContinue, nil
	})
	return page, err
}

func htmlLinks(place Place, html []byte) []Link {
	var links []Link
	for _, match := range htmlLink.FindAllSubmatch(html, -1) {
		links = append(links, Link{Place: place, Target: string(match[1])})
	}
	return links
}

// lineOf returns the line of an offset, counted from 1.
func lineOf(source []byte, offset int) int {
	return 1 + bytes.Count(source[:offset], []byte("\n"))
}
