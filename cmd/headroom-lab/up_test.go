// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestUpRefusesNodesThatAreNone(t *testing.T) {
	for _, test := range []struct {
		options upOptions
		want    string // of the error; "": none
	}{
		{upOptions{0, "8Gi", "4"}, ""},
		{upOptions{2, "1Mi", "1m"}, ""},
		{upOptions{-1, "8Gi", "4"}, "--nodes -1"},
		{upOptions{1, "100m", "4"}, `--node-memory "100m": want 1Mi or more`},
		{upOptions{1, "8", "4"}, `--node-memory "8": want 1Mi or more`},
		{upOptions{1, "-8Gi", "4"}, `--node-memory "-8Gi": want more than 0`},
		{upOptions{1, "8Gi", "0"}, `--node-cpu "0": want more than 0`},
		{upOptions{1, "8Gi", "four"}, `--node-cpu "four"`},
	} {
		nodes, err := test.options.fleet()
		if test.want == "" && (err != nil || len(nodes) != test.options.nodes) {
			t.Errorf("%+v: %d nodes and %v, want as many as were asked for", test.options, len(nodes), err)
		}
		if test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%+v: error %v, want one with %s", test.options, err, test.want)
		}
	}
}

func TestWhatIsPrintedToBeTriedCanBe(t *testing.T) {
	var out bytes.Buffer
	printHints(&out, "/tmp/my files/admin.kubeconfig")
	for _, want := range []string{"\nKUBECONFIG='/tmp/my files/admin.kubeconfig'\n", " kubectl --kubeconfig '/tmp/my files/admin.kubeconfig' get nodes\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the hints lack %q:\n%s", want, &out)
		}
	}
}
