// SPDX-License-Identifier: Apache-2.0

// Package document is what reports have in common: one self-contained HTML page that asks nothing from outside, its style,
// and heat maps of nodes.
package document

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"

	"github.com/headroom-dev/headroom/pkg/lab/report/figure"
)

//go:embed shell.gohtml
var shellSource string

//go:embed style.css
var shellStyle string

// Document is a page.
type Document struct {
	Title string
	// Main is a template of html/template that defines "main", what <main> holds. It may use "timeAxis" of ticks,
	// "heatLegend" of HeatLevels, "heatRows" of rows, and the functions bytes (an int64, 0 is "not set"), clock, count and
	// share.
	Main string
	// Style is CSS that follows the one of all pages. It is not input: nothing in it is escaped.
	Style string
	// Columns is how many columns charts have side by side.
	Columns int
	// Page is what Main is executed with, Data what the page holds as JSON, in the element "run-data".
	Page, Data any
}

// Render writes the page. Equal documents give equal bytes.
func (d Document) Render() ([]byte, error) {
	tmpl, err := template.New("shell").Funcs(template.FuncMap{
		"bytes": figure.BytesOrUnset,
		"clock": figure.Clock,
		"count": figure.Count,
		"share": figure.Share,
		"style": func() template.CSS { return template.CSS(shellStyle + d.Style) },
	}).Parse(shellSource)
	if err == nil {
		tmpl, err = tmpl.Parse(d.Main)
	}
	var html bytes.Buffer
	if err == nil {
		err = tmpl.ExecuteTemplate(&html, "shell", d)
	}
	if err != nil {
		return nil, fmt.Errorf("page template: %w", err)
	}
	return html.Bytes(), nil
}
