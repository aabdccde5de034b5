// SPDX-License-Identifier: Apache-2.0

package integration

import (
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// listeners returns the TCP addresses at which processes listen, from proc(5). On other systems it skips the test.
func listeners(t *testing.T, processes map[string]int) []string {
	t.Helper()
	if !exists("/proc/self/net/tcp") {
		t.Skip("needs /proc to find the ports of a process")
	}
	byInode := listenersByInode(t)
	addresses := []string{}
	for name, pid := range processes {
		descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		if err != nil || len(descriptors) == 0 {
			t.Fatalf("%s (process %d) has no file descriptors: %v", name, pid, err)
		}
		for _, descriptor := range descriptors {
			target, err := os.Readlink(descriptor)
			if err != nil {
				continue // closed meanwhile
			}
			if address, listens := byInode[target]; listens && !slices.Contains(addresses, address) {
				addresses = append(addresses, address)
			}
		}
	}
	// API server, controller manager, scheduler, KWOK and metrics-server; etcd has sockets in the folder.
	if len(addresses) < 5 {
		t.Fatalf("found %d listeners, want at least 5: %v", len(addresses), addresses)
	}
	return addresses
}

// listenersByInode returns the address of each listening socket by what its file descriptor links to.
func listenersByInode(t *testing.T) map[string]string {
	t.Helper()
	byInode := map[string]string{}
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		content, err := os.ReadFile(table)
		if os.IsNotExist(err) {
			continue // no IPv6
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(string(content), "\n")[1:] {
			const localAddress, state, inode, listening = 1, 3, 9, "0A"
			fields := strings.Fields(line)
			if len(fields) > inode && fields[state] == listening {
				address, err := parseAddress(fields[localAddress])
				if err != nil {
					t.Fatalf("%s: %q: %v", table, line, err)
				}
				byInode["socket:["+fields[inode]+"]"] = address
			}
		}
	}
	return byInode
}

// parseAddress decodes an address such as 0100007F:1F90: hexadecimal, the IP in words of the machine's byte order (taken to
// be little-endian), the port in the order of digits.
func parseAddress(text string) (string, error) {
	host, port, found := strings.Cut(text, ":")
	number, err := strconv.ParseUint(port, 16, 16)
	if !found || err != nil {
		return "", fmt.Errorf("no address: %q", text)
	}
	ip, err := hex.DecodeString(host)
	if err != nil || len(ip)%4 != 0 {
		return "", fmt.Errorf("no address: %q", text)
	}
	for word := range slices.Chunk(ip, 4) {
		slices.Reverse(word)
	}
	return net.JoinHostPort(net.IP(ip).String(), strconv.FormatUint(number, 10)), nil
}
