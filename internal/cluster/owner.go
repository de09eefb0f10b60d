package cluster

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ownerOf returns which of some processes has the socket with a local address, as the
// kernel tells under /proc; zero if none of them has.
func ownerOf(address net.Addr, pids []int) (int, error) {
	wanted, err := netip.ParseAddrPort(address.String())
	if err != nil {
		return 0, err
	}
	inode, err := inodeOf(netip.AddrPortFrom(wanted.Addr().Unmap(), wanted.Port()))
	if err != nil || inode == "" {
		return 0, err
	}
	socket := "socket:[" + inode + "]"
	for _, pid := range pids {
		dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
		entries, err := os.ReadDir(dir)
		if err != nil {
			// The process ended meanwhile.
			continue
		}
		for _, entry := range entries {
			if name, err := os.Readlink(filepath.Join(dir, entry.Name())); err == nil && name == socket {
				return pid, nil
			}
		}
	}
	return 0, nil
}

// inodeOf returns the inode of the TCP socket with a local address, empty if there is
// none.
func inodeOf(wanted netip.AddrPort) (string, error) {
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		inode, err := findInode(table, wanted)
		if err != nil || inode != "" {
			return inode, err
		}
	}
	return "", nil
}

func findInode(table string, wanted netip.AddrPort) (string, error) {
	file, err := os.Open(table)
	if os.IsNotExist(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan() // the heading
	for lines.Scan() {
		// The local address is the second column, the inode the tenth.
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 {
			continue
		}
		local, err := parseProcAddress(fields[1])
		if err != nil {
			return "", fmt.Errorf("%s: %w", table, err)
		}
		if local == wanted && fields[9] != "0" {
			return fields[9], nil
		}
	}
	return "", lines.Err()
}

// parseProcAddress reads an address as the kernel prints it: words of four bytes, each
// in the order of the machine (which is taken to be little-endian), and the port.
func parseProcAddress(text string) (netip.AddrPort, error) {
	words, portText, found := strings.Cut(text, ":")
	raw, err := hex.DecodeString(words)
	port, portErr := strconv.ParseUint(portText, 16, 16)
	if !found || err != nil || portErr != nil || (len(raw) != 4 && len(raw) != 16) {
		return netip.AddrPort{}, fmt.Errorf("%q is no address", text)
	}
	for i := 0; i < len(raw); i += 4 {
		raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
	}
	address, _ := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(address.Unmap(), uint16(port)), nil
}
