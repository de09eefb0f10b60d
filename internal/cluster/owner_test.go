package cluster

import (
	"net"
	"os"
	"testing"
)

func TestOwnerOfASocketIsWhoOpenedIt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Process 1 is not ours, and may not be looked into.
	pid, err := ownerOf(conn.LocalAddr(), []int{1, os.Getpid()})
	if err != nil || pid != os.Getpid() {
		t.Errorf("the owner is %d, %v; want %d", pid, err, os.Getpid())
	}
	pid, err = ownerOf(conn.LocalAddr(), []int{1})
	if err != nil || pid != 0 {
		t.Errorf("without the owner among them: %d, %v", pid, err)
	}
}

func TestAddressesAsTheKernelPrintsThem(t *testing.T) {
	for text, want := range map[string]string{
		"0100007F:1A20":                         "127.0.0.1:6688",
		"0000000000000000FFFF00000100007F:1A20": "127.0.0.1:6688",
		"00000000000000000000000001000000:0050": "[::1]:80",
	} {
		got, err := parseProcAddress(text)
		if err != nil || got.String() != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0100007F", "0100007F:", "01007F:1A20", "zz00007F:1A20", "0100007F:12345"} {
		if got, err := parseProcAddress(text); err == nil {
			t.Errorf("%q: %v, want an error", text, got)
		}
	}
}
