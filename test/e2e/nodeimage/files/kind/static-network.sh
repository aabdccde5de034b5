#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The pod network without an image to pull: the node a.b.c.N gives its pods 10.244.N.0/24, and knows the way to those of
# the nodes a.b.c.2 to a.b.c.40.
set -o errexit -o nounset -o pipefail

address=$(ip -4 -brief address show eth0 | grep -o '[0-9.]*/' | tr -d /)
number=${address##*.}
network=${address%.*}

mkdir -p /etc/cni/net.d
cat >/etc/cni/net.d/10-static.conflist <<CONFLIST
{"cniVersion": "0.4.0", "name": "static", "plugins": [
  {"type": "ptp", "ipMasq": false, "ipam": {"type": "host-local", "dataDir": "/run/cni-ipam-state",
    "ranges": [[{"subnet": "10.244.$number.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}
]}
CONFLIST

for other in $(seq 2 40); do
	if [ "$other" != "$number" ]; then
		ip route replace "10.244.$other.0/24" via "$network.$other"
	fi
done
