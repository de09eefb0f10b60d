package cluster

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers each line with itself.
func echo(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(conn, conn)
				conn.Close()
			}()
		}
	}()
	return listener
}

// said returns what a connection says next, and nothing if it is silent for a while.
func said(conn net.Conn, lines *bufio.Reader, within time.Duration) string {
	conn.SetReadDeadline(time.Now().Add(within))
	line, err := lines.ReadString('\n')
	if err != nil {
		return ""
	}
	return line
}

func TestCutIsSilentAndDeliversWhenItHeals(t *testing.T) {
	server := echo(t)
	defer server.Close()
	ways := newLinks()
	p, err := newProxy("s1", server.Addr().String(), ways, func(net.Addr) string { return "client" })
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.start()
	conn, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := bufio.NewReader(conn)
	say := func(text string) {
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
	}

	say("one\n")
	if got := said(conn, lines, 5*time.Second); got != "one\n" {
		t.Fatalf("got %q", got)
	}
	for _, cut := range []link{{"client", "s1"}, {"s1", "client"}} {
		ways.set(cut.from, cut.to, true)
		say("two\n")
		if got := said(conn, lines, 50*time.Millisecond); got != "" {
			t.Fatalf("%v is cut, and yet %q came", cut, got)
		}
		ways.set(cut.from, cut.to, false)
		if got := said(conn, lines, 5*time.Second); got != "two\n" {
			t.Fatalf("%v is whole again: got %q", cut, got)
		}
	}
	// Others' links are their own business.
	ways.set("s2", "s1", true)
	say("three\n")
	if got := said(conn, lines, 5*time.Second); got != "three\n" {
		t.Fatalf("got %q", got)
	}
}

func TestDeathIsHeardThroughAProxy(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProxy("s1", server.Addr().String(), newLinks(), func(net.Addr) string { return "client" })
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.start()
	conn, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	accepted, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	accepted.Close()
	server.Close()
	conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("the end of the connection came as %v", err)
	}
	// With nobody there, a new connection ends at once.
	again, err := net.Dial("tcp", p.address())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := again.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		t.Errorf("a connection to nobody ends with %v", err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error)
	return ok && timeout.Timeout()
}
