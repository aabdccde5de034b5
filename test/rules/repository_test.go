// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"testing"
)

// report fails the test with every finding, each on a line of its own.
func report(t *testing.T, findings []Finding) {
	t.Helper()
	for _, finding := range findings {
		t.Error(finding)
	}
}

func TestFilesOfTheRepositoryKeepTheRules(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("git lists no file under %s", root)
	}
	rules := []struct {
		name  string
		check func([]File) []Finding
	}{
		{"no Go file is too long", CheckFileLength},
		{"every source file names its license", CheckLicenseLine},
		{"every package says what it does", CheckPackageComments},
		{"package names mean something", CheckPackageNames},
		{"the picture of the house is whole", CheckHouse},
		{"pure packages read no clock", CheckNoClock},
		{"no file holds forbidden text", CheckText},
		{"no program and no data is kept", CheckBinaries},
		{"plugins neither log nor lock for each node", CheckQuietCalls},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) { report(t, rule.check(files)) })
	}
}

func TestPackagesOfTheRepositoryKeepTheRules(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	packages, err := Packages(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) == 0 {
		t.Fatalf("go lists no package under %s", root)
	}
	rules := []struct {
		name  string
		check func([]Package) []Finding
	}{
		{"imports run one way", CheckImportDirections},
		{"pure packages import no client, clock or log", CheckPurity},
		{"whole components are imported in one place", CheckComponentImports},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) { report(t, rule.check(packages)) })
	}
}

func TestModuleReplacesOnlyTheStagingModulesOfItsKubernetes(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	mod, err := ReadGoMod(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(mod.Replace) == 0 {
		t.Error("go.mod replaces nothing: k8s.io/kubernetes cannot be imported so")
	}
	report(t, CheckReplaces(mod))
}
