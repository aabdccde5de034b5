// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"path/filepath"
)

// Names of the processes, which are those of the components in the multi-call binary.
const (
	etcdName              = "etcd"
	apiServerName         = "kube-apiserver"
	controllerManagerName = "kube-controller-manager"
	schedulerName         = "kube-scheduler"
	metricsServerName     = "metrics-server"
	kwokName              = "kwok"
)

const (
	// Relative to the folder, where every process runs: the path of a socket can have about a hundred characters only.
	etcdSocket     = "etcd.sock"
	etcdPeerSocket = "etcd-peer.sock" // has to be given, though nobody connects to it
	kwokConfigFile = "kwok.yaml"

	// Fleets above largeFleet nodes are large: with all their leases renewed every 10 s, little else would get done.
	largeFleet = 1500
	// fakePodCIDR is where KWOK takes pod addresses from. Nothing listens there.
	fakePodCIDR = "10.244.0.1/16"
	// highRate is a client-side limit that is never reached.
	highRate = 5000
)

// leases are the times of one fleet's node leases in seconds.
type leases struct {
	duration, gracePeriod int
}

// leasesFor chooses how long a lease lasts (KWOK renews it each quarter of that) and how long a node may miss one.
func leasesFor(expectedNodes int) leases {
	if expectedNodes > largeFleet {
		return leases{duration: 200, gracePeriod: 240}
	}
	return leases{duration: 40, gracePeriod: 50}
}

func (c *Cluster) component(name string, arguments ...string) command {
	return command{name: name, executable: c.options.Executable, arguments: append([]string{name}, arguments...)}
}

// etcdCommand starts etcd on unix sockets in the cluster's folder: it knows no users, and any port would be everybody's.
func (c *Cluster) etcdCommand() command {
	client := "unix://" + etcdSocket
	peer := "unix://" + etcdPeerSocket
	return c.component(etcdName,
		"--name=lab",
		"--data-dir="+filepath.Join(c.folder.path, "etcd"),
		"--listen-client-urls="+client,
		"--advertise-client-urls="+client,
		"--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer,
		"--initial-cluster=lab="+peer,
		"--unsafe-no-fsync", // the data goes with the cluster
		"--quota-backend-bytes=8589934592",
		"--log-level=warn",
	)
}

func (c *Cluster) apiServerCommand() command {
	servingCertificate, servingKey := c.files.serving()
	proxyCertificate, proxyKey := c.files.frontProxy()
	accountPublic, accountPrivate := c.files.serviceAccount()
	arguments := []string{
		"--etcd-servers=unix://" + etcdSocket,
		"--bind-address=" + loopback,
		"--advertise-address=" + loopback,
		// No endpoints for the "kubernetes" service: loopback addresses are not allowed there.
		"--endpoint-reconciler-type=none",
		fmt.Sprintf("--secure-port=%d", c.ports.apiServer),
		"--tls-cert-file=" + servingCertificate,
		"--tls-private-key-file=" + servingKey,
		"--cert-dir=" + filepath.Join(c.folder.path, temporaryFolder),
		"--client-ca-file=" + c.files.authority(),
		"--authorization-mode=Node,RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + accountPublic,
		"--service-account-signing-key-file=" + accountPrivate,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--requestheader-client-ca-file=" + c.files.frontProxyAuthority(),
		"--requestheader-allowed-names=" + frontProxyUser,
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + proxyCertificate,
		"--proxy-client-key-file=" + proxyKey,
		// One machine does the work of a whole cluster: queues between its parts would only be measured as its slowness.
		"--enable-priority-and-fairness=false",
		"--max-requests-inflight=0",
		"--max-mutating-requests-inflight=0",
	}
	if c.options.FeatureGates != "" {
		arguments = append(arguments, "--feature-gates="+c.options.FeatureGates)
	}
	if c.options.RuntimeConfig != "" {
		arguments = append(arguments, "--runtime-config="+c.options.RuntimeConfig)
	}
	return c.component(apiServerName, arguments...)
}

func (c *Cluster) controllerManagerCommand() command {
	servingCertificate, servingKey := c.files.serving()
	_, accountPrivate := c.files.serviceAccount()
	kubeconfig := c.files.kubeconfig(controllerManagerName)
	return c.component(controllerManagerName,
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--bind-address="+loopback,
		fmt.Sprintf("--secure-port=%d", c.ports.controllerManager),
		"--tls-cert-file="+servingCertificate,
		"--tls-private-key-file="+servingKey,
		"--cert-dir="+filepath.Join(c.folder.path, temporaryFolder),
		"--leader-elect=false",
		"--use-service-account-credentials=true",
		"--root-ca-file="+c.files.authority(),
		"--service-account-private-key-file="+accountPrivate,
		fmt.Sprintf("--kube-api-qps=%d", highRate),
		fmt.Sprintf("--kube-api-burst=%d", highRate),
		fmt.Sprintf("--node-monitor-grace-period=%ds", leasesFor(c.options.ExpectedNodes).gracePeriod),
	)
}

func (c *Cluster) metricsServerCommand() command {
	servingCertificate, servingKey := c.files.serving()
	kubeconfig := c.files.kubeconfig(metricsServerName)
	return c.component(metricsServerName,
		"--kubeconfig="+kubeconfig,
		"--authentication-kubeconfig="+kubeconfig,
		"--authorization-kubeconfig="+kubeconfig,
		"--bind-address="+loopback,
		fmt.Sprintf("--secure-port=%d", c.ports.metricsServer),
		"--tls-cert-file="+servingCertificate,
		"--tls-private-key-file="+servingKey,
		"--cert-dir="+filepath.Join(c.folder.path, temporaryFolder),
		"--metric-resolution="+c.options.MetricsResolution.String(),
		"--kubelet-request-timeout=5s", // has to be shorter than the interval
		"--kubelet-use-node-status-port",
		"--kubelet-preferred-address-types=InternalIP",
		"--kubelet-certificate-authority="+c.files.authority(),
	)
}

func (c *Cluster) kwokCommand() command {
	servingCertificate, servingKey := c.files.serving()
	return c.component(kwokName,
		"--config="+filepath.Join(c.folder.path, kwokConfigFile),
		"--kubeconfig="+c.files.kubeconfig(kwokName),
		"--v=error", // otherwise a line for each lease and patch, and four for each empty node and scrape
		"--manage-all-nodes=true",
		"--node-ip="+loopback,
		fmt.Sprintf("--node-port=%d", c.ports.kwok),
		fmt.Sprintf("--server-address=%s:%d", loopback, c.ports.kwok),
		"--tls-cert-file="+servingCertificate,
		"--tls-private-key-file="+servingKey,
		"--cidr="+fakePodCIDR,
		fmt.Sprintf("--node-lease-duration-seconds=%d", leasesFor(c.options.ExpectedNodes).duration),
	)
}
