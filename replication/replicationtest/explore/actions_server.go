package explore

import "github.com/ostraka-db/ostraka/replication"

// expandServer finds what may happen at one server beside the arrival of a
// message.
func (x *Explorer) expandServer(w *world, i uint32, out emit) {
	local := w.servers[i]
	s := x.servers.things[local]
	free := func(kind actionKind, run func(*transition)) {
		x.land(action{kind, i}, x.copy(w), int(i), x.serverResult(kind, local, 0, run), out)
	}
	costly := func(kind actionKind, cost spending, run func(*transition)) {
		if next, ok := x.spend(w, cost); ok {
			x.land(action{kind, i}, next, int(i), x.serverResult(kind, local, 0, run), out)
		}
	}
	if len(s.pending) > 0 {
		free(sync, (*transition).sync)
	}
	if s.applying > 0 {
		free(apply, (*transition).apply)
	}
	if len(s.questions) > 0 {
		free(readLog, (*transition).answerRead)
	}
	if s.importing != nil && s.applying == 0 {
		free(install, (*transition).install)
	}
	if len(s.machine) > int(s.state.Base.Offset) && s.state.Role != replication.RoleDeleted {
		costly(trim, trims, (*transition).trim)
	}
	costly(crash, crashes, func(t *transition) { t.crash(x.names[i]) })
	if s.replica == nil {
		return
	}
	if s.replica.Deadline() != replication.Never {
		costly(tick, ticks, func(t *transition) {
			t.server.now = max(t.server.now, t.server.replica.Deadline())
			t.step(replication.Tick{})
		})
	}
	if s.state.Role == replication.RoleLeader {
		x.expandSilence(w, i, out)
	}
	if s.state.Serving {
		x.expandWrite(w, i, out)
		x.expandRead(w, i, out)
	}
}

// expandSilence: a leader hears another server no longer, or again, or as another
// run, which it need not have missed.
func (x *Explorer) expandSilence(w *world, i uint32, out emit) {
	for other := range uint32(servers) {
		if other == i {
			continue
		}
		for _, told := range []struct {
			kind  actionKind
			event replication.Event
		}{
			{silence, replication.PeerSilent{Server: x.names[other]}},
			{hear, replication.PeerHeard{Server: x.names[other], Run: 1}},
		} {
			next, ok := x.spend(w, silences)
			if !ok {
				return
			}
			r := x.serverResult(told.kind, w.servers[i], other, func(t *transition) { t.step(told.event) })
			if !r.idle {
				x.land(action{told.kind, i*servers + other}, next, int(i), r, out)
			}
		}
	}
}

func (x *Explorer) expandWrite(w *world, i uint32, out emit) {
	next, ok := x.spend(w, writes)
	if !ok {
		return
	}
	token := replication.Token(next.spent[writes])
	r := x.serverResult(write, w.servers[i], uint32(token), func(t *transition) {
		t.step(replication.Propose{Proposals: []replication.Proposal{{Token: token, Payload: payload(token)}}})
	})
	x.land(action{write, i}, next, int(i), r, out)
}

// firstRead is the token of the first read.
const firstRead = 100

func (x *Explorer) expandRead(w *world, i uint32, out emit) {
	next, ok := x.spend(w, reads)
	if !ok {
		return
	}
	token := firstRead + replication.Token(next.spent[reads])
	h := x.histories.things[w.history].clone()
	h.reads = append(h.reads, expectation{token: token, server: int(i), sees: replication.Offset(len(h.committed))})
	next.history = x.internHistory(&h)
	r := x.serverResult(read, w.servers[i], uint32(token), func(t *transition) {
		t.step(replication.ReadIndex{Tokens: []replication.Token{token}})
	})
	x.land(action{read, i}, next, int(i), r, out)
}
