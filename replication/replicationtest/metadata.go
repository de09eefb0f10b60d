package replicationtest

import "github.com/ostraka-db/ostraka/replication"

// metadata is the metadata store of a cluster. Each server has a port to it,
// which can be told to lose answers or calls.
type metadata struct {
	documents map[replication.ShardID]replication.Document
}

// metadataPort is one server's way to the metadata store.
type metadataPort struct {
	store *metadata
	// calls wait for the cluster to carry them out.
	calls []metadataCall
	// cut loses every call; deaf carries calls out and loses the answers, mute
	// those of writes alone.
	cut, deaf, mute bool
}

type metadataCall struct {
	shard replication.ShardID
	// write is nil for a load.
	write *replication.Document
}

// Load implements replication.MetadataStore.
func (p *metadataPort) Load(shard replication.ShardID) {
	p.calls = append(p.calls, metadataCall{shard: shard})
}

// CompareAndSet implements replication.MetadataStore.
func (p *metadataPort) CompareAndSet(shard replication.ShardID, document replication.Document) {
	p.calls = append(p.calls, metadataCall{shard: shard, write: &document})
}

// answer carries a call out and returns what the caller learns of it.
func (p *metadataPort) answer(call metadataCall) replication.Event {
	if call.write == nil {
		doc, found := p.store.documents[call.shard]
		return replication.DocumentLoaded{
			Document: doc.Clone(), Found: found && !p.cut && !p.deaf, Failed: p.cut || p.deaf,
		}
	}
	outcome := replication.StoreUnknown
	if !p.cut {
		outcome = replication.StoreConflict
		if p.store.documents[call.shard].Version == call.write.Version-1 {
			p.store.documents[call.shard] = call.write.Clone()
			outcome = replication.StoreDone
		}
		if p.deaf || p.mute {
			outcome = replication.StoreUnknown
		}
	}
	return replication.DocumentStored{Version: call.write.Version, Term: call.write.Term, Outcome: outcome}
}
