package kv

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// What a shard remembers of named requests. These are rules of a KindOnce entry, and
// frozen with it; api/service.proto promises them to clients.
const (
	// onceClientBytes is the length of a client's name.
	onceClientBytes = 16
	// onceWindow is how many requests of a client, from the lowest that it waits for,
	// may be under way.
	onceWindow = 1024
	// onceIdleMs is how long the answers to a client are kept that does not write. Which
	// of its requests were carried out is remembered for longer.
	onceIdleMs = 60 * 60 * 1000
	// onceKeptBytes bounds the answers that are kept for a client. Of a request whose
	// answer does not fit any more it is only remembered that it was carried out.
	onceKeptBytes = 4 << 20
	// onceClients bounds the clients that are remembered. For one more, the one that has
	// been idle for longest is forgotten.
	onceClients = 1 << 16
	// onceIdled bounds the idle clients whose answers one entry drops.
	onceIdled = 64
)

// ErrForgotten says of a named request that it was not carried out now, and that the
// answer of an earlier time, if there was one, is not known any more.
var ErrForgotten = errors.New("the request is not remembered any more, and was not carried out again")

// The first byte of the body of a KindOnce, of an answer that is kept, and of an encoded
// result says what the rest is.
const (
	// onceWrite is followed by a WriteOnceRequest, a WriteResponse, or a
	// WriteOnceResponse.
	onceWrite byte = 1
	// onceTransaction is followed by a TransactRequest, or by a TransactionResponse.
	onceTransaction byte = 2
	// onceUnknown is followed by nothing: there is no answer, or not any more.
	onceUnknown byte = 3
)

// WriteOncePayload returns the payload of a write that is carried out once, however
// often it is proposed. The bytes are copied; they are a WriteOnceRequest that
// ValidateWriteOnce has accepted.
func WriteOncePayload(writeOnceRequest []byte) []byte {
	return oncePayload(onceWrite, writeOnceRequest)
}

// TransactOncePayload returns the payload of a transaction that is carried out once,
// however often it is proposed. The bytes are copied; they are a TransactRequest with a
// name that ValidateTransactOnce has accepted.
func TransactOncePayload(transactRequest []byte) []byte {
	return oncePayload(onceTransaction, transactRequest)
}

func oncePayload(what byte, request []byte) []byte {
	return append(append(payloadOf(KindOnce, nil), what), request...)
}

// ValidateWriteOnce does for a named write what Validate does for one without.
func ValidateWriteOnce(req *api.WriteOnceRequest, shard HashRange) error {
	refused := cmp.Or(checkKnown(req), misnamed(req.GetName()))
	if refused == nil {
		if refused = validateWrite(req.GetWrite(), shard); refused != nil {
			refused = refused.within("write")
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}

// ValidateTransactOnce does for a named transaction what ValidateTransaction does for
// one without.
func ValidateTransactOnce(req *api.TransactRequest, shard HashRange) error {
	refused := cmp.Or(checkKnown(req), misnamed(req.GetName()))
	if refused == nil {
		if refused = validateTransaction(req.GetTransaction(), shard); refused != nil {
			refused = refused.within("transaction")
		}
	}
	if refused != nil {
		return refused
	}
	return nil
}

// misnamed refuses a name that no request may have. Apply asks it too.
func misnamed(name *api.RequestName) *RefusedError {
	sequence, low := name.GetSequence(), name.GetLow()
	var refused *RefusedError
	switch {
	case name == nil:
		return refuse(Invalid, "name", "is not set", "name the request, so that its repetitions are known")
	case len(name.GetClient()) != onceClientBytes:
		refused = refuse(Invalid, "client", fmt.Sprintf("has %d bytes", len(name.GetClient())),
			fmt.Sprintf("draw %d bytes at random, once for each shard and run", onceClientBytes))
	case sequence == 0 || sequence > math.MaxInt64:
		refused = refuse(Invalid, "sequence", fmt.Sprintf("is %d", sequence), "count the client's requests from 1")
	case low == 0 || low > sequence:
		refused = refuse(Invalid, "low", fmt.Sprintf("is %d, of request %d", low, sequence),
			"send the lowest sequence whose answer is still waited for")
	case sequence-low >= onceWindow:
		refused = refuse(Invalid, "sequence", fmt.Sprintf("is %d, and low is %d", sequence, low),
			fmt.Sprintf("have at most %d requests under way", onceWindow))
	default:
		refused = checkKnown(name)
	}
	if refused != nil {
		return refused.within("name")
	}
	return nil
}

// onceRequest is the body of a KindOnce, decoded: one of the two is nil.
type onceRequest struct {
	name        *api.RequestName
	write       *api.WriteRequest
	transaction *api.TransactionRequest
}

// parseOnce reads a body, and reports whether it is one.
func parseOnce(body []byte) (onceRequest, bool) {
	if len(body) == 0 {
		return onceRequest{}, false
	}
	switch body[0] {
	case onceWrite:
		var req api.WriteOnceRequest
		if proto.Unmarshal(body[1:], &req) != nil {
			return onceRequest{}, false
		}
		return onceRequest{name: req.GetName(), write: cmp.Or(req.GetWrite(), &api.WriteRequest{})}, true
	case onceTransaction:
		var req api.TransactRequest
		if proto.Unmarshal(body[1:], &req) != nil {
			return onceRequest{}, false
		}
		return onceRequest{name: req.GetName(), transaction: cmp.Or(req.GetTransaction(), &api.TransactionRequest{})}, true
	}
	return onceRequest{}, false
}

// refused reports whether the request was never to be proposed.
func (o *onceRequest) refused() bool {
	if misnamed(o.name) != nil {
		return true
	}
	if o.transaction != nil {
		return incomplete(o.transaction) != nil
	}
	return contradictory(o.write)
}

// encodeOnce returns the result of a named request, for who proposed it.
func (r *Result) encodeOnce() []byte {
	switch {
	case r.Response != nil:
		return append([]byte{onceWrite}, encode(&api.WriteOnceResponse{Write: r.Response, Repeated: r.Repeated})...)
	case r.Transaction != nil:
		return append([]byte{onceTransaction}, encode(r.Transaction)...)
	case r.Outcome == Forgotten:
		return []byte{onceUnknown}
	}
	return nil
}

var errOnceResult = errors.New("kv: these bytes are no result of a named request")

// DecodeOnce returns what is in an encoded result of a named request: the one of the two
// that it was. The error is ErrForgotten if there is no answer, or says that the bytes
// are no such result.
func DecodeOnce(result []byte) (*api.WriteOnceResponse, *api.TransactionResponse, error) {
	if len(result) == 0 {
		return nil, nil, errOnceResult
	}
	switch rest := result[1:]; result[0] {
	case onceWrite:
		write := &api.WriteOnceResponse{}
		if proto.Unmarshal(rest, write) == nil {
			return write, nil, nil
		}
	case onceTransaction:
		transaction := &api.TransactionResponse{}
		if proto.Unmarshal(rest, transaction) == nil {
			return nil, transaction, nil
		}
	case onceUnknown:
		if len(rest) == 0 {
			return nil, nil, ErrForgotten
		}
	}
	return nil, nil, errOnceResult
}

// client is what is remembered of one that names its requests.
type client struct {
	name [onceClientBytes]byte
	// last is the greatest timestamp of its entries.
	last uint64
	// low is the lowest sequence of which an answer may be kept, or that may still come,
	// and high the highest that was carried out.
	low, high uint64
	// kept is how many bytes its kept answers are.
	kept uint64
	// idle says that the client's answers were dropped since it last wrote.
	idle bool
}

const clientVersion = 1

var (
	errClientKey     = errors.New("its name is not of sixteen bytes")
	errClientVersion = errors.New("unknown version of a client, or wrong length")
	errAnswer        = errors.New("it is of no kind that is known")
)

// appendClient appends the stored form of a client, without its name.
func appendClient(dst []byte, c *client) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, clientVersion), c.last)
	dst = binary.BigEndian.AppendUint64(dst, c.low)
	dst = binary.BigEndian.AppendUint64(dst, c.high)
	return append(binary.BigEndian.AppendUint64(dst, c.kept), c.standing())
}

// decodeClient reads a row's own key, and what appendClient wrote.
func decodeClient(own, value []byte) (client, error) {
	if len(own) != onceClientBytes {
		return client{}, errClientKey
	}
	f := fields{rest: value}
	version := f.byte()
	c := client{name: [onceClientBytes]byte(own), last: f.uint64(), low: f.uint64(), high: f.uint64(), kept: f.uint64()}
	standing := f.byte()
	c.idle = standing == standingIdle
	if version != clientVersion || f.err != nil || len(f.rest) > 0 || c.standing() != standing {
		return client{}, errClientVersion
	}
	return c, nil
}

func appendClientKey(dst []byte, shard ShardID, c *client) []byte {
	return append(appendSpan(dst, shard, spanClients), c.name[:]...)
}

// What a client is among all of them: those that are to be forgotten first come first.
const (
	standingIdle   byte = 0
	standingActive byte = 1
)

func (c *client) standing() byte {
	if c.idle {
		return standingIdle
	}
	return standingActive
}

// appendAgeKey appends the key of the row that has a client's place among all of them,
// by when it last wrote.
func appendAgeKey(dst []byte, shard ShardID, c *client) []byte {
	dst = append(appendSpan(dst, shard, spanAges), c.standing())
	dst = binary.BigEndian.AppendUint64(dst, c.last)
	return append(dst, c.name[:]...)
}

func appendAnswerKey(dst []byte, shard ShardID, c *client, sequence uint64) []byte {
	dst = append(appendSpan(dst, shard, spanAnswers), c.name[:]...)
	return binary.BigEndian.AppendUint64(dst, sequence)
}

// decodeAnswer reads an answer that is kept: neither response if only that there was one
// is remembered.
func decodeAnswer(value []byte) (*api.WriteResponse, *api.TransactionResponse, error) {
	if len(value) == 0 {
		return nil, nil, errAnswer
	}
	switch rest := value[1:]; value[0] {
	case onceWrite:
		write := &api.WriteResponse{}
		return write, nil, proto.Unmarshal(rest, write)
	case onceTransaction:
		transaction := &api.TransactionResponse{}
		return nil, transaction, proto.Unmarshal(rest, transaction)
	case onceUnknown:
		if len(rest) == 0 {
			return nil, nil, nil
		}
	}
	return nil, nil, errAnswer
}
