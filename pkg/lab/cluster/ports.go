// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

const loopback = "127.0.0.1"

// ports are those of one control plane, all on loopback.
type ports struct {
	apiServer, controllerManager, metricsServer, kwok int
}

// choosePorts picks ports that were free a moment ago. Another program may take one before its use: see Start.
func choosePorts() (ports, error) {
	free, err := freePorts(4)
	if err != nil {
		return ports{}, err
	}
	return ports{apiServer: free[0], controllerManager: free[1], metricsServer: free[2], kwok: free[3]}, nil
}

// freePorts returns count different ports.
func freePorts(count int) (free []int, err error) {
	for range count {
		listener, err := net.Listen("tcp4", net.JoinHostPort(loopback, "0"))
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		// Open until all are found, or the same one could be found twice.
		defer listener.Close()
		address, ok := listener.Addr().(*net.TCPAddr)
		if !ok {
			return nil, errors.New("looking for a free port: not a TCP address: " + listener.Addr().String())
		}
		free = append(free, address.Port)
	}
	return free, nil
}

// loopbackURL is the address of a port, with a path.
func loopbackURL(port int, path string) string {
	return "https://" + net.JoinHostPort(loopback, strconv.Itoa(port)) + path
}
