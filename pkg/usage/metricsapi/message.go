// SPDX-License-Identifier: Apache-2.0

package metricsapi

import (
	"fmt"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/headroom-dev/headroom/pkg/usage/protolist"
)

// Field numbers of NodeMetrics and PodMetrics, which differ in the fourth alone, and of what is in them.
const (
	metricsMetadata   = 1
	metricsTimestamp  = 2
	metricsUsages     = 4 // of a node an entry of its usage, of a pod a container
	objectName        = 1
	objectNamespace   = 3
	timestampSeconds  = 1
	containerUsage    = 2
	entryKey          = 1
	entryValue        = 2
	quantityString    = 1
	memoryKey         = "memory"
	maxTimestampValue = 253402300799 // the end of the year 9999
)

// unmarshal reads a message into the item, over what was in it.
func (i *item) unmarshal(message []byte, kind listKind) error {
	*i = item{}
	var memory []byte // of a node
	hasUsage := false
	for len(message) > 0 {
		f, err := nextField(&message)
		if err != nil {
			return err
		}
		if f.wireType != protowire.BytesType {
			continue
		}
		switch f.number {
		case metricsMetadata:
			err = i.unmarshalMetadata(f.bytes)
		case metricsTimestamp:
			err = i.unmarshalTimestamp(f.bytes)
		case metricsUsages:
			if kind == podList {
				err = i.unmarshalContainer(f.bytes)
				break
			}
			hasUsage = true
			err = unmarshalUsage(f.bytes, &memory)
		}
		if err != nil {
			return fmt.Errorf("field %d: %w", f.number, err)
		}
	}
	if hasUsage {
		i.add(memory)
	}
	i.end()
	return nil
}

func (i *item) unmarshalMetadata(message []byte) error {
	for len(message) > 0 {
		f, err := nextField(&message)
		if err != nil {
			return err
		}
		if f.wireType != protowire.BytesType {
			continue
		}
		switch f.number {
		case objectName:
			i.name = f.bytes
		case objectNamespace:
			i.namespace = f.bytes
		}
	}
	return nil
}

// unmarshalTimestamp reads whole seconds, as Kubernetes does.
func (i *item) unmarshalTimestamp(message []byte) error {
	i.taken = time.Time{}
	for len(message) > 0 {
		f, err := nextField(&message)
		if err != nil {
			return err
		}
		if f.number == timestampSeconds && f.wireType == protowire.VarintType {
			i.taken = time.Time{}
			if seconds := int64(f.varint); seconds > 0 && seconds <= maxTimestampValue {
				i.taken = time.Unix(seconds, 0)
			}
		}
	}
	return nil
}

func (i *item) unmarshalContainer(message []byte) error {
	var memory []byte
	for len(message) > 0 {
		f, err := nextField(&message)
		if err != nil {
			return err
		}
		if f.number == containerUsage && f.wireType == protowire.BytesType {
			if err := unmarshalUsage(f.bytes, &memory); err != nil {
				return fmt.Errorf("usage: %w", err)
			}
		}
	}
	i.add(memory)
	return nil
}

// unmarshalUsage reads one entry of a usage and sets memory if it is that.
func unmarshalUsage(entry []byte, memory *[]byte) error {
	var key, value []byte
	for len(entry) > 0 {
		f, err := nextField(&entry)
		if err != nil {
			return err
		}
		if f.wireType != protowire.BytesType {
			continue
		}
		switch f.number {
		case entryKey:
			key = f.bytes
		case entryValue:
			value = f.bytes
		}
	}
	if string(key) != memoryKey {
		return nil
	}
	quantity, err := protolist.FieldOf(value, quantityString)
	*memory = quantity
	return err
}
