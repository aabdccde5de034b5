// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"fmt"
	"math"

	fwk "k8s.io/kube-scheduler/framework"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
)

// need returns what the pod is counted for, or nil where the profile does not look at memory.
func (c *cycle) need() *PodNeed {
	if c.memory == nil || len(c.nodes) == 0 {
		return nil
	}
	account, ok := c.memory.Account(c.state, c.nodes[0])
	if !ok {
		return nil
	}
	return &PodNeed{
		RequestBytes: account.Demand.RequestBytes, FirmBytes: account.Demand.FirmBytes, FirmSource: string(account.Demand.FirmSource),
		PeakBytes: account.Demand.PeakBytes, PeakSource: string(account.Demand.PeakSource), Filter: string(account.Mode), Degraded: account.Degraded,
	}
}

// account returns how the memory plugin judges a node.
func (c *cycle) account(node fwk.NodeInfo) (memory.Account, bool) {
	if c.memory == nil {
		return memory.Account{}, false
	}
	return c.memory.Account(c.state, node)
}

// nodeMemory returns the sum of a node's memory for this pod, or nil where the profile does not look at memory.
func (c *cycle) nodeMemory(node fwk.NodeInfo) *NodeMemory {
	account, ok := c.account(node)
	if !ok {
		return nil
	}
	return c.memoryOf(&account)
}

// memoryOf returns the sum by how the plugin judges the node.
func (c *cycle) memoryOf(account *memory.Account) *NodeMemory {
	sum := &NodeMemory{State: account.Node.State.String(), Avoided: account.Away}
	if !account.Node.SampleTime.IsZero() {
		sum.Sample = new(stamp(account.Node.SampleTime))
	}
	if account.Node.State != ledger.Fresh {
		sum.Text = unknownText(account, c.scheduler)
		return sum
	}
	sum.fill(&account.Node)
	*sum.PromisedBytes += account.AddedFirm
	sum.KeptFreeBytes = &account.KeptFree
	left, expected := account.Left, account.ExpectedLeft
	after := left - account.Demand.FirmBytes
	sum.LeftBytes, sum.LeftAfterBytes, sum.ExpectedLeftBytes = &left, &after, &expected
	sum.FullDayPercent, sum.FullNowPercent = new(percent(account.FullDay)), new(percent(account.FullNow))
	sum.Text = sum.sentence(account.Demand)
	return sum
}

// fill takes in the measure that binds.
func (m *NodeMemory) fill(line *ledger.Node) {
	held := line.NodeHeld
	m.ThresholdBytes, m.Origin = line.Thresholds.Node, string(line.Thresholds.EvictionHardOrigin)
	if line.Signal == threshold.SignalPods || line.Signal == threshold.EndOfPods {
		held = line.PodsHeld
		m.ThresholdBytes, m.Origin = line.Thresholds.Pods, string(line.Thresholds.PodsOrigin)
	}
	m.Signal, m.HeldBytes = string(line.Signal), &held
	m.PromisedBytes = new(m.ThresholdBytes - held - line.Left)
}

func unknownText(account *memory.Account, s *Scheduler) string {
	decides := "requests decide here"
	if account.Foreseen {
		decides += " whether the pod fits, and what was learned of the node's pods how good it is"
	}
	if account.Node.State == ledger.Stale {
		return fmt.Sprintf("its sample is %s old, which is too old: %s", Age(s.now.Sub(account.Node.SampleTime)), decides)
	}
	if account.Node.State == ledger.Unsupported {
		return "it runs Windows, where memory has other rules: " + decides
	}
	return "it has no sample: " + decides
}

// sentence is the sum in words.
func (m *NodeMemory) sentence(demand forecast.Demand) string {
	text := fmt.Sprintf("evicts above %s (%s, %s), holds %s", quantity.InWords(m.ThresholdBytes), m.Signal, m.Origin, quantity.InWords(*m.HeldBytes))
	if m.Signal == string(threshold.EndOfMachine) || m.Signal == string(threshold.EndOfPods) {
		text = fmt.Sprintf("has %s (%s, no eviction threshold), holds %s", quantity.InWords(m.ThresholdBytes), m.Signal, quantity.InWords(*m.HeldBytes))
	}
	if *m.PromisedBytes > 0 {
		text += fmt.Sprintf(", promised %s to pods that start", quantity.InWords(*m.PromisedBytes))
	}
	if *m.KeptFreeBytes > 0 {
		text += fmt.Sprintf(", keeps %s free", quantity.InWords(*m.KeptFreeBytes))
	}
	if *m.LeftAfterBytes < 0 {
		return text + fmt.Sprintf(": %s left, this pod asks for %s (%s), %s short", quantity.InWords(*m.LeftBytes), quantity.InWords(demand.FirmBytes), firmSource(demand), quantity.InWords(-*m.LeftAfterBytes))
	}
	text += fmt.Sprintf(": %s left, %s with this pod's %s (%s)", quantity.InWords(*m.LeftBytes), quantity.InWords(*m.LeftAfterBytes), quantity.InWords(demand.FirmBytes), firmSource(demand))
	peaks := fmt.Sprintf("; %s at all peaks, its own of %s (%s)", quantity.InWords(*m.ExpectedLeftBytes), quantity.InWords(demand.PeakBytes), demand.PeakSource)
	if *m.ExpectedLeftBytes < 0 {
		peaks = fmt.Sprintf("; at all peaks, its own of %s (%s), %s short", quantity.InWords(demand.PeakBytes), demand.PeakSource, quantity.InWords(-*m.ExpectedLeftBytes))
	}
	text += peaks + fmt.Sprintf("; with it %.0f %% full over the day ahead and %.0f %% now, by which it scores", *m.FullDayPercent, *m.FullNowPercent)
	if m.Avoided > 0 {
		text += fmt.Sprintf("; it ran short of memory a moment ago: %.0f %% off", m.Avoided*100)
	}
	return text
}

// percent is a share in percent, to one digit.
func percent(share float64) float64 { return math.Round(share*1000) / 10 }

// firmSource says in words where what a node must have left comes from.
func firmSource(demand forecast.Demand) string {
	if demand.FirmSource == forecast.SourceSiblings {
		return "held of late by pods of its workload"
	}
	return string(demand.FirmSource)
}
