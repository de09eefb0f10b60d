package maelstrom

import (
	jepsen "github.com/jepsen-io/maelstrom/demo/go"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/kv/keyspace"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// transactionDone makes a client's answer of what became of a transaction.
type transactionDone func(*api.TransactionResponse) (answer, *failure)

// proposeTransaction makes a transaction an entry.
func proposeTransaction(req *api.TransactionRequest, done transactionDone) (work, error) {
	if err := kv.ValidateTransaction(req, keyspace.FullRange); err != nil {
		return work{}, err
	}
	encoded, err := encodeRequest(nil, req)
	return work{
		kind: replication.RequestWrite, body: kv.TransactionPayload(encoded), answer: done.orWithout(jepsen.Crash),
	}, err
}

// readTransaction makes a transaction that only reads a linearizable read.
func readTransaction(req *api.TransactionRequest, done transactionDone) (work, error) {
	if err := kv.ValidateTransaction(req, keyspace.FullRange); err != nil {
		return work{}, err
	}
	body, err := encodeRequest([]byte{storage.QueryTransaction}, req)
	return work{kind: replication.RequestRead, body: body, answer: done.orWithout(jepsen.Abort)}, err
}

// orWithout decodes the result first. If there is none, the client is told the
// code, which says whether something may have happened all the same.
func (done transactionDone) orWithout(code int) func(result []byte) (answer, *failure) {
	return func(result []byte) (answer, *failure) {
		var res api.TransactionResponse
		if err := proto.Unmarshal(result, &res); err != nil || res.GetStatus() == api.TransactionResponse_UNSPECIFIED {
			return fail(code, "the shard did not say what became of the transaction")
		}
		return done(&res)
	}
}
