// SPDX-License-Identifier: Apache-2.0

package comparison

import (
	_ "embed"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

//go:embed page.gohtml
var pageSource string

//go:embed style.css
var pageStyle string

// Names of the files that WriteFiles writes.
const (
	PageFile       = "report.html"
	ResultsFile    = "results.json"
	PredictorsFile = "predictors.json"
)

// WriteHTML writes the page. It writes nothing if the comparison cannot be shown: without curves and predictors, or with
// figures that cannot be right; the error names the place. Equal comparisons give equal bytes.
func WriteHTML(w io.Writer, c *Comparison) error {
	html, err := render(c)
	if err != nil {
		return err
	}
	if _, err := w.Write(html); err != nil {
		return fmt.Errorf("comparison: writing the page: %w", err)
	}
	return nil
}

// WriteFiles writes report.html, and beside it results.json and predictors.json where there are such, into dir, which it
// makes if need be. Each file appears whole or not at all, in place of an older one; if the comparison cannot be shown,
// none is touched.
func WriteFiles(dir string, c *Comparison) error {
	html, err := render(c)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("comparison: making the folder: %w", err)
	}
	if len(c.Results) > 0 {
		err = wholefile.WriteJSON(filepath.Join(dir, ResultsFile), c.Results)
	}
	if err == nil && len(c.Predictors) > 0 {
		err = wholefile.WriteJSON(filepath.Join(dir, PredictorsFile), c.Predictors)
	}
	if err == nil {
		err = wholefile.Write(filepath.Join(dir, PageFile), html)
	}
	if err != nil {
		return fmt.Errorf("comparison: %w", err)
	}
	return nil
}

func render(c *Comparison) ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("comparison: %w", err)
	}
	p := newPage(c)
	html, err := document.Document{Title: p.Title, Main: pageSource, Style: pageStyle, Columns: 1, Page: p, Data: c}.Render()
	if err != nil {
		return nil, fmt.Errorf("comparison: %w", err)
	}
	return html, nil
}
