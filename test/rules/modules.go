// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"encoding/json"
	"fmt"
	"strings"
)

// kubernetes is the module whose version all others of Kubernetes follow.
const kubernetes = "k8s.io/kubernetes"

// GoMod is what "go mod edit -json" tells of a go.mod file.
type GoMod struct {
	Require []ModuleVersion
	Replace []struct{ Old, New ModuleVersion }
}

// ModuleVersion is a module and its version.
type ModuleVersion struct{ Path, Version string }

// ReadGoMod reads the go.mod in a folder.
func ReadGoMod(root string) (GoMod, error) {
	out, err := command(root, "go", "mod", "edit", "-json")
	if err != nil {
		return GoMod{}, err
	}
	var mod GoMod
	if err := json.Unmarshal(out, &mod); err != nil {
		return GoMod{}, fmt.Errorf("decoding the output of go mod edit: %w", err)
	}
	return mod, nil
}

// CheckReplaces reports replace directives that do anything but name the released version of a staging module of
// Kubernetes: k8s.io/kubernetes v1.X.Y goes with v0.X.Y.
func CheckReplaces(mod GoMod) []Finding {
	version := ""
	for _, required := range mod.Require {
		if required.Path == kubernetes {
			version = required.Version
		}
	}
	minor, ok := strings.CutPrefix(version, "v1.")
	if !ok {
		return []Finding{findingf("go.mod", "requires %s at %q: a released version v1.X.Y was expected", kubernetes, version)}
	}
	want := "v0." + minor
	var findings []Finding
	for _, r := range mod.Replace {
		switch {
		case !strings.HasPrefix(r.Old.Path, "k8s.io/") || r.Old.Path == kubernetes:
			findings = append(findings, findingf("go.mod", "replaces %s: only the staging modules of Kubernetes are replaced", r.Old.Path))
		case r.New.Path != r.Old.Path || r.Old.Version != "":
			findings = append(findings, findingf("go.mod", "replaces %s %s by %s: a staging module is replaced by its own release only", r.Old.Path, r.Old.Version, r.New.Path))
		case r.New.Version != want:
			findings = append(findings, findingf("go.mod", "replaces %s by %s: %s %s goes with %s", r.Old.Path, r.New.Version, kubernetes, version, want))
		}
	}
	return findings
}
