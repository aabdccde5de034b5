// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
)

func TestTheCommandEndsWhenTheReaderOfItsOutputHasGone(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	out := &output{file: write, gone: cancel}
	if _, err := fmt.Fprintln(out, "somebody reads"); err != nil || ctx.Err() != nil {
		t.Fatalf("writing: %v; the context: %v", err, ctx.Err())
	}
	if err := read.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintln(out, "nobody reads"); err == nil || !errors.Is(context.Cause(ctx), errReaderGone) {
		t.Errorf("writing: %v; the context ended with %v, want that the reader has gone", err, context.Cause(ctx))
	}
}
