package replicationtest

import (
	"fmt"
	"strings"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// commands are those of golden scripts; see Script.
var commands = map[string]func(*script, args){
	"newterm": (*script).newTerm, "lead": (*script).lead, "tell": (*script).tell,
	"write": (*script).write, "read": (*script).read, "run": (*script).advance,
	"cut": (*script).cut, "isolate": (*script).isolate, "heal": (*script).heal,
	"lose": (*script).lose, "keep": (*script).keep,
	"release": (*script).release, "repeat": (*script).repeat,
	"stick": (*script).stick, "unstick": (*script).unstick, "sync": (*script).syncSome,
	"crash": (*script).crash, "start": (*script).start, "wipe": (*script).wipe,
	"pause": (*script).pause, "resume": (*script).resume,
	"drain": (*script).drain, "gone": (*script).gone, "metadata": (*script).metadata,
	"state": (*script).state, "log": (*script).log, "document": (*script).document,
}

// rest lets the cluster come to rest, unless the command says "later".
func (s *script) rest(a args) {
	if !a.has("later") {
		s.cluster.stabilize()
	}
}

func (s *script) newTerm(a args) {
	s.cluster.hand.newTerm(a.term(), a.servers(s.cluster, "to"))
	s.rest(a)
}

func (s *script) lead(a args) {
	to := a.server(s.cluster, a.word(0))
	s.cluster.hand.send(to, to.replica, replication.BecomeLeader{
		Term: a.term(), Ensemble: members(a.servers(s.cluster, "ensemble")),
		Joining: a.members(s.cluster, "joining"), Learners: a.members(s.cluster, "learners"),
		Heads: s.cluster.hand.heads[a.term()],
	})
	s.rest(a)
}

func (s *script) write(a args) {
	for _, arg := range a.d.CmdArgs {
		if arg.Key != "as" && arg.Key != "within" && len(arg.Vals) == 1 {
			s.request(a, replication.RequestWrite, arg.Key+"="+arg.Vals[0])
			return
		}
	}
	a.d.Fatalf(a.t, "write s1 x=1 as=NAME")
}

func (s *script) read(a args) { s.request(a, replication.RequestRead, a.word(1)) }

func (s *script) request(a args, kind replication.RequestKind, body string) {
	at := a.server(s.cluster, a.word(0))
	s.names++
	name := a.text("as", fmt.Sprintf("%s at %s", body, at.id))
	s.cluster.requests = append(s.cluster.requests, request{name: name, server: at, id: s.names})
	at.node.Request(replication.Request{
		ID: s.names, Shard: Shard, Kind: kind, Body: []byte(body),
		Deadline: at.clock().Mono.Add(a.duration("within", time.Second)),
	})
	at.wake()
	s.rest(a)
}

func (s *script) advance(a args) { s.cluster.advance(a.duration("for", 0)) }

func (s *script) cut(a args) {
	if a.has("from") || a.has("to") {
		s.cluster.cut(a.text("from", ""), a.text("to", ""))
		return
	}
	s.cluster.cut(a.word(0), a.word(1))
	s.cluster.cut(a.word(1), a.word(0))
}

func (s *script) isolate(a args) {
	s.cluster.cut(a.word(0), "")
	s.cluster.cut("", a.word(0))
}

func (s *script) heal(a args) {
	s.cluster.laws = nil
	s.rest(a)
}

func (s *script) law(a args) law {
	return law{
		from: a.text("from", ""), to: a.text("to", ""), kind: a.text("type", ""), left: a.number("count", -1),
	}
}

func (s *script) lose(a args) { s.cluster.laws = append(s.cluster.laws, s.law(a)) }

func (s *script) keep(a args) {
	l := s.law(a)
	l.keep = true
	s.cluster.laws = append(s.cluster.laws, l)
}

func (s *script) release(a args) {
	s.cluster.release(s.law(a))
	s.rest(a)
}

func (s *script) repeat(a args) {
	s.cluster.repeat(s.law(a))
	s.rest(a)
}

func (s *script) stick(a args) { a.server(s.cluster, a.word(0)).disk.stuck = true }

func (s *script) unstick(a args) {
	a.server(s.cluster, a.word(0)).disk.stuck = false
	s.rest(a)
}

func (s *script) syncSome(a args) {
	server := a.server(s.cluster, a.word(0))
	server.sync(a.number("count", 1))
	server.wake()
	s.rest(a)
}

func (s *script) crash(a args) { a.server(s.cluster, a.word(0)).crash() }

func (s *script) start(a args) {
	server := a.server(s.cluster, a.word(0))
	server.disk.stuck = false
	server.shown = ""
	server.start()
	s.rest(a)
}

// wipe takes a server's disk away; it comes back as another incarnation.
func (s *script) wipe(a args) {
	server := a.server(s.cluster, a.word(0))
	server.crash()
	server.disk = newDisk()
	server.incarnation += 100
}

func (s *script) drain(a args) {
	server := a.server(s.cluster, a.word(0))
	server.node.Drain()
	server.wake()
	s.rest(a)
}

// gone tells every other server that the run of a crashed one is over, as
// refused connections do.
func (s *script) gone(a args) {
	over := a.server(s.cluster, a.word(0))
	for _, server := range s.cluster.servers {
		if server != over && server.up() {
			server.node.PeerGone(over.id)
			server.wake()
		}
	}
	s.rest(a)
}

func (s *script) pause(a args) { a.server(s.cluster, a.word(0)).paused = true }

func (s *script) resume(a args) {
	server := a.server(s.cluster, a.word(0))
	server.paused = false
	server.wake()
	s.rest(a)
}

func (s *script) metadata(a args) {
	port := a.server(s.cluster, a.word(0)).metadata
	port.cut, port.deaf, port.mute = a.word(1) == "cut", a.word(1) == "deaf", a.word(1) == "mute"
}

func (s *script) state(a args) {
	for _, server := range s.cluster.servers {
		switch {
		case server.node == nil:
			fmt.Fprintf(&s.out, "%s is down\n", server.id)
		default:
			if state, ok := server.node.Replica(Shard); ok {
				fmt.Fprintf(&s.out, "%v\n", state)
			} else {
				fmt.Fprintf(&s.out, "%s holds no replica\n", server.id)
			}
		}
	}
}

// document shows what the metadata store holds.
func (s *script) document(args) {
	doc, found := s.cluster.metadata.documents[Shard]
	if !found {
		fmt.Fprintln(&s.out, "none")
		return
	}
	fmt.Fprintln(&s.out, &doc)
}

// log shows what each disk holds, with what a crash would lose after a bar.
func (s *script) log(args) {
	for _, server := range s.cluster.servers {
		shard := server.disk.shard(Shard)
		all, durable := shard.current, len(shard.entries)
		var words []string
		for i, e := range all {
			if i == durable {
				words = append(words, "|")
			}
			words = append(words, replication.RenderEntry(e))
		}
		fmt.Fprintf(&s.out, "%s: %s\n", server.id, strings.Join(words, " "))
	}
}
