// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"

	"google.golang.org/protobuf/encoding/protowire"
)

// cuts say what to leave out of a message in protobuf, by the numbers of its fields.
type cuts [32]cut

type cut struct {
	// out reports whether a field that holds this is left out. nil: never.
	out func(value []byte) bool
	// inside are the cuts of the message that the field is. nil: it stays as it is.
	inside *cuts
}

// strip leaves out what the cuts say, in place: a pod is decoded in half the time and half the memory without what trim would drop of it. It
// returns what is left. A message that ends within a field is left so from there on.
func strip(message []byte, by *cuts) []byte {
	kept := 0 // so many bytes, at the beginning; never past what was read, so that nothing is overwritten that is still to be read
	for at := 0; at < len(message); {
		number, kind, tag := protowire.ConsumeTag(message[at:])
		size := tag
		if tag >= 0 {
			size = protowire.ConsumeFieldValue(number, kind, message[at+tag:])
		}
		if tag < 0 || size < 0 {
			return append(message[:kept], message[at:]...)
		}
		whole := message[at : at+tag+size]
		at += tag + size
		if kind != protowire.BytesType || int(number) >= len(by) {
			kept += copy(message[kept:], whole)
			continue
		}
		value, _ := protowire.ConsumeBytes(whole[tag:])
		switch of := &by[number]; {
		case of.out != nil && of.out(value):
		case of.inside == nil:
			kept += copy(message[kept:], whole)
		default:
			value = strip(value, of.inside)
			kept += copy(message[kept:], whole[:tag])
			kept = len(protowire.AppendVarint(message[:kept], uint64(len(value))))
			kept += copy(message[kept:], value)
		}
	}
	return message[:kept]
}

// cutsOfPods leave out of a pod what trim drops, as far as that is known without the rest of the pod; what Bypasses looks at stays
// where that is asked for. Numbers are those of k8s.io/api/core/v1/generated.proto and k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto.
func cutsOfPods(bypasses bool) *cuts {
	always := cut{out: func([]byte) bool { return true }}
	metadata := &cuts{
		12: {out: func(annotation []byte) bool {
			key, whole := field(annotation, 1)
			return whole && !decides(string(key))
		}},
		17: always, // managedFields
	}
	if bypasses {
		metadata[17] = cut{out: func(managed []byte) bool { return !bytes.Contains(managed, []byte(quotedNodeName)) }}
	}
	container := &cuts{
		7: always, 19: always, // env, envFrom
		10: always, 11: always, 22: always, // the probes
		12: always, 15: always, // lifecycle, securityContext
	}
	status := &cuts{6: always, 7: always, 8: always, 12: always} // image, imageID, containerID, volumeMounts
	return &cuts{
		1: {inside: metadata},
		2: {inside: &cuts{ // spec
			1: {out: func(volume []byte) bool { // a secret, downwardAPI, configMap or projected
				return has(volume, 2, 6) || has(volume, 2, 16) || has(volume, 2, 19) || has(volume, 2, 26)
			}},
			2: {inside: container}, 20: {inside: container},
			14: always, 15: always, 23: always, 26: always, // securityContext, imagePullSecrets, hostAliases, dnsConfig
		}},
		3: {inside: &cuts{ // status
			8: {inside: status}, 10: {inside: status},
			5: always, 16: always, 6: always, 12: always, // hostIP, hostIPs, podIP, podIPs
		}},
	}
}

// has reports whether a message has a field that a path of numbers leads to.
func has(message []byte, path ...protowire.Number) bool {
	_, whole := field(message, path...)
	return whole
}

// field returns the field that a path of numbers leads to, each the first one of its message that has the number; whole is false if
// there is none, or if the message ends within it.
func field(message []byte, path ...protowire.Number) (value []byte, whole bool) {
	for _, number := range path {
		if message, whole = first(message, number); !whole {
			return nil, false
		}
	}
	return message, true
}

func first(message []byte, number protowire.Number) (value []byte, whole bool) {
	for len(message) > 0 {
		at, kind, size := protowire.ConsumeTag(message)
		if size < 0 {
			return nil, false
		}
		message = message[size:]
		if at == number && kind == protowire.BytesType {
			value, size = protowire.ConsumeBytes(message)
			return value, size >= 0
		}
		if size = protowire.ConsumeFieldValue(at, kind, message); size < 0 {
			return nil, false
		}
		message = message[size:]
	}
	return nil, false
}
