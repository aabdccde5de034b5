// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/headroom-dev/headroom/pkg/usage/jsonstream"
	"github.com/headroom-dev/headroom/pkg/usage/protolist"
)

// What an answer in protobuf begins with, and the numbers of its fields.
const (
	magic = protolist.Magic

	unknownTypeMeta, unknownRaw, unknownContentEncoding = 1, 2, 3
	typeMetaKind                                        = 2
	listMetadata, listItems, listMetaContinue           = 1, 2, 3
)

// fields makes a message from fields: a number, then bytes or a varint.
func fields(numbersAndValues ...any) []byte {
	var out []byte
	for i := 0; i < len(numbersAndValues); i += 2 {
		number := protowire.Number(numbersAndValues[i].(int))
		switch value := numbersAndValues[i+1].(type) {
		case []byte:
			out = protowire.AppendBytes(protowire.AppendTag(out, number, protowire.BytesType), value)
		case string:
			out = protowire.AppendString(protowire.AppendTag(out, number, protowire.BytesType), value)
		case int:
			out = protowire.AppendVarint(protowire.AppendTag(out, number, protowire.VarintType), uint64(value))
		}
	}
	return out
}

// claiming is a bytes field that says it has so many bytes, and has none.
func claiming(number protowire.Number, length uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.BytesType), length)
}

func answer(parts ...[]byte) []byte {
	return append([]byte(magic), bytes.Join(parts, nil)...)
}

func TestHostileProtobufIsAnError(t *testing.T) {
	unending := bytes.Repeat([]byte{0xff}, 20)
	message := fields(metricsMetadata, fields(objectName, "a"))
	for _, test := range []struct {
		name string
		text []byte
		want string // part of the error
	}{
		{"nothing", nil, "the body was cut off"},
		{"JSON", []byte(`{"kind":"PodMetricsList"}`), "it begins with"},
		{"no list", answer(), "has no list"},
		{"another kind", answer(fields(unknownTypeMeta, fields(typeMetaKind, "Status"), unknownRaw, "")), `kind "Status"`},
		{"two lists", answer(fields(unknownRaw, "", unknownRaw, "")), "two lists"},
		{"an encoded list", answer(fields(unknownRaw, "", unknownContentEncoding, "gzip")), `encoded as "gzip"`},
		{"a list that is a number", answer(fields(unknownRaw, 7)), "wire type"},
		{"a page", answer(fields(unknownRaw, fields(listMetadata, fields(listMetaContinue, "more")))), "first page"},
		{"a tag that does not end", answer(unending), "varint"},
		{"a length that does not end", answer(claiming(unknownRaw, 0)[:1], unending), "varint"},
		{"a list longer than all numbers", answer(claiming(unknownRaw, math.MaxUint64)), "claims"},
		{"an item longer than its list", answer(fields(unknownRaw, claiming(listItems, 1000))), "goes beyond its end"},
		{"an item of a terabyte", answer(claiming(unknownRaw, 1<<50), claiming(listItems, 1<<40)), "at most 1048576 are taken"},
		{"metadata of a terabyte", answer(claiming(unknownRaw, 1<<50), claiming(listMetadata, 1<<40)), "at most 65536 are taken"},
		{"a type of a terabyte", answer(claiming(unknownTypeMeta, 1<<40)), "at most 65536 are taken"},
		{"items that are numbers", answer(fields(unknownRaw, fields(listItems, 7))), "wire type"},
		{"a group", answer(fields(unknownRaw, protowire.AppendTag(nil, 9, protowire.StartGroupType))), "wire type 3"},
		{"a field number of zero", answer(fields(unknownRaw, []byte{0x02})), "no field has the tag"},
		{"a cut within an item", answer(fields(unknownRaw, fields(listItems, message[:len(message)-1]))), "item 1: field 1"},
		{"a tag over the end of the list", answer(fields(unknownRaw, []byte{0x12}), []byte{0}), "goes beyond its end"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := decodeProtobuf(bytes.NewReader(test.text), podList, func(*item) {})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestHostileJSONIsAnError(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       string // part of the error
	}{
		{"nothing", "", "the body was cut off"},
		{"HTML", "<html>", "invalid character"},
		{"a list without a frame", "[]", "found"},
		{"another kind", `{"kind":"Status","status":"Failure"}`, `kind "Status"`},
		{"no items", `{"kind":"PodMetricsList"}`, "has no items"},
		{"items that are no list", `{"items":{}}`, "want a list"},
		{"a page", `{"metadata":{"continue":"more"},"items":[]}`, "first page"},
		{"more after the list", `{"items":[]}{"items":[]}`, "follows the end"},
		{"an item that does not end", `{"items":[{"metadata":{"name":"` + strings.Repeat("x", 2*jsonstream.MaxValueBytes), "one value has more than"},
		{"a key that does not end", `{"` + strings.Repeat("x", 2*jsonstream.MaxValueBytes), "one value has more than"},
		{"white space that does not end", strings.Repeat(" ", 2*jsonstream.MaxValueBytes), "one value has more than"},
		{"depth that does not end", `{"other":` + strings.Repeat("[", 100_000), "exceeded max depth"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := decodeJSON(strings.NewReader(test.text), podList, func(*item) {})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %.200v, want one with %q", err, test.want)
			}
		})
	}
}

func TestOneSpoiltItemOfAListIsRefusedAlone(t *testing.T) {
	const good = `{"metadata":{"namespace":"a","name":"good"},"timestamp":"2026-01-02T03:04:05Z","containers":[{"usage":{"memory":"1Ki"}},{"usage":{"memory":5}}]}`
	for name, spoilt := range map[string]string{
		"a memory of another type":     `{"metadata":{"namespace":"a","name":"b"},"timestamp":"2026-01-02T03:04:05Z","containers":[{"usage":{"memory":{}}}]}`,
		"a name of another type":       `{"metadata":{"namespace":"a","name":7},"timestamp":"2026-01-02T03:04:05Z","containers":[{"usage":{"memory":"1"}}]}`,
		"a memory of null":             `{"metadata":{"namespace":"a","name":"b"},"timestamp":"2026-01-02T03:04:05Z","containers":[{"usage":{"memory":null}}]}`,
		"an item of null":              `null`,
		"an item of another type":      `"item"`,
		"a container without a usage":  `{"metadata":{"namespace":"a","name":"b"},"timestamp":"2026-01-02T03:04:05Z","containers":[{"name":"c"}]}`,
		"containers of another type":   `{"metadata":{"namespace":"a","name":"b"},"timestamp":"2026-01-02T03:04:05Z","containers":"c"}`,
		"a time of another type, null": `{"metadata":{"namespace":"a","name":"b"},"timestamp":7,"containers":null}`,
	} {
		t.Run(name, func(t *testing.T) {
			var got []found
			if err := decodeJSON(strings.NewReader(`{"items":[`+good+`,`+spoilt+`,`+good+`]}`), podList, collect(&got)); err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 || got[0].Measurement.Bytes != 1029 || got[2] != got[0] || got[1].Reason == "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// Whatever arrives, decoding it ends, and within the memory that is stated.
func FuzzDecode(f *testing.F) {
	f.Add(encodeProtobuf(f, pods(2), podList))
	f.Add(encodeProtobuf(f, &metricsv1beta1.NodeMetricsList{}, nodeList))
	f.Add(encodeJSON(f, pods(2), podList))
	f.Add(answer(claiming(unknownRaw, math.MaxUint64)))
	f.Add(answer(fields(unknownRaw, fields(listItems, claiming(metricsUsages, 1<<40)))))
	f.Add([]byte(`{"items":[null,{"containers":[{"usage":{"memory":"1e999999999"}}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, kind := range []listKind{nodeList, podList} {
			take := func(i *item) {
				if i.reason == "" && i.bytes < 0 {
					t.Errorf("%q has %d bytes", i.name, i.bytes)
				}
			}
			byProtobuf := decodeProtobuf(bytes.NewReader(text), kind, take)
			byJSON := decodeJSON(bytes.NewReader(text), kind, take)
			if byProtobuf == nil && byJSON == nil {
				t.Error("it is both protobuf and JSON")
			}
		}
	})
}

func FuzzQuantity(f *testing.F) {
	for _, text := range []string{"12345Ki", "1.5Gi", "1e3", "-1", "1e999999999", "9223372036854775807", "1m"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if value, reason := parseQuantity(text); value < 0 || (reason != "" && value != 0) {
			t.Errorf("parseQuantity(%q) = %d, %q", text, value, reason)
		}
	})
}
