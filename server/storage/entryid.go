package storage

import (
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
)

// The state machine knows no replication, and so has entry ids of its own.

func kvID(id replication.EntryID) kv.EntryID {
	return kv.EntryID{Term: int64(id.Term), Offset: int64(id.Offset)}
}

func coreID(id kv.EntryID) replication.EntryID {
	return replication.EntryID{Term: replication.Term(id.Term), Offset: replication.Offset(id.Offset)}
}
