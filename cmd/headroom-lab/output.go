// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"syscall"
)

var errReaderGone = errors.New("the reader of the output has gone")

// output is the standard output. Once its reader has gone, as "head" does, nobody looks at what is to come: that ends the command
// as Ctrl-C does.
type output struct {
	file io.Writer
	gone context.CancelCauseFunc
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.file.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		o.gone(errReaderGone)
	}
	return n, err
}
