// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestWhatIsPrintedToBeTriedCanBe(t *testing.T) {
	var out bytes.Buffer
	printHints(&out, "/tmp/my files/admin.kubeconfig")
	for _, want := range []string{"\nKUBECONFIG='/tmp/my files/admin.kubeconfig'\n", " kubectl --kubeconfig '/tmp/my files/admin.kubeconfig' get nodes\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the hints lack %q:\n%s", want, &out)
		}
	}
}
