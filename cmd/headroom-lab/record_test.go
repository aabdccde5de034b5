// SPDX-License-Identifier: Apache-2.0

package main

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestRecordAsksForAKubeconfig(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("KUBECONFIG", filepath.Join(folder, "absent"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "") // not in a pod
	command := newRecordCommand()
	command.SilenceUsage, command.SilenceErrors = true, true
	command.SetArgs([]string{"--out", filepath.Join(folder, "out")})
	if err := command.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "name one with --kubeconfig or $KUBECONFIG") {
		t.Errorf("error %v, want it to ask for a kubeconfig", err)
	}
}
