package raft

import (
	"errors"
	"fmt"
	"math"
	"time"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"

	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/disk"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// loop drives the library. One goroutine does: it never waits for the disk or for
// another member.
type loop struct {
	m         *Member
	self      uint64
	node      *raft.RawNode
	log       *log
	writer    *writer
	documents *lane
	lease     *lane
	reads     reads
	hurry     hurry
	// sinceReplace counts the ticks since a member was last replaced.
	sinceReplace int
	err          error
}

// takePart runs the library until the member closes, or cannot go on.
func (m *Member) takePart() (err error) {
	defer func() {
		if broken, ok := recover().(brokenError); ok {
			err = fmt.Errorf("the Raft library cannot go on: %w. Restart this member; if that does not help, "+
				"move its directory %s away, and it comes back as a new one", broken, m.options.Dir)
		}
	}()
	log, err := openLog(m.content, m.options.keepEntries, m.options.keepBytes)
	if err != nil {
		return err
	}
	m.content = nil
	identity := m.identity.Load()
	node, err := raft.NewRawNode(&raft.Config{
		ID: identity.Member, ElectionTick: electionTicks, HeartbeatTick: heartbeatTicks,
		Storage: log, Applied: log.applied, AsyncStorageWrites: true,
		MaxSizePerMsg: messageBytes, MaxInflightMsgs: inflightMessages, MaxInflightBytes: inflightBytes,
		MaxUncommittedEntriesSize: uncommittedBytes, MaxCommittedSizePerReady: inflightBytes,
		CheckQuorum: true, PreVote: true, StepDownOnRemoval: true,
		Logger: libraryLogger{m.options.Logger},
	})
	if err != nil {
		return fmt.Errorf("begin Raft: %w", err)
	}
	l := &loop{
		m: m, self: identity.Member, node: node, log: log, writer: startWriter(m),
		documents: &lane{id: state.Lane{Member: identity.Member, Number: documentLane}, run: identity.Run},
		lease:     &lane{id: state.Lane{Member: identity.Member, Number: leaseLane}, run: identity.Run},
	}
	defer l.writer.end()
	m.because(errNoLeader)
	l.settleMembers()
	l.hurry.on = true
	l.campaign()
	l.run()
	return l.err
}

var errNoLeader = errors.New("the metadata store has no Raft leader at present: most of its members have to be up and reach each other")

// check notes an error that the member cannot go on after.
func (l *loop) check(err error) {
	if err != nil && l.err == nil {
		l.err = err
	}
}

func (l *loop) run() {
	ticker := time.NewTicker(l.m.options.tick)
	defer ticker.Stop()
	closing := l.m.closing
	var closed <-chan time.Time
	for l.err == nil {
		l.work()
		if closing == nil && l.mayLeave() || l.err != nil {
			return
		}
		documents, lease, reading, inbox := l.m.updates, l.m.leases, l.m.reads, l.m.inbox
		if l.documents.full() {
			documents = nil
		}
		if l.lease.full() {
			lease = nil
		}
		if l.reads.full() {
			reading = nil
		}
		if l.writer.full() {
			inbox = nil
		}
		select {
		case <-ticker.C:
			l.drain()
			l.tick()
		case message := <-inbox:
			l.step(message)
		case <-l.writer.done:
			l.written()
		case u := <-documents:
			l.accept(l.documents, u)
		case u := <-lease:
			l.accept(l.lease, u)
		case r := <-reading:
			l.reads.waiting = append(l.reads.waiting, r)
		case e := <-l.m.events:
			e.happen(l)
		case err := <-l.m.failed:
			l.check(err)
		case <-closing:
			closing, closed = nil, time.After(handOverWithin)
			l.handOver()
		case <-closed:
			return
		}
	}
}

// drain looks at what came before the tick: a process that stood still must not take
// that for silence.
func (l *loop) drain() {
	for range maxInbox {
		select {
		case message := <-l.m.inbox:
			l.step(message)
		default:
			return
		}
	}
}

func (l *loop) tick() {
	l.node.Tick()
	l.hurryOn()
	l.sinceReplace++
	for _, lane := range []*lane{l.documents, l.lease} {
		l.propose(lane.tick())
	}
	if l.askable() {
		l.ask(l.reads.tick())
	}
}

// accept takes an update into a lane, or refuses it, if the documents grew by it beyond
// what there is room for.
func (l *loop) accept(to *lane, u *update) {
	var growth int64
	for _, p := range u.pieces {
		growth += int64(len(p.change.Value) - len(l.log.state.Document(p.change.Key).Value))
	}
	if have := l.log.state.Bytes(); growth > 0 && have+growth > l.m.options.stateBytes {
		err := fmt.Errorf("store documents that take %d bytes more: the metadata store holds %d of %d: delete what is not needed",
			growth, have, l.m.options.stateBytes)
		for _, p := range u.pieces {
			p.settle(err)
		}
		return
	}
	to.waiting = append(to.waiting, u.pieces...)
}

// propose asks the leader for a command. What comes of it is seen when it is applied.
func (l *loop) propose(c *command) {
	if c == nil || !l.m.options.alive() {
		return
	}
	if err := l.node.Propose(c.data); err != nil && !errors.Is(err, raft.ErrProposalDropped) {
		l.check(fmt.Errorf("propose: %w", err))
	}
}

// askable reports whether the library's answer to ask can be relied on. A leader knows
// what is committed once an entry of its own term is; where it is the only member, the
// library does not wait for that.
func (l *loop) askable() bool {
	status := l.node.BasicStatus()
	return len(l.log.configuration.GetVoters()) > 1 || status.RaftState != raft.StateLeader || l.log.term == status.GetTerm()
}

// ask asks the leader how far the log is committed.
func (l *loop) ask(question []byte) {
	if question != nil {
		l.node.ReadIndex(question)
	}
}

// step takes a message of another member.
func (l *loop) step(message *pb.Message) {
	if l.vouchedForMore(message) {
		l.check(fmt.Errorf("the leader has it from this member that entry %d was durable here, and it is not there: the directory %s "+
			"was damaged, or put back from a copy. Move it away and start the member again: it comes back as a new one",
			message.GetCommit(), l.m.options.Dir))
		return
	}
	// Messages of members that left, and those that have no meaning now, are passed over.
	_ = l.node.Step(message)
}

// vouchedForMore reports whether the leader has heard of entries from this member that
// are not there. A heartbeat tells of no more than the member acknowledged.
func (l *loop) vouchedForMore(message *pb.Message) bool {
	last, err := l.log.LastIndex()
	l.check(err)
	return message.GetType() == pb.MsgHeartbeat && message.GetCommit() > last && message.GetTerm() >= l.node.BasicStatus().GetTerm()
}

// work does what the library wants done, until there is nothing.
func (l *loop) work() {
	for l.err == nil {
		for _, lane := range []*lane{l.documents, l.lease} {
			command, err := lane.next()
			l.check(err)
			l.propose(command)
		}
		if l.askable() {
			l.ask(l.reads.begin())
		}
		if !l.node.HasReady() {
			return
		}
		ready := l.node.Ready()
		if ready.SoftState != nil {
			l.led(ready.SoftState)
		}
		for _, answer := range ready.ReadStates {
			l.reads.answered(answer.RequestCtx, answer.Index)
		}
		for _, message := range ready.Messages {
			switch message.GetTo() {
			case raft.LocalAppendThread:
				l.appendToLog(message)
			case raft.LocalApplyThread:
				l.apply(message)
			default:
				l.m.send(message)
			}
		}
		l.reads.applied(l.log.applied)
	}
}

// led notes who leads. What was asked of another is asked again.
func (l *loop) led(soft *raft.SoftState) {
	l.m.mu.Lock()
	before := l.m.leader
	l.m.leader = soft.Lead
	l.m.mu.Unlock()
	if soft.Lead == before {
		return
	}
	if soft.Lead == raft.None {
		l.m.because(errNoLeader)
		return
	}
	l.m.because(nil)
	l.hurry = hurry{}
	members, _ := l.log.state.Members()
	l.m.options.Logger.Info("a member leads the metadata store", "member", members[soft.Lead], "term", l.node.BasicStatus().GetTerm())
	l.propose(l.documents.flying)
	l.propose(l.lease.flying)
	if l.askable() {
		l.ask(l.reads.again())
	}
}

// appendToLog gives the disk what has to be durable.
func (l *loop) appendToLog(m *pb.Message) {
	w := write{entries: m.GetEntries(), responses: m.GetResponses()}
	w.to = disk.Write{Entries: w.entries, Sync: len(w.responses) > 0}
	if hard := (&pb.HardState{Term: m.Term, Vote: m.Vote, Commit: m.Commit}); !raft.IsEmptyHardState(hard) {
		w.to.HardState = hard
	}
	if snapshot := m.GetSnapshot(); !raft.IsEmptySnap(snapshot) {
		installed, err := state.DecodeSnapshot(snapshot.GetData())
		if err != nil {
			l.check(err)
			return
		}
		text, err := (&log{
			state: installed, applied: snapshot.GetMetadata().GetIndex(), term: snapshot.GetMetadata().GetTerm(),
			removed: snapshot.GetMetadata().GetIndex(), removedTerm: snapshot.GetMetadata().GetTerm(),
			configuration: snapshot.GetMetadata().GetConfState(),
		}).text()
		l.check(err)
		w.snapshot, w.installed = snapshot, installed
		w.to.Install, w.to.Applied = installed, text
	}
	l.writer.put(w)
}

// written goes on with what has become durable.
func (l *loop) written() {
	for _, w := range l.writer.take() {
		if w.snapshot != nil {
			l.check(l.log.install(w.snapshot))
			l.log.state.Replace(w.installed)
			l.settleMembers()
			l.settle()
			l.m.tellChanged()
		}
		l.check(l.log.add(w.entries))
		l.deliver(w.responses)
	}
}

// deliver brings the library's own messages to where they go.
func (l *loop) deliver(messages []*pb.Message) {
	for _, message := range messages {
		if message.GetTo() != l.self {
			l.m.send(message)
		} else if err := l.node.Step(message); err != nil && !errors.Is(err, raft.ErrStepPeerNotFound) {
			l.check(fmt.Errorf("take a step: %w", err))
		}
	}
}

// settle answers the calls whose commands were applied.
func (l *loop) settle() {
	for _, lane := range []*lane{l.documents, l.lease} {
		lane.settle(l.log.state.Outcome(lane.id))
	}
}

// handOver lets another member lead, the one that lags least.
func (l *loop) handOver() {
	if l.node.BasicStatus().RaftState != raft.StateLeader {
		return
	}
	best, match := uint64(raft.None), uint64(0)
	for id, progress := range l.node.Status().Progress {
		if id != l.self && progress.RecentActive && progress.Match >= match {
			best, match = id, progress.Match
		}
	}
	if best != raft.None {
		l.node.TransferLeader(best)
	}
}

// mayLeave reports whether a member that closes does not lead, or nobody can take over.
func (l *loop) mayLeave() bool {
	status := l.node.BasicStatus()
	return status.RaftState != raft.StateLeader || status.LeadTransferee == raft.None
}

// tellChanged tells that the lease may have changed.
func (m *Member) tellChanged() {
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

// isMember reports whether an id can be a member's: the highest are the library's own.
func isMember(id uint64) bool { return id != raft.None && id <= math.MaxInt64+1 }
