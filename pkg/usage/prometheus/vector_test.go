// SPDX-License-Identifier: Apache-2.0

package prometheus

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// Whatever arrives, decoding it ends, and what is no JSON is an error.
func FuzzVector(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{"node":"a"},"value":[1767323045.123,"5"]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]},"warnings":["a"]}`))
	f.Add([]byte(`{"status":"error","error":"no"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		taken := 0
		err := decodeVector(bytes.NewReader(text), func(_ map[string]string, _ float64, said string) {
			taken++
			if len(said) > maxTextBytes {
				t.Errorf("%d bytes of a value are repeated", len(said))
			}
		})
		if err == nil && taken > len(text) {
			t.Errorf("%d series of %d bytes", taken, len(text))
		}
	})
}

func TestAnAnswerOfTooManySeriesIsNotReadFurther(t *testing.T) {
	text := `{"status":"success","data":{"resultType":"vector","result":[` + strings.Repeat(`{},`, maxSeries) + `{}]}}`
	taken := 0
	err := decodeVector(strings.NewReader(text), func(map[string]string, float64, string) { taken++ })
	if err == nil || !strings.Contains(err.Error(), "more than 1000000 series") || taken != maxSeries {
		t.Errorf("%d series were taken, error %v, want an error after %d", taken, err, maxSeries)
	}
}

// BenchmarkVector decodes an answer with the 150,000 pods of the largest cluster; a read has one of times as well.
func BenchmarkVector(b *testing.B) {
	const count = 150_000
	var text bytes.Buffer
	text.WriteString(`{"status":"success","data":{"resultType":"vector","result":[`)
	for i := range count {
		if i > 0 {
			text.WriteByte(',')
		}
		fmt.Fprintf(&text, `{"metric":{"namespace":"team-%d","pod":"deployment-%d-7d9c5b8f6d-%05d"},"value":[1767323045.123,"%d"]}`, i%300, i%5000, i, i<<20)
	}
	text.WriteString(`]}}`)
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		taken := 0
		if err := decodeVector(bytes.NewReader(text.Bytes()), func(map[string]string, float64, string) { taken++ }); err != nil || taken != count {
			b.Fatal(taken, err)
		}
	}
}

func FuzzMatrix(f *testing.F) {
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":"a"},"values":[[1767323045.123,"5"],[1767323046,"NaN"]]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"histograms":[[1,{}]]}]}}`))
	f.Add([]byte(`{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[],[1],["a","b"],[1,2,3]]}]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		taken := 0
		err := decodeMatrix(bytes.NewReader(text), func(_ map[string]string, values []timed) { taken += 1 + len(values) })
		if err == nil && taken > len(text) {
			t.Errorf("%d series and values of %d bytes", taken, len(text))
		}
	})
}
