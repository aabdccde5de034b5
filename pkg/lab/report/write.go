// SPDX-License-Identifier: Apache-2.0

package report

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/headroom-dev/headroom/pkg/lab/report/document"
	"github.com/headroom-dev/headroom/pkg/lab/wholefile"
)

//go:embed page.gohtml
var pageSource string

// WriteHTML writes the page. It writes nothing if the run cannot be shown: without pools, nodes or samples, or with
// figures that cannot be right; the error names the place. Equal runs give equal bytes.
func WriteHTML(w io.Writer, run Run) error {
	html, err := renderHTML(run)
	if err != nil {
		return err
	}
	if _, err := w.Write(html); err != nil {
		return fmt.Errorf("report: writing the page: %w", err)
	}
	return nil
}

// WriteSummary writes the summaries as JSON: {"pools": {"<name>": {...}}}, pools sorted by name. It needs pools, but
// neither nodes nor samples.
func WriteSummary(w io.Writer, run Run) error {
	summary, err := renderSummary(run)
	if err != nil {
		return err
	}
	if _, err := w.Write(summary); err != nil {
		return fmt.Errorf("report: writing the summary: %w", err)
	}
	return nil
}

// WriteFiles writes report.html and summary.json into dir, which it makes if need be. Each file appears whole or not
// at all, in place of an older one; if the run cannot be shown, neither is touched.
func WriteFiles(dir string, run Run) error {
	html, err := renderHTML(run)
	if err != nil {
		return err
	}
	summary, err := renderSummary(run)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("report: making the folder: %w", err)
	}
	for _, file := range []struct {
		name    string
		content []byte
	}{{"summary.json", summary}, {"report.html", html}} {
		if err := wholefile.Write(filepath.Join(dir, file.name), file.content); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	return nil
}

func renderHTML(run Run) ([]byte, error) {
	if err := validateRun(run); err != nil {
		return nil, err
	}
	p := newPage(run)
	html, err := document.Document{
		Title: p.Title, Main: pageSource, Columns: len(run.Pools), Page: p, Data: newPageData(run, p.pools),
	}.Render()
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return html, nil
}

func renderSummary(run Run) ([]byte, error) {
	if err := validatePools(run); err != nil {
		return nil, err
	}
	// A map is marshalled in the order of its keys, so the file is the same for the same figures.
	pools := map[string]Summary{}
	for _, pool := range run.Pools {
		pools[pool.Name] = pool.Summary
	}
	summary, err := json.MarshalIndent(map[string]any{"pools": pools}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("report: summary: %w", err)
	}
	return append(summary, '\n'), nil
}
