// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"fmt"
	"net"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	schedulerutil "k8s.io/kubernetes/pkg/scheduler/util"
)

// portShortfall names the host ports that are taken on a node, and the pods that have them.
func (c *cycle) portShortfall(node fwk.NodeInfo, plain shortfall) shortfall {
	plain.change = "free the host port there, or do without hostPort"
	var taken []string
	for _, wanted := range schedulerutil.GetHostPorts(c.pod) {
		if other := holderOf(&wanted, node.GetPods()); other != nil {
			taken = append(taken, fmt.Sprintf("host port %s, which pod %s/%s has", portInWords(&wanted), other.Namespace, other.Name))
		}
	}
	if len(taken) == 0 {
		return plain
	}
	plain.missing, plain.size = strings.Join(taken, "; "), float64(len(taken))
	return plain
}

// holderOf returns a pod that has the port or one that cannot be had beside it, or nil. Ports of different addresses of a node go together,
// but for those of all of them.
func holderOf(wanted *corev1.ContainerPort, pods []fwk.PodInfo) *corev1.Pod {
	for _, info := range pods {
		held := fwk.HostPortInfo{}
		for _, port := range schedulerutil.GetHostPorts(info.GetPod()) {
			held.Add(port.HostIP, string(port.Protocol), port.HostPort)
		}
		if held.CheckConflict(wanted.HostIP, string(wanted.Protocol), wanted.HostPort) {
			return info.GetPod()
		}
	}
	return nil
}

// portInWords is a port as it is usually written: 80/TCP, or 10.0.0.4:80/TCP where it is of one address.
func portInWords(port *corev1.ContainerPort) string {
	address := strconv.Itoa(int(port.HostPort))
	if port.HostIP != "" && port.HostIP != fwk.DefaultBindAllHostIP {
		address = net.JoinHostPort(port.HostIP, address)
	}
	return address + "/" + string(cmp.Or(port.Protocol, corev1.ProtocolTCP))
}
