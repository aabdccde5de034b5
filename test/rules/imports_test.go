// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCheckImportDirectionsReportsImportsAgainstThem(t *testing.T) {
	ours := func(path string) string { return Module + "/" + path }
	checkCases(t, CheckImportDirections, packageCases{
		"downwards": {input: []Package{
			{ImportPath: ours("cmd/headroom-lab"), Imports: []string{"fmt", ours("pkg/lab/cluster")}},
			{ImportPath: ours("pkg/lab/cluster"), Imports: []string{ours("pkg/lab/kubelet"), ours("pkg/memory/eviction")}},
			{ImportPath: ours("pkg/plugins/memory"), Imports: []string{ours("pkg/usage"), ours("pkg/memory/ledger"), ours("pkg/apis/config")}},
			{ImportPath: ours("pkg/usage"), Imports: []string{ours("pkg/memory/ledger")}},
			{ImportPath: ours("test/integration"), Imports: []string{ours("pkg/lab/cluster")}},
		}},
		"plugin imports explain": {
			input: []Package{{ImportPath: ours("pkg/plugins/memory"), Imports: []string{ours("pkg/explain")}}},
			want:  []string{ours("pkg/plugins/memory") + ": imports " + ours("pkg/explain") + ": plugins may import usage, memory, constraint, apis only"},
		},
		"plugin's test imports the lab": {
			input: []Package{{ImportPath: ours("pkg/plugins/memory"), XTestImports: []string{ours("pkg/lab/cluster")}}},
			want:  []string{ours("pkg/plugins/memory") + ": imports " + ours("pkg/lab/cluster") + ": plugins may import usage, memory, constraint, apis only"},
		},
		"plugin imports a command": {
			input: []Package{{ImportPath: ours("pkg/plugins/memory"), TestImports: []string{ours("cmd/headroom-scheduler")}}},
			want:  []string{ours("pkg/plugins/memory") + ": imports " + ours("cmd/headroom-scheduler") + ": plugins may import usage, memory, constraint, apis only"},
		},
		"memory imports constraint": {
			input: []Package{{ImportPath: ours("pkg/memory/ledger"), Imports: []string{ours("pkg/constraint")}}},
			want:  []string{ours("pkg/memory/ledger") + ": imports " + ours("pkg/constraint") + ": memory may import apis only"},
		},
		"apis import memory": {
			input: []Package{{ImportPath: ours("pkg/apis/config/v1"), Imports: []string{ours("pkg/memory/threshold")}}},
			want:  []string{ours("pkg/apis/config/v1") + ": imports " + ours("pkg/memory/threshold") + ": apis may import nothing of ours only"},
		},
		"a part that the house does not have": {
			input: []Package{{ImportPath: ours("pkg/attic")}},
			want: []string{ours("pkg/attic") + ": pkg/attic is no part of the house: use one of " +
				"apis, cmd, constraint, explain, lab, memory, plugins, usage, or add it to the design and to this rule"},
		},
	})
}

func TestCheckPurityReportsClientsClocksAndLogs(t *testing.T) {
	const memory, constraint = Module + "/pkg/memory/ledger", Module + "/pkg/constraint"
	checkCases(t, CheckPurity, packageCases{
		"pure":         {input: []Package{{ImportPath: memory, Imports: []string{"k8s.io/api/core/v1"}, Deps: []string{"k8s.io/api/core/v1", "k8s.io/klog/v2", "k8s.io/client-go/features"}}}},
		"logs":         {input: []Package{{ImportPath: memory, Imports: []string{"k8s.io/klog/v2"}}}, want: []string{memory + ": imports k8s.io/klog/v2: a pure package has no place for logging"}},
		"clock":        {input: []Package{{ImportPath: memory, Imports: []string{"k8s.io/utils/clock"}}}, want: []string{memory + ": imports k8s.io/utils/clock: a pure package has no place for a clock"}},
		"client":       {input: []Package{{ImportPath: constraint, Imports: []string{"k8s.io/client-go/listers/core/v1"}}}, want: []string{constraint + ": imports k8s.io/client-go/listers/core/v1: a pure package has no place for a client"}},
		"client, far":  {input: []Package{{ImportPath: constraint, Deps: []string{"k8s.io/client-go/rest"}}}, want: []string{constraint + ": pulls in k8s.io/client-go/rest through another import: a pure package has no place for a client"}},
		"test is free": {input: []Package{{ImportPath: constraint, TestImports: []string{"k8s.io/klog/v2"}}}},
		"plugin":       {input: []Package{{ImportPath: Module + "/pkg/plugins/memory", Imports: []string{"k8s.io/klog/v2"}}}},
	})
}

func TestCheckComponentImportsReportsComponentsOutsideTheirPlace(t *testing.T) {
	const app = "k8s.io/kubernetes/cmd/kube-apiserver/app"
	checkCases(t, CheckComponentImports, packageCases{
		"command":         {input: []Package{{ImportPath: Module + "/cmd/headroom-scheduler", Imports: []string{app}}}},
		"lab's component": {input: []Package{{ImportPath: Module + "/pkg/lab/component", Imports: []string{app, "go.etcd.io/etcd/server/v3/etcdmain"}}}},
		"lab's cluster":   {input: []Package{{ImportPath: Module + "/pkg/lab/cluster", Imports: []string{app}}}, want: []string{Module + "/pkg/lab/cluster: imports " + app + ": whole components belong to pkg/lab/component and cmd"}},
		"plugin's test":   {input: []Package{{ImportPath: Module + "/pkg/plugins/memory", TestImports: []string{"sigs.k8s.io/kwok/pkg/kwok/cmd"}}}, want: []string{Module + "/pkg/plugins/memory: imports sigs.k8s.io/kwok/pkg/kwok/cmd: whole components belong to pkg/lab/component and cmd"}},
		"kwok's data":     {input: []Package{{ImportPath: Module + "/pkg/lab/cluster", Imports: []string{"sigs.k8s.io/kwok/kustomize/stage/pod/fast"}}}},
	})
}

func TestCheckReplacesReportsAllButTheStagingModulesOfOneRelease(t *testing.T) {
	replace := func(oldPath, newPath, newVersion string) GoMod {
		return GoMod{
			Require: []ModuleVersion{{"k8s.io/kubernetes", "v1.37.2"}},
			Replace: []struct{ Old, New ModuleVersion }{{Old: ModuleVersion{Path: oldPath}, New: ModuleVersion{newPath, newVersion}}},
		}
	}
	tests := []struct {
		name string
		mod  GoMod
		want []Finding
	}{
		{name: "staging module at its release", mod: replace("k8s.io/api", "k8s.io/api", "v0.37.2")},
		{name: "another release", mod: replace("k8s.io/api", "k8s.io/api", "v0.37.1"), want: []Finding{
			{"go.mod", "replaces k8s.io/api by v0.37.1: k8s.io/kubernetes v1.37.2 goes with v0.37.2"},
		}},
		{name: "a fork", mod: replace("k8s.io/api", "example.com/api", "v0.37.2"), want: []Finding{
			{"go.mod", "replaces k8s.io/api  by example.com/api: a staging module is replaced by its own release only"},
		}},
		{name: "a folder", mod: replace("k8s.io/api", "../api", ""), want: []Finding{
			{"go.mod", "replaces k8s.io/api  by ../api: a staging module is replaced by its own release only"},
		}},
		{name: "another module", mod: replace("go.etcd.io/bbolt", "go.etcd.io/bbolt", "v1.4.0"), want: []Finding{
			{"go.mod", "replaces go.etcd.io/bbolt: only the staging modules of Kubernetes are replaced"},
		}},
		{name: "no Kubernetes", mod: GoMod{}, want: []Finding{
			{"go.mod", `requires k8s.io/kubernetes at "": a released version v1.X.Y was expected`},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, CheckReplaces(tt.mod)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
