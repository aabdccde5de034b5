// SPDX-License-Identifier: Apache-2.0

package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kubectlStub fails where a file that is applied is not there.
const kubectlStub = `#!/bin/bash
for word; do case $word in config/*) test -f "$word" || exit 1;; esac; done
`

// machine is a control plane machine as far as docs/install.md writes to it.
type machine struct {
	root, kubernetes, manifest string
}

// types runs a code block from the repository's folder.
func (m *machine) types(t *testing.T, block string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-ec", strings.ReplaceAll(block, "/etc/kubernetes", m.kubernetes))
	cmd.Dir = m.root
	cmd.Env = append(os.Environ(), "PATH="+m.kubernetes+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s, by\n%s", err, out, block)
	}
}

func (m *machine) write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) wants(t *testing.T, what, text string) {
	t.Helper()
	got, err := os.ReadFile(m.manifest)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != text {
		t.Errorf("%s: the manifest is\n%s\nwant\n%s", what, got, text)
	}
}

// The blocks about the static pod of docs/install.md, there and back, are right however often they are typed.
func TestTheStaticPodsBlocksBringBackWhatWasThere(t *testing.T) {
	r := load(t)
	var blocks []string
	for _, block := range r.page(t, "docs/install.md").Blocks {
		if strings.Contains(block.Text, "kube-scheduler.yaml.before") {
			blocks = append(blocks, block.Text)
		}
	}
	if len(blocks) != 2 {
		t.Fatalf("docs/install.md has %d blocks about the static pod, want there and back", len(blocks))
	}
	m := &machine{root: r.root, kubernetes: t.TempDir()}
	m.manifest = filepath.Join(m.kubernetes, "manifests", "kube-scheduler.yaml")
	if err := os.Mkdir(filepath.Dir(m.manifest), 0o700); err != nil {
		t.Fatal(err)
	}
	m.write(t, filepath.Join(m.kubernetes, "kubectl"), kubectlStub)
	// The second one is what an upgrade by kubeadm writes.
	for _, before := range []string{"name: kube-scheduler, old\n", "name: kube-scheduler, new\n"} {
		m.write(t, m.manifest, before)
		for range 2 {
			m.types(t, blocks[0])
			m.wants(t, "there", r.files["manifests/examples/static-pod.yaml"])
		}
		m.types(t, blocks[1])
		m.wants(t, "back", before)
	}
}
