// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// port makes a pod ask for ports of its node: of all addresses, by TCP.
func port(numbers ...int32) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		for _, number := range numbers {
			pod.Spec.Containers[0].Ports = append(pod.Spec.Containers[0].Ports,
				corev1.ContainerPort{ContainerPort: number, HostPort: number, Protocol: corev1.ProtocolTCP})
		}
	}
}

// portOf makes a pod ask for a port of one address, by a protocol; "" is the one that is meant then.
func portOf(address string, number int32, protocol corev1.Protocol) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Spec.Containers[0].Ports = append(pod.Spec.Containers[0].Ports,
			corev1.ContainerPort{ContainerPort: number, HostIP: address, HostPort: number, Protocol: protocol})
	}
}

// inSidecar moves the ports of a pod to a sidecar, which is an init container, or to an init container that ends.
func inSidecar(sidecar bool) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		moved := corev1.Container{Name: "proxy", Ports: pod.Spec.Containers[0].Ports}
		if sidecar {
			moved.RestartPolicy = new(corev1.ContainerRestartPolicyAlways)
		}
		pod.Spec.InitContainers, pod.Spec.Containers[0].Ports = append(pod.Spec.InitContainers, moved), nil
	}
}

// There are two nodes, a and b. Whoever has the port is to be looked at, or moved.
func TestAHostPortThatIsTakenIsNamedWithThePodThatHasIt(t *testing.T) {
	on := func(node, name string, changes ...func(*corev1.Pod)) *corev1.Pod {
		made := pending(name, "1Gi", placedOn(node))
		for _, change := range changes {
			change(made)
		}
		return made
	}
	const free = "free the host port there, or do without hostPort"
	for _, test := range []struct {
		name   string
		pod    []func(*corev1.Pod)
		others []*corev1.Pod
		want   []told
	}{
		{"one", []func(*corev1.Pod){port(80)}, []*corev1.Pod{on("a", "first", port(80)), on("b", "second", port(80))},
			[]told{{Plugin: "NodePorts", Missing: "host port 80/TCP, which pod default/first has", Change: free}}},
		{"the node where fewer are taken, and only those", []func(*corev1.Pod){port(80, 443, 8080)},
			[]*corev1.Pod{on("a", "http", port(80)), on("a", "tls", port(22, 443)), on("b", "other", port(8080))},
			[]told{{Plugin: "NodePorts", Missing: "host port 8080/TCP, which pod default/other has", Change: free}}},
		{"two, of two pods", []func(*corev1.Pod){port(443, 80)},
			[]*corev1.Pod{on("a", "http", port(80)), on("a", "tls", port(443)), on("b", "both", port(80, 443))},
			[]told{{Plugin: "NodePorts", Missing: "host port 443/TCP, which pod default/tls has; host port 80/TCP, which pod default/http has", Change: free}}},
		{"of one address, which somebody has of all", []func(*corev1.Pod){portOf("10.0.0.4", 53, corev1.ProtocolUDP)},
			[]*corev1.Pod{on("a", "tcp", port(53)), on("a", "dns", portOf("", 53, corev1.ProtocolUDP)), on("b", "dns-b", portOf("", 53, corev1.ProtocolUDP))},
			[]told{{Plugin: "NodePorts", Missing: "host port 10.0.0.4:53/UDP, which pod default/dns has", Change: free}}},
		{"of all addresses, of which somebody has one, and no protocol", []func(*corev1.Pod){portOf("", 80, "")},
			[]*corev1.Pod{on("a", "one", portOf("fd00::4", 80, corev1.ProtocolTCP)), on("b", "other", port(80))},
			[]told{{Plugin: "NodePorts", Missing: "host port 80/TCP, which pod default/one has", Change: free}}},
		{"of another address of version 6", []func(*corev1.Pod){portOf("fd00::4", 80, corev1.ProtocolTCP)},
			[]*corev1.Pod{on("a", "apart", portOf("fd00::5", 80, corev1.ProtocolTCP)), on("a", "same", portOf("fd00::4", 80, corev1.ProtocolTCP)), on("b", "all", port(80))},
			[]told{{Plugin: "NodePorts", Missing: "host port [fd00::4]:80/TCP, which pod default/same has", Change: free}}},
		{"that a sidecar has, and one that an init container had", []func(*corev1.Pod){port(80)},
			[]*corev1.Pod{on("a", "ended", port(80), inSidecar(false)), on("a", "proxied", port(80), inSidecar(true)), on("b", "other", port(80))},
			[]told{{Plugin: "NodePorts", Missing: "host port 80/TCP, which pod default/proxied has", Change: free}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := pending("web", "1Gi", test.pod...)
			placement, err := openOver(t, func(*corev1.Node) {}, append(test.others, pod)...).Explain(t.Context(), pod, 0)
			if err != nil {
				t.Fatal(err)
			}
			var got []told
			for _, cause := range placement.Causes {
				got = append(got, told{cause.Plugin, cause.Missing, cause.Change, cause.Detail})
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
