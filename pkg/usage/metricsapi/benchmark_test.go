// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/headroom-dev/headroom/pkg/usage/intake"
)

// BenchmarkPods decodes the 150,000 pods of the largest cluster that Kubernetes supports into a sample set.
func BenchmarkPods(b *testing.B) {
	const count = 150_000
	for _, format := range []struct {
		name   string
		text   []byte
		decode func(io.Reader, listKind, func(*item)) error
	}{
		{"protobuf", encodeProtobuf(b, pods(count), podList), decodeProtobuf},
		{"JSON", encodeJSON(b, pods(count), podList), decodeJSON},
	} {
		b.Run(format.name, func(b *testing.B) {
			b.SetBytes(int64(len(format.text)))
			b.ReportAllocs()
			for b.Loop() {
				in := intake.New(time.Unix(1_767_323_050, 0), 0, count)
				namespaces := map[string]string{}
				if err := format.decode(bytes.NewReader(format.text), podList, func(i *item) { takePod(in, i, namespaces) }); err != nil {
					b.Fatal(err)
				}
				if got := len(in.Set().Pods); got != count {
					b.Fatalf("%d pods, %v", got, in.Set().RefusedCount)
				}
			}
		})
	}
}
