// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package cluster

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// killWithParent does nothing here: a scheduler that outlives a killed parent is ended by the next Sweep.
func killWithParent(*syscall.SysProcAttr) {}

// processIdentity tells a process from a later one with the same number: it is the time of its start.
func processIdentity(pid int) (string, error) {
	output, err := exec.Command("ps", "-o", "lstart=", "-p", strconv.Itoa(pid)).Output()
	started := strings.TrimSpace(string(output))
	if err != nil || started == "" {
		return "", os.ErrProcessDone
	}
	return started, nil
}

func proportionalSetSize(int) (int64, error) {
	return 0, errors.ErrUnsupported
}
