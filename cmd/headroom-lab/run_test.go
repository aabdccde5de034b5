// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestRunWantsATimeToSettle(t *testing.T) {
	for _, settle := range []string{"0s", "-5s"} {
		command := newRunCommand()
		command.SilenceUsage, command.SilenceErrors = true, true
		command.SetArgs([]string{"--nodes", "absent.csv", "--pods", "absent.csv", "--settle", settle})
		if err := command.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "--settle "+settle+": want more than 0") {
			t.Errorf("--settle %s: error %v, want one about it", settle, err)
		}
	}
}
