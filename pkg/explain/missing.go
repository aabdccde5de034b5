// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/names"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/noderesources"

	"github.com/headroom-dev/headroom/pkg/memory/forecast"
	"github.com/headroom-dev/headroom/pkg/memory/ledger"
	"github.com/headroom-dev/headroom/pkg/memory/quantity"
	"github.com/headroom-dev/headroom/pkg/memory/threshold"
	"github.com/headroom-dev/headroom/pkg/plugins/memory"
	"github.com/headroom-dev/headroom/pkg/plugins/nodeaffinity"
)

// shortfall is what a node lacks by one plugin.
type shortfall struct {
	// missing and change are words; change is "" where nobody can tell.
	missing, change string
	// size tells how far the node is from fitting, to compare nodes that the same plugin rejects: 0 and up.
	size float64
}

// shortfall says what the node at index i lacks by the plugin of filter j.
func (c *cycle) shortfall(i, j int) shortfall {
	node, status := c.nodes[i], c.results[i].statuses[j]
	plain := shortfall{missing: strings.Join(plainReasons(status.Reasons()), " and "), size: 1}
	if c.filters[j].everywhere != nil {
		return plain
	}
	if kept := c.results[i].keptFor; len(kept) > 0 && c.results[i].onlyKept[j] {
		plain.missing = "it keeps room for " + strings.Join(kept, ", ") + ", nominated to it, which goes before this pod"
		return plain
	}
	switch c.filters[j].Name() {
	case memory.Name:
		return c.memoryShortfall(node, plain)
	case names.NodeResourcesFit:
		return c.resourceShortfall(node, status, plain)
	case nodeaffinity.Name, names.NodeAffinity:
		return c.affinityShortfall(node, status, plain)
	case names.TaintToleration:
		return c.taintShortfall(i, plain)
	case names.NodeUnschedulable:
		plain.missing, plain.change = "it is cordoned", "kubectl uncordon "+node.Node().Name
	case names.InterPodAffinity:
		return c.interPodShortfall(i, status, plain)
	case names.NodePorts:
		return c.portShortfall(node, plain)
	case names.PodTopologySpread:
		return c.spreadShortfall(node, plain)
	}
	return plain
}

// memoryShortfall compares bytes with bytes.
func (c *cycle) memoryShortfall(node fwk.NodeInfo, plain shortfall) shortfall {
	account, ok := c.account(node)
	if !ok || !account.Known {
		return plain
	}
	short := account.Demand.FirmBytes - account.Left
	plain.missing = fmt.Sprintf("%s of memory: %s left, %s asked for", quantity.InWords(short), quantity.InWords(account.Left), quantity.InWords(account.Demand.FirmBytes))
	plain.size = float64(short) / float64(max(account.Demand.FirmBytes, 1))
	plain.change = fmt.Sprintf("%s less used on %s", quantity.InWords(short), node.Node().Name)
	if held := heldThere(&account.Node) + account.AddedFirm; short > held {
		plain.change = "a larger node"
	}
	switch {
	case account.Verdict == memory.VerdictUnseen:
		plain.change = fmt.Sprintf("wait: %s is promised to pods that are still starting there", quantity.InWords(account.Node.MeasuredLeft-account.Node.Left+account.AddedFirm))
	case account.Left <= 0: // Nothing that it asks for would fit.
	case account.Demand.FirmSource == forecast.SourceSiblings:
		// A smaller request alone does not help; and where even the request does not fit, nor does waiting.
		if account.Demand.RequestBytes <= account.Left {
			plain.change += ", or wait: what pods of its workload held counts less and less while none runs"
		}
	case account.Demand.FirmSource == forecast.SourceDeclared:
		plain.change += fmt.Sprintf(", or a declared peak of %s at most", quantity.InWords(account.Left))
	default:
		plain.change += fmt.Sprintf(", or a request of %s at most", quantity.InWords(account.Left))
	}
	return plain
}

// heldThere is what counts as held by the signal that binds.
func heldThere(node *ledger.Node) int64 {
	if node.Signal == threshold.SignalNode || node.Signal == threshold.EndOfMachine {
		return node.NodeHeld + node.MeasuredLeft - node.Left
	}
	return node.PodsHeld + node.MeasuredLeft - node.Left
}

// resourceShortfall names every resource that the plugin finds short: not those that it is told to ignore, nor devices that stand for one.
func (c *cycle) resourceShortfall(node fwk.NodeInfo, status *fwk.Status, plain shortfall) shortfall {
	lacking := slices.DeleteFunc(noderesources.Fits(c.pod, node, nil, noderesources.ResourceRequestsOptions{EnablePodLevelResources: true}),
		func(short noderesources.InsufficientResource) bool {
			return !slices.Contains(status.Reasons(), short.Reason)
		})
	if len(lacking) == 0 {
		return plain
	}
	slices.SortFunc(lacking, func(a, b noderesources.InsufficientResource) int {
		return cmp.Or(cmp.Compare(rank(a.ResourceName), rank(b.ResourceName)), strings.Compare(string(a.ResourceName), string(b.ResourceName)))
	})
	var missing, change []string
	plain.size = 0
	for _, short := range lacking {
		free := short.Capacity - short.Used
		there := fmt.Sprintf("%s of %s free by requests", amount(short.ResourceName, free), amount(short.ResourceName, short.Capacity))
		if free < 0 { // A node that has become smaller.
			there = fmt.Sprintf("%s requested of %s", amount(short.ResourceName, short.Used), amount(short.ResourceName, short.Capacity))
		}
		missing = append(missing, fmt.Sprintf("%s %s: %s, %s asked for",
			amount(short.ResourceName, short.Requested-free), short.ResourceName, there, amount(short.ResourceName, short.Requested)))
		change = append(change, changeOfResource(node.Node().Name, &short))
		plain.size += float64(short.Requested-free) / float64(max(short.Requested, 1))
	}
	plain.missing, plain.change = strings.Join(missing, "; "), strings.Join(change, "; ")
	return plain
}

// rank puts the resources that every node has before others.
func rank(name corev1.ResourceName) int {
	usual := []corev1.ResourceName{corev1.ResourcePods, corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage}
	if at := slices.Index(usual, name); at >= 0 {
		return at
	}
	return len(usual)
}

// changeOfResource says what would help where a resource is short. A request of all that a node has would not, as long as others
// have a part of it; and others may have asked for more than there is now.
func changeOfResource(node string, short *noderesources.InsufficientResource) string {
	free := short.Capacity - short.Used
	switch {
	case short.Requested <= short.Capacity:
		return fmt.Sprintf("%s %s less requested on %s", amount(short.ResourceName, short.Requested-free), short.ResourceName, node)
	case short.Capacity == 0:
		return fmt.Sprintf("a node that has %s", short.ResourceName)
	case free <= 0:
		return "a larger node"
	}
	return fmt.Sprintf("a larger node, or a request of %s %s at most", amount(short.ResourceName, free), short.ResourceName)
}

// amount writes so much of a resource as users write it.
func amount(name corev1.ResourceName, value int64) string {
	switch {
	case name == corev1.ResourceCPU:
		return resource.NewMilliQuantity(value, resource.DecimalSI).String()
	case name == corev1.ResourceMemory || name == corev1.ResourceEphemeralStorage || strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix):
		return quantity.InWords(value)
	}
	return resource.NewQuantity(value, resource.DecimalSI).String()
}

// affinityShortfall names what is wanted and what the node has, of the alternative of which it lacks least.
func (c *cycle) affinityShortfall(node fwk.NodeInfo, status *fwk.Status, plain shortfall) shortfall {
	if slices.Contains(status.Reasons(), nodeaffinity.ErrReasonEnforced) { // The pod's own requirements were not looked at.
		plain.change = "change addedAffinity in the profile, or the node's labels"
		return plain
	}
	unmet := c.unmet(node.Node())
	if len(unmet) == 0 {
		return plain
	}
	var missing, change []string
	for _, requirement := range unmet {
		found := "no such label"
		if requirement.Found != nil {
			found = *requirement.Found
		}
		missing = append(missing, fmt.Sprintf("wants %s, has %s", requirement.Wanted, found))
		change = append(change, changeOf(node.Node().Name, requirement))
	}
	plain.missing, plain.change = strings.Join(missing, "; "), strings.Join(change, "; ")
	plain.size = float64(len(unmet))
	return plain
}

// changeOf says what would let the requirement hold: a label that the node lacks, or another requirement. One that it has says
// something of it that is not to be changed lightly.
func changeOf(node string, requirement Requirement) string {
	key, rest, ok := strings.Cut(requirement.Wanted, " In [")
	if !ok || requirement.Found != nil || key == metav1.ObjectNameField || key == corev1.LabelHostname {
		return "change " + requirement.Path
	}
	value, _, _ := strings.Cut(strings.TrimSuffix(rest, "]"), ", ")
	return fmt.Sprintf("kubectl label node %s %s=%s, or change %s", node, key, value, requirement.Path)
}

// plainReasons takes the words off that every reason begins with, and brings them into one order: a plugin that walks a map has none.
func plainReasons(reasons []string) []string {
	plain := make([]string, len(reasons))
	for i, reason := range reasons {
		plain[i] = strings.TrimPrefix(reason, "node(s) ")
	}
	slices.Sort(plain)
	return plain
}
