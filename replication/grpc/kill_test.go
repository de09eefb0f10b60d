package grpc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/replication"
)

// childOf, in the environment, makes this test binary a process that has a transport
// and links to the address that it is set to, until its standard input ends.
const childOf = "OSTRAKA_TEST_TRANSPORT_OF"

func TestMain(m *testing.M) {
	if parent := os.Getenv(childOf); parent != "" {
		if err := child(parent); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// child is peer "b" of peer "a".
func child(parent string) error {
	options := Options{
		Self:    replication.Server{ID: "b", Run: 1},
		Deliver: func([]replication.Envelope) {}, Gone: func(replication.ServerID) {},
	}
	transport, err := New(options)
	if err != nil {
		return err
	}
	defer transport.Close()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := grpc.NewServer(ServerOptions()...)
	transport.Register(server)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()
	transport.SetPeers(map[replication.ServerID]string{"a": parent})
	go func() {
		// It says something all the time, so that there is always something under way.
		for n := uint64(1); ; n++ {
			transport.Send("a", []replication.Envelope{{From: "b", FromRun: 1, To: "a", Message: replication.Probe{Nonce: n}}})
			<-time.After(50 * time.Microsecond)
		}
	}()
	fmt.Println(listener.Addr())
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// told is what a process was told of its peer, in order, and when.
type told struct {
	what string
	when time.Time
}

// watcher is peer "a", whose peer "b" is a process of its own.
type watcher struct {
	*process
	told chan told
}

func watch(t testing.TB) *watcher {
	w := &watcher{told: make(chan told, 1<<16)}
	tell := func(what string) {
		select {
		case w.told <- told{what, time.Now()}:
		default: // the test has seen enough
		}
	}
	w.process = start(t, "a", 1, func(o *Options) {
		o.Deliver = func(batch []replication.Envelope) { tell("heard") }
		o.Gone = func(replication.ServerID) { tell("gone") }
		o.Over = func(replication.ServerID) { tell("over") }
	})
	return w
}

// spawn starts the other process, and waits until there are links both ways.
func (w *watcher) spawn(t testing.TB) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childOf+"="+w.address)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	w.transport.SetPeers(map[replication.ServerID]string{"b": strings.TrimSpace(address)})
	w.until("there are links both ways", func() bool { return w.transport.Stats().Links == 2 })
	return cmd
}

// kill kills the other process, and returns what is told from then on, up to that it
// is over.
func (w *watcher) kill(t testing.TB, cmd *exec.Cmd) []told {
	began := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	late := time.After(patience)
	var all []told
	for {
		select {
		case next := <-w.told:
			if next.when.Before(began) {
				continue
			}
			all = append(all, next)
			if next.what == "over" {
				return all
			}
		case <-late:
			t.Fatalf("it is not told that the process is over: %+v", w.transport.Stats())
		}
	}
}

// A process that is killed while it speaks is gone, then over, and is not heard any
// more from the first of the two on: that would end the silence that it begins.
func TestAProcessThatIsKilledIsGoneThenOver(t *testing.T) {
	w := watch(t)
	var order []string
	for _, next := range w.kill(t, w.spawn(t)) {
		order = append(order, next.what)
	}
	order = slices.Compact(order)
	if len(order) > 0 && order[0] == "heard" {
		order = order[1:]
	}
	if !slices.Equal(order, []string{"gone", "over"}) {
		t.Errorf("told %v", order)
	}
}

// BenchmarkKill tells how long after kill -9 its peer is told that a process is gone,
// and that it is over.
func BenchmarkKill(b *testing.B) {
	var gone, over []time.Duration
	for b.Loop() {
		w := watch(b)
		cmd := w.spawn(b)
		began := time.Now()
		for _, next := range w.kill(b, cmd) {
			switch next.what {
			case "gone":
				gone = append(gone, next.when.Sub(began))
			case "over":
				over = append(over, next.when.Sub(began))
			}
		}
		w.stop()
	}
	report := func(what string, all []time.Duration) {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds()), what+"-median-µs")
		b.ReportMetric(float64(all[len(all)-1].Microseconds()), what+"-worst-µs")
	}
	report("gone", gone)
	report("over", over)
}
