package grpc

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/metadata"

	"github.com/ostraka-db/ostraka/replication"
)

// What is sent before the link is there waits for it: the first question of a
// cluster that starts is not lost.
func TestWhatIsSentWhileALinkIsMadeArrives(t *testing.T) {
	a, b := start(t, "a", 1, nil), start(t, "b", 2, nil)
	a.knows(b)
	a.send("b", replication.Probe{Nonce: 1}, replication.Append{Term: replication.TermID{Term: 1}}, replication.Probe{Nonce: 2})
	b.until("three envelopes arrived", func() bool { return len(b.arrived) == 3 })
	if got := b.nonces("a"); !slices.Equal(got, []uint64{1, 2}) {
		t.Errorf("control arrived as %v", got)
	}
	for _, e := range b.arrived {
		if e.From != "a" || e.FromRun != 1 || e.To != "b" || e.Shard != 1 {
			t.Errorf("addressed %+v", e)
		}
	}
}

// A coordinator dials servers, and they know no address of it.
func TestWhoDialedIsAnsweredOverItsOwnLink(t *testing.T) {
	server, coordinator := start(t, "s1", 1, nil), start(t, "coordinator/c1", 5, nil)
	coordinator.knows(server)
	coordinator.sendUntil(server, 1)
	payload := bytes.Repeat([]byte("x"), 1<<20)
	server.send("coordinator/c1", replication.ProbeReply{Nonce: 1, Role: replication.RoleFenced},
		replication.SnapshotChunk{
			Term: replication.TermID{Term: 1}, Last: replication.EntryID{Term: 1, Offset: 1}, Data: payload,
		})
	coordinator.until("the answer arrived", func() bool {
		return slices.ContainsFunc(coordinator.arrived, func(e replication.Envelope) bool {
			return e.From == "s1" && reflect.TypeOf(e.Message) == reflect.TypeFor[replication.ProbeReply]()
		})
	})
}

func TestTheEndOfAProcessIsToldAfterWhatItSent(t *testing.T) {
	a, b := start(t, "a", 1, nil), start(t, "b", 1, nil)
	a.knows(b)
	b.knows(a)
	a.sendUntil(b, 1)
	b.sendUntil(a, 1)
	b.stop()
	a.until("b is gone", func() bool { return slices.Contains(a.departed, "b") })
	// Nothing listens at its address any more, which is told in the same way where
	// nobody wants to know it apart, and with every attempt.
	a.until("b is gone again", func() bool { return len(a.departed) >= 3 })
	a.transport.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if slices.Contains(a.departed, "a") || slices.Contains(b.departed, "a") {
		t.Errorf("gone: %v and %v", a.departed, b.departed)
	}
}

func TestAPeerThatRefusesConnectionsIsGoneAtOnce(t *testing.T) {
	a, b := start(t, "a", 1, nil), start(t, "b", 1, nil)
	b.stop()
	a.knows(b)
	a.until("b is gone", func() bool { return slices.Contains(a.departed, "b") })
	if s := a.transport.Stats(); s.Refused == 0 || s.Links != 0 {
		t.Errorf("%+v", s)
	}
}

// Each side has a link of its own. As long as one of them lives nobody is gone.
func TestALinkThatBreaksBesideAnotherIsNotTold(t *testing.T) {
	a, b := start(t, "a", 1, nil), start(t, "b", 1, nil)
	a.knows(b)
	b.knows(a)
	a.sendUntil(b, 1)
	b.sendUntil(a, 1)
	for round := range uint64(5) {
		a.until("both have links", func() bool { return a.transport.Stats().Links == 2 && b.transport.Stats().Links == 2 })
		linked := a.transport.Stats().Linked
		a.plain.reset() // breaks what b made
		a.sendUntil(b, 10+round)
		b.sendUntil(a, 10+round)
		b.until("b has made another link", func() bool { return a.transport.Stats().Linked > linked })
	}
	if len(a.departed)+len(b.departed) > 0 {
		t.Errorf("gone: %v and %v", a.departed, b.departed)
	}
}

func TestAPeerThatStartsAgainIsLinkedAgain(t *testing.T) {
	a, b := start(t, "a", 1, nil), start(t, "b", 1, nil)
	a.knows(b)
	a.sendUntil(b, 1)
	b.stop()
	a.until("b is gone", func() bool { return slices.Contains(a.departed, "b") })
	again := startAt(t, b.address, "b", 2, nil)
	a.sendUntil(again, 2)
	again.send("a", replication.Probe{Nonce: 3})
	a.until("its new run is heard", func() bool {
		return slices.ContainsFunc(a.arrived, func(e replication.Envelope) bool { return e.From == "b" && e.FromRun == 2 })
	})
}

func TestAnAddressThatChangesIsDialedAtOnce(t *testing.T) {
	a, b, c := start(t, "a", 1, nil), start(t, "b", 1, nil), start(t, "b", 2, nil)
	a.knows(b)
	a.sendUntil(b, 1)
	a.knows(c)
	a.sendUntil(c, 2)
	a.mu.Lock()
	if len(a.departed) > 0 {
		t.Errorf("gone, and it was our doing: %v", a.departed)
	}
	a.mu.Unlock()
	a.transport.SetPeers(nil)
	c.until("a is gone", func() bool { return slices.Contains(c.departed, "a") })
	if s := a.transport.Stats(); s.Peers != 0 && s.Links > 1 {
		t.Errorf("%+v", s)
	}
}

// complaints keeps the last thing that a logger was told of a link that there is not.
type complaints struct{ atomic.Pointer[string] }

func (c *complaints) Write(b []byte) (int, error) {
	if text := string(b); strings.Contains(text, "cannot link") {
		c.Store(&text)
	}
	return len(b), nil
}

func TestWhoDoesNotBelongTogetherGetsNoLink(t *testing.T) {
	for _, c := range []struct {
		name       string
		dial       replication.ServerID
		run        replication.RunID
		from       replication.ServerID
		ours, them string
		want       []string
	}{
		{"another cluster", "b", 1, "a", "blue", "green", []string{`cluster \"green\"`, `cluster \"blue\"`, "empty data directory"}},
		{"another server's address", "c", 1, "a", "", "", []string{`this is \"b\" and not \"c\"`, "addresses"}},
		{"the same name twice", "b", 1, "b", "", "", []string{"a name of its own"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var heard complaints
			b := start(t, "b", 1, func(o *Options) { o.Cluster = func() string { return c.them } })
			a := start(t, "a", c.run, func(o *Options) {
				o.Self.ID = c.from
				o.Cluster = func() string { return c.ours }
				o.Logger = slog.New(slog.NewTextHandler(&heard, nil))
			})
			if c.from == c.dial {
				// SetPeers leaves out one's own name; whoever has it by mistake does not know.
				a.transport.mu.Lock()
				a.transport.setAddress(a.transport.peer(c.dial), b.address)
				a.transport.mu.Unlock()
			} else {
				a.transport.SetPeers(map[replication.ServerID]string{c.dial: b.address})
			}
			a.until("the reason is told", func() bool { return heard.Load() != nil })
			for _, want := range c.want {
				if text := *heard.Load(); !strings.Contains(text, want) {
					t.Errorf("told %q; want %q", text, want)
				}
			}
			if s := b.transport.Stats(); s.GreetingsRefused == 0 || s.Linked > 0 {
				t.Errorf("%+v", s)
			}
			if len(a.departed) > 0 {
				t.Errorf("gone: %v; it answers, if not kindly", a.departed)
			}
		})
	}
}

// A server learns its cluster from the first coordinator that it hears.
func TestALinkWithAStrangerEndsWhenThatIsKnown(t *testing.T) {
	var cluster atomic.Value
	cluster.Store("")
	a := start(t, "a", 1, func(o *Options) { o.Cluster = func() string { return cluster.Load().(string) } })
	b := start(t, "b", 1, func(o *Options) { o.Cluster = func() string { return "green" } })
	a.knows(b)
	a.sendUntil(b, 1)
	cluster.Store("blue")
	a.knows(b)
	b.until("a is gone", func() bool { return slices.Contains(b.departed, "a") })
	a.until("it is refused", func() bool { return a.transport.Stats().DialFailures > 0 })
}

func TestAnEarlierRunGetsNoLink(t *testing.T) {
	a, late, early := start(t, "a", 1, nil), start(t, "b", 7, nil), start(t, "b", 6, nil)
	late.knows(a)
	late.sendUntil(a, 1)
	early.knows(a)
	early.until("it is refused", func() bool { return early.transport.Stats().DialFailures > 0 })
	late.sendUntil(a, 2)
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.arrived {
		if e.FromRun != 7 {
			t.Errorf("heard run %d", e.FromRun)
		}
	}
}

func TestGreetingsThatSayNothing(t *testing.T) {
	whole := greeting{server: "a", run: 1, to: "b"}.metadata()
	for _, c := range []struct {
		name   string
		change func(metadata.MD)
	}{
		{"no server", func(md metadata.MD) { md.Delete(keyServer) }},
		{"an empty server", func(md metadata.MD) { md.Set(keyServer, "") }},
		{"a long name", func(md metadata.MD) { md.Set(keyServer, strings.Repeat("x", maxNameBytes+1)) }},
		{"two servers", func(md metadata.MD) { md.Append(keyServer, "c") }},
		{"no run", func(md metadata.MD) { md.Delete(keyRun) }},
		{"run zero", func(md metadata.MD) { md.Set(keyRun, "0") }},
		{"a run that is no number", func(md metadata.MD) { md.Set(keyRun, "one") }},
		{"no addressee", func(md metadata.MD) { md.Delete(keyTo) }},
		{"no cluster", func(md metadata.MD) { md.Delete(keyCluster) }},
	} {
		md := whole.Copy()
		c.change(md)
		if g, err := greeted(md); err == nil {
			t.Errorf("%s: understood as %+v", c.name, g)
		}
	}
	if g, err := greeted(whole); err != nil || g != (greeting{server: "a", run: 1, to: "b"}) {
		t.Errorf("understood as %+v, %v", g, err)
	}
}

func TestOptionsThatCannotWorkAreRefused(t *testing.T) {
	good := Options{
		Self: replication.Server{ID: "a", Run: 1}, Deliver: func([]replication.Envelope) {}, Gone: func(replication.ServerID) {},
	}
	for _, c := range []struct {
		change func(*Options)
		want   string
	}{
		{func(o *Options) { o.Self.ID = "" }, "Self"},
		{func(o *Options) { o.Self.Run = 0 }, "Self"},
		{func(o *Options) { o.Deliver = nil }, "Deliver"},
		{func(o *Options) { o.Gone = nil }, "Gone"},
		{func(o *Options) { o.Limits.Data.Bytes = 1 }, "Limits.Data"},
	} {
		o := good
		c.change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v; want it to name %s", err, c.want)
		}
	}
	transport, err := New(good)
	if err != nil {
		t.Fatal(err)
	}
	transport.Close()
	transport.Close()
	transport.SetPeers(map[replication.ServerID]string{"b": "127.0.0.1:1"})
	transport.Send("b", []replication.Envelope{{From: "a", FromRun: 1, To: "b", Message: replication.Beat{}}})
	if s := transport.Stats(); s.Peers != 0 || s.Control.DroppedUnlinked != 1 {
		t.Errorf("%+v", s)
	}
}

func TestWhatNoPeerWouldTakeIsDroppedAlone(t *testing.T) {
	a, b := start(t, "a", 1, nil), start(t, "b", 1, nil)
	a.knows(b)
	good := replication.Envelope{From: "a", FromRun: 1, To: "b", Message: replication.Probe{Nonce: 9}}
	foreign := good
	foreign.From = "c"
	a.transport.Send("b", []replication.Envelope{foreign})
	a.send("b", replication.ProbeReply{Role: 99}, replication.Probe{Nonce: 1})
	a.sendUntil(b, 2)
	if s := a.transport.Stats().Control; s.DroppedInvalid != 2 || b.nonces("a")[0] != 1 {
		t.Errorf("%+v, arrived %v", s, b.nonces("a"))
	}
}

// A process that holds many links is not harmed by one more that it has no room for.
func TestLinksOfStrangersAreBounded(t *testing.T) {
	a, b := start(t, "a", 1, nil), start(t, "b", 1, nil)
	a.transport.mu.Lock()
	for i := range maxPeers {
		a.transport.peers[replication.ServerID(fmt.Sprint("stranger", i))] = &peer{}
	}
	a.transport.mu.Unlock()
	b.knows(a)
	b.until("it is refused", func() bool { return b.transport.Stats().DialFailures > 0 })
	a.transport.mu.Lock()
	clear(a.transport.peers)
	a.transport.mu.Unlock()
	b.sendUntil(a, 1)
}
