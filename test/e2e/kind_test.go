// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/template"
)

const (
	workerMemory = 2304 << 20 // bytes that a worker has for pods before eviction
	evictionHard = 300 << 20  // bytes
)

// kindCluster is a cluster of one control plane and three small workers.
type kindCluster struct {
	name, image, folder string
}

// Nodes of kind see all the memory of the machine: what is too much is reserved for the system.
var kindConfig = template.Must(template.New("kind").Parse(`kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking: {kubeProxyMode: nftables}
kubeadmConfigPatches:
  - |
    kind: InitConfiguration
    skipPhases: [preflight, addon/coredns]
  - |
    kind: KubeletConfiguration
    failCgroupV1: false
nodes:
  - role: control-plane
{{- range .Workers}}
  - role: worker
    kubeadmConfigPatchesJSON6902:
      - group: kubeadm.k8s.io
        version: v1beta4
        kind: JoinConfiguration
        patch: |
          - {op: add, path: /nodeRegistration/kubeletExtraArgs/-, value: {name: system-reserved, value: "memory={{$.Reserved}}"}}
          - {op: add, path: /nodeRegistration/kubeletExtraArgs/-, value: {name: eviction-hard, value: "memory.available<{{$.EvictionHard}}"}}
          - {op: add, path: /nodeRegistration/kubeletExtraArgs/-, value: {name: eviction-pressure-transition-period, value: 20s}}
{{- end}}
`))

// start creates the cluster and returns the path of its kubeconfig. If there is one of the name, it is taken as it is or
// removed first.
func (k *kindCluster) start(ctx context.Context, reuse bool) (string, error) {
	kubeconfig, err := filepath.Abs(filepath.Join(k.folder, "kubeconfig"))
	if err != nil {
		return "", err
	}
	clusters, err := command(ctx, "go", "tool", "-modfile="+root+"/go.tools.mod", "kind", "get", "clusters")
	if err != nil {
		return "", err
	}
	if slices.Contains(strings.Fields(clusters), k.name) {
		if reuse {
			return kubeconfig, nil
		}
		if err := k.remove(ctx); err != nil {
			return "", err
		}
	}
	path := filepath.Join(k.folder, "kind.yaml")
	if err := k.configure(ctx, path); err != nil {
		return "", err
	}
	arguments := []string{"create", "cluster", "--config", path, "--kubeconfig", kubeconfig, "--wait", "3m"}
	if k.image != "" { // Else kind takes its own of this release, which needs a registry.
		arguments = append(arguments, "--image", k.image)
	}
	_, err = k.kind(ctx, arguments...)
	return kubeconfig, err
}

// configure writes kind's configuration for the memory that docker's machine has.
func (k *kindCluster) configure(ctx context.Context, path string) error {
	total, err := command(ctx, "docker", "info", "--format", "{{.MemTotal}}")
	if err != nil {
		return err
	}
	memory, err := strconv.ParseInt(strings.TrimSpace(total), 10, 64)
	if err != nil {
		return fmt.Errorf("docker info says that the machine has %q bytes: %w", total, err)
	}
	if memory < 4*workerMemory {
		return fmt.Errorf("docker's machine has %d bytes of memory: at least %d are needed", memory, 4*workerMemory)
	}
	var config bytes.Buffer
	if err := kindConfig.Execute(&config, map[string]any{
		"Workers": make([]struct{}, 3), "Reserved": memory - workerMemory - evictionHard, "EvictionHard": evictionHard,
	}); err != nil {
		return err
	}
	return os.WriteFile(path, config.Bytes(), 0o644)
}

func (k *kindCluster) remove(ctx context.Context) error {
	_, err := k.kind(ctx, "delete", "cluster", "--kubeconfig", filepath.Join(k.folder, "kubeconfig"))
	return err
}

// load gives the nodes images that docker has.
func (k *kindCluster) load(ctx context.Context, images ...string) error {
	_, err := k.kind(ctx, append([]string{"load", "docker-image"}, images...)...)
	return err
}

// onControlPlane runs a command there.
func (k *kindCluster) onControlPlane(ctx context.Context, args ...string) (string, error) {
	return command(ctx, "docker", append([]string{"exec", k.name + "-control-plane"}, args...)...)
}

func (k *kindCluster) kind(ctx context.Context, args ...string) (string, error) {
	return command(ctx, "go", append(append([]string{"tool", "-modfile=" + root + "/go.tools.mod", "kind"}, args...), "--name", k.name)...)
}

// command returns what a command printed; its error has what it complained about.
func command(ctx context.Context, name string, args ...string) (string, error) {
	var output, complaints bytes.Buffer
	c := exec.CommandContext(ctx, name, args...)
	c.Stdout, c.Stderr = &output, &complaints
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, complaints.String())
	}
	return output.String(), nil
}
