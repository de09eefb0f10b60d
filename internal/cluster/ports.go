package cluster

import (
	"fmt"
	"net"
)

// Ports that a process is to find free again after a restart must not be ones that
// the kernel gives to outgoing connections, which begin at 32768 on Linux.
const (
	firstPort = 20000
	lastPort  = 32000
)

// freePorts returns ports that nobody listens on at present, on loopback. The search
// begins at a place of the caller's choice, so that clusters beside each other rarely
// meet.
func freePorts(count int, start uint64) ([]int, error) {
	const width = lastPort - firstPort
	var found []int
	for i := uint64(0); i < width && len(found) < count; i++ {
		port := firstPort + int((start+i)%width)
		listener, err := net.Listen("tcp", loopback(port))
		if err != nil {
			continue
		}
		listener.Close()
		found = append(found, port)
	}
	if len(found) < count {
		return nil, fmt.Errorf("of the ports %d to %d only %d are free, want %d", firstPort, lastPort, len(found), count)
	}
	return found, nil
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
