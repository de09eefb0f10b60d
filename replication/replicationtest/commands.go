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
	"trim": (*script).trim, "flush": (*script).flush, "stall": (*script).stall, "unstall": (*script).unstall,
	"close": (*script).closeExports, "spoil": (*script).spoil,
	"rot": (*script).rot, "forget": (*script).forget, "corrupt": (*script).corrupt,
	"amnesia": (*script).amnesia, "break": (*script).breakState,
	"wish": (*script).wish, "settings": (*script).settings, "drain": (*script).drain,
	"transfer": (*script).transfer, "end": (*script).end, "recover": (*script).recover, "withdraw": (*script).withdraw,
	"gone": (*script).gone, "over": (*script).over, "metadata": (*script).metadata,
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
		if arg.Key != "as" && arg.Key != "within" && arg.Key != "here" && len(arg.Vals) == 1 {
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
		ID: s.names, Shard: Shard, Kind: kind, Body: []byte(body), Here: a.has("here"),
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

// wish gives a coordinator the planner's wish for the shard's members.
func (s *script) wish(a args) {
	at := a.server(s.cluster, a.word(0))
	at.node.ChangeEnsemble(Shard, a.serverIDs("to"))
	at.wake()
	s.rest(a)
}

// settings gives a coordinator the settings that the next term begins with.
func (s *script) settings(a args) {
	at := a.server(s.cluster, a.word(0))
	at.node.ChangeSettings(Shard, []byte(a.word(1)))
	at.wake()
	s.rest(a)
}

// transfer gives a coordinator the order to move the leadership, to a server or anywhere.
func (s *script) transfer(a args) {
	at := a.server(s.cluster, a.word(0))
	at.node.Transfer(Shard, replication.ServerID(a.text("to", "")))
	at.wake()
	s.rest(a)
}

// end tells a coordinator that the shard is to be no more.
func (s *script) end(a args) {
	at := a.server(s.cluster, a.word(0))
	at.node.EndShard(Shard)
	at.wake()
	s.rest(a)
}

// recover gives a coordinator the order to go on with the voters of some servers.
func (s *script) recover(a args) {
	at := a.server(s.cluster, a.word(0))
	at.node.Recover(Shard, a.serverIDs("on"))
	at.wake()
	s.rest(a)
}

// withdraw makes a coordinator one no more.
func (s *script) withdraw(a args) {
	at := a.server(s.cluster, a.word(0))
	at.node.Withdraw(Shard)
	at.wake()
	s.rest(a)
}

func (s *script) drain(a args) {
	server := a.server(s.cluster, a.word(0))
	server.node.Drain()
	server.wake()
	s.rest(a)
}

// gone tells other servers that connections to one were reset.
func (s *script) gone(a args) { s.lost(a, (*replication.Node).PeerGone) }

// over tells other servers that the process of a crashed one has ended, as refused
// connections do.
func (s *script) over(a args) { s.lost(a, (*replication.Node).PeerOver) }

func (s *script) lost(a args, tell func(*replication.Node, replication.ServerID)) {
	lost := a.server(s.cluster, a.word(0))
	to := s.cluster.servers
	if a.has("to") {
		to = a.servers(s.cluster, "to")
	}
	for _, server := range to {
		if server != lost && server.up() {
			tell(server.node, lost.id)
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

// trim lets a server's log be dropped, as far as its state machine has flushed:
// that bound is the driver's duty. With "unsafe" it is not kept.
func (s *script) trim(a args) {
	server := a.server(s.cluster, a.word(0))
	to := replication.Offset(a.number("to", 0))
	shard := server.disk.shard(Shard)
	if !a.has("unsafe") {
		to = min(to, shard.flushed.last.Offset)
	}
	shard.hurt = shard.hurt || a.has("unsafe")
	server.node.Trim(Shard, to)
	server.wake()
	s.rest(a)
}

func (s *script) flush(a args) { a.server(s.cluster, a.word(0)).machine.flush() }

func (s *script) stall(a args) { a.server(s.cluster, a.word(0)).machine.stalled = true }

func (s *script) unstall(a args) {
	a.server(s.cluster, a.word(0)).machine.stalled = false
	s.rest(a)
}

// closeExports closes every snapshot that a server's state machine has open.
func (s *script) closeExports(a args) { clear(a.server(s.cluster, a.word(0)).machine.open) }

// spoil makes the next snapshot that is complete at a server turn out damaged.
func (s *script) spoil(a args) { a.server(s.cluster, a.word(0)).machine.spoiled = true }

// rot makes an entry unreadable that a server's disk holds.
func (s *script) rot(a args) {
	shard := a.server(s.cluster, a.word(0)).disk.shard(Shard)
	shard.rotten, shard.hurt = replication.Offset(a.number("at", 0)), true
}

// forget makes a server that is down lose what its state machine flushed.
func (s *script) forget(a args) {
	shard := a.server(s.cluster, a.word(0)).disk.shard(Shard)
	shard.flushed, shard.hurt = state{}, true
}

// amnesia makes a server that is down lose what a replica had promised, all but
// that there was one: what remains is to be removed.
func (s *script) amnesia(a args) {
	shard := a.server(s.cluster, a.word(0)).disk.shard(Shard)
	shard.record = replication.TermRecord{Replica: shard.record.Replica, Deleted: true}
	shard.log, shard.hurt = diskLog{}, true
	shard.current = shard.log.clone()
}

// breakState makes a server's state machine fail until its state is dropped.
func (s *script) breakState(a args) {
	a.server(s.cluster, a.word(0)).machine.broken = true
}

// corrupt sets a register in one server's state alone.
func (s *script) corrupt(a args) {
	server := a.server(s.cluster, a.word(0))
	for _, arg := range a.d.CmdArgs {
		if len(arg.Vals) == 1 {
			server.machine.state = server.machine.state.with(arg.Key, arg.Vals[0])
			server.machine.flush()
		}
	}
	s.cluster.Invariants.astray[server.id] = true
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
		synced := shard.log.head().Offset
		var words []string
		if base := shard.current.base; base != (replication.EntryID{}) {
			words = append(words, fmt.Sprintf("(%v]", base))
		}
		for _, e := range shard.current.entries {
			if e.ID.Offset == synced+1 {
				words = append(words, "|")
			}
			words = append(words, replication.RenderEntry(e))
		}
		fmt.Fprintf(&s.out, "%s: %s\n", server.id, strings.Join(words, " "))
	}
}
