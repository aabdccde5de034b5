// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/headroom-dev/headroom/test/cases"
)

const (
	casesFolder  = "../cases"
	caseInterval = 20 * time.Millisecond
)

func TestPlacementCases(t *testing.T) {
	c := lab(t)
	files, err := cases.ReadAll(casesFolder)
	if err != nil {
		t.Fatal(err)
	}
	page, err := cases.ReadPage("../../docs/placement.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cases.RemovePriorityClasses(context.Background(), client(t, c)); err != nil {
			t.Error(err)
		}
	})
	number := 0 // of the case: no two have a node or a pod of the same name
	for _, group := range cases.Groups(append(files, *page)) {
		name, path := group.Config, filepath.Join(casesFolder, "config", group.Config+".yaml")
		if name == "" {
			name, path = "shipped", shippedConfig
		}
		t.Run(name, func(t *testing.T) {
			stage := &cases.Stage{
				Client: client(t, c), Namespace: newNamespace(t, c), CreateNodes: c.CreateNodes, Limit: waitLimit, Interval: caseInterval,
				Measured: func(ctx context.Context) error { return c.WaitNodeMetrics(ctx) },
			}
			startHeadroom(t, c, path)
			for _, one := range group.Cases {
				number++
				t.Run(one.Title, func(t *testing.T) { play(t, stage, &one, number) })
			}
		})
	}
}

func play(t *testing.T, stage *cases.Stage, c *cases.Case, number int) {
	t.Helper()
	if reason := c.Skipped(cases.InCluster); reason != "" {
		t.Skip(reason)
	}
	t.Cleanup(func() {
		if err := stage.Clear(context.Background()); err != nil {
			t.Fatal(err)
		}
	})
	if err := stage.Play(t.Context(), c, number); err != nil {
		t.Error(err)
	}
}
