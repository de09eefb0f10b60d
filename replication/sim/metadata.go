package sim

import (
	"math/rand/v2"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// metadata is the metadata store: one process that never fails, far away.
type metadata struct {
	*scheduler
	random    *rand.Rand
	documents map[replication.ShardID]replication.Document
	// base is the mean time of a call on its way, and of its answer.
	base time.Duration
	// checks are called with each document that is stored, and the one before.
	stored func(shard replication.ShardID, before, after *replication.Document)
}

// metadataPort is the way of one run of a server to the metadata store.
type metadataPort struct {
	store   *metadata
	server  *server
	process *process
}

// Load implements replication.MetadataStore.
func (p *metadataPort) Load(shard replication.ShardID) {
	answer := p.answer(shard, replication.DocumentLoaded{Failed: true})
	p.call(func() {
		doc, found := p.store.documents[shard]
		doc = doc.Clone()
		p.reply(func() { answer(replication.DocumentLoaded{Document: doc, Found: found}) })
	})
}

// CompareAndSet implements replication.MetadataStore.
func (p *metadataPort) CompareAndSet(shard replication.ShardID, document replication.Document) {
	document = document.Clone()
	ended := func(outcome replication.StoreOutcome) replication.DocumentStored {
		return replication.DocumentStored{Version: document.Version, Term: document.Term, Outcome: outcome}
	}
	answer := p.answer(shard, ended(replication.StoreUnknown))
	p.call(func() {
		outcome := replication.StoreConflict
		if before := p.store.documents[shard]; before.Version == document.Version-1 {
			p.store.documents[shard] = document.Clone()
			p.store.stored(shard, &before, &document)
			outcome = replication.StoreDone
		}
		p.reply(func() { answer(ended(outcome)) })
	})
}

// call takes a call to the store, unless it is lost.
func (p *metadataPort) call(do func()) {
	if p.store.lost(p.server.storeCut) {
		return
	}
	p.store.after(p.store.travels(p.server), do)
}

// reply takes an answer back, unless it is lost.
func (p *metadataPort) reply(do func()) {
	if p.store.lost(p.server.storeDeaf) {
		return
	}
	p.store.after(p.store.travels(p.server), do)
}

// answer returns what gives the server its answer, once: the first, or in its
// stead what is to be believed when none came in time.
func (p *metadataPort) answer(shard replication.ShardID, none replication.Event) func(replication.Event) {
	answered := false
	answer := func(event replication.Event) {
		p.server.inRun(p.process, func() {
			if !answered {
				answered = true
				p.process.complete(shard, event)
			}
		})
	}
	deadline := p.server.clock.read().Add(p.server.options.StoreWithin)
	p.store.at(p.server.clock.when(deadline), func() { answer(none) })
	return answer
}

func (m *metadata) lost(faults []*Fault) bool {
	return len(faults) > 0 && m.random.Float64() < faults[len(faults)-1].Rate
}

func (m *metadata) travels(s *server) time.Duration {
	mean := m.base
	if len(s.storeSlow) > 0 {
		mean += s.storeSlow[len(s.storeSlow)-1].Duration
	}
	return mean/2 + time.Duration(m.random.Int64N(int64(mean)))
}
