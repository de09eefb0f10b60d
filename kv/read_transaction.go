package kv

import (
	"fmt"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// ReadTransaction carries out a transaction that writes nothing (see ReadsOnly),
// on one moment, no earlier than the call: whoever wants it no older than some
// entry calls when that is applied. The answer is the one that the transaction
// would have had as an entry applied at that moment, and the caller owns it.
//
// The error is a *RefusedError if the transaction writes, or if
// ValidateTransaction refuses it for every shard, a *ShardIDError, or storage's.
func (db *DB) ReadTransaction(shard ShardID, req *api.TransactionRequest) (*api.TransactionResponse, error) {
	if shard < 0 {
		return nil, &ShardIDError{Shard: shard}
	}
	if refused := validateTransaction(req, keyspace.FullRange); refused != nil {
		return nil, refused
	}
	if i := firstWrite(req); i >= 0 {
		return nil, refuse(Invalid, "operation", "writes, and a read was asked", "propose the transaction").in("operations", i)
	}
	snapshot := db.pebble.NewSnapshot()
	defer snapshot.Close()
	order, err := db.orderAt(snapshot, shard)
	if err != nil {
		return nil, err
	}
	res, err := newTransaction(shard, order, snapshot).run(req)
	if err != nil {
		return nil, fmt.Errorf("shard %d: read transaction: %w", shard, damageOf(shard, err))
	}
	return res, nil
}
