// SPDX-License-Identifier: Apache-2.0

package cases_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/headroom-dev/headroom/test/cases"
)

const (
	limit    = 20 * time.Second // far more than any expectation takes
	interval = 2 * time.Millisecond
)

func readAll(t *testing.T) []cases.File {
	t.Helper()
	files, err := cases.ReadAll(".")
	if err != nil {
		t.Fatal(err)
	}
	page, err := cases.ReadPage(filepath.Join("..", "..", "docs", "placement.md"))
	if err != nil {
		t.Fatal(err)
	}
	return append(files, *page)
}

// playAll plays every case that is for the runner, each with a scheduler of its own.
func playAll(t *testing.T, runner cases.Runner) {
	t.Helper()
	for _, file := range readAll(t) {
		for _, c := range file.Cases {
			t.Run(file.Name+"/"+c.Title, func(t *testing.T) {
				if reason := c.Skipped(runner); reason != "" {
					t.Skip(reason)
				}
				if runner == cases.Stock && c.Measures() {
					t.Skip("the in-tree plugins measure no memory")
				}
				t.Parallel()
				client, instance := startScheduler(t, configuration(t, &c, runner))
				player := &cases.Player{Client: client, Namespace: metav1.NamespaceDefault, Limit: limit, Interval: interval,
					Settled: func(ctx context.Context) error { return awaitNodes(ctx, client, instance) },
					CreateNodes: func(ctx context.Context, nodes []*corev1.Node) error {
						for _, node := range nodes {
							metav1.SetMetaDataLabel(&node.ObjectMeta, corev1.LabelHostname, node.Name)
							if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
								return err
							}
						}
						return nil
					}}
				if err := player.Play(t.Context(), &c); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestHeadroomPlacesAsTheCasesSay(t *testing.T) { playAll(t, cases.InProcess) }

// The same files hold for the plugins that Headroom's replace: what a case says is what Kubernetes does.
func TestTheInTreePluginsPlaceAsTheCasesSay(t *testing.T) { playAll(t, cases.Stock) }

// A variant is the shipped profile with other arguments: what cases show of it holds for the shipped one.
func TestVariantsRunThePluginsOfTheShippedProfile(t *testing.T) {
	want := configuration(t, &cases.Case{}, cases.InProcess).Profiles[0].Plugins
	variants, err := filepath.Glob(filepath.Join("config", "*.yaml"))
	if err != nil || len(variants) == 0 {
		t.Fatalf("no variants: %v", err)
	}
	for _, path := range variants {
		name := strings.TrimSuffix(filepath.Base(path), ".yaml")
		got := configuration(t, &cases.Case{Config: name}, cases.InProcess).Profiles[0].Plugins
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("plugins of %s (-want +got):\n%s", path, diff)
		}
	}
}

func TestEveryPlayedSchedulerEndsWithItsTest(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("one case", func(t *testing.T) { startScheduler(t, configuration(t, &cases.Case{}, cases.InProcess)) })
	goleak.VerifyNone(t, before)
}
