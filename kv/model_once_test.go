package kv

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
)

// namedWrite is the payload of a write that is carried out once.
func namedWrite(name *api.RequestName, write *api.WriteRequest) []byte {
	return WriteOncePayload(mustMarshal(&api.WriteOnceRequest{Name: name, Write: write}))
}

func namedTransaction(name *api.RequestName, transaction *api.TransactionRequest) []byte {
	return TransactOncePayload(mustMarshal(&api.TransactRequest{Name: name, Transaction: transaction}))
}

func mustMarshal(m proto.Message) []byte {
	encoded, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return encoded
}

func clientName(letter byte) []byte { return bytes.Repeat([]byte{letter}, onceClientBytes) }

// modelClient is what a client may rely on: what is remembered of its requests.
type modelClient struct {
	last, low, high uint64
	idle            bool
	answers         map[uint64]proto.Message
}

// However requests are repeated, late, early or out of order, and whatever is forgotten
// meanwhile: each is carried out once at the most, and what is answered is what came of
// it then.
func TestNamedRequestsAreCarriedOutOnce(t *testing.T) {
	d := newDisk(t)
	defer d.close(t)
	shard := ShardID(0)
	rapid.Check(t, func(t *rapid.T) {
		shard++
		clients := map[byte]*modelClient{}
		carriedOut := map[string]int{}
		now := uint64(1000)
		for i := range rapid.IntRange(1, 30).Draw(t, "entries") {
			now += rapid.SampledFrom([]uint64{0, 1, 1000, onceIdleMs / 3, onceIdleMs + 1}).Draw(t, "later")
			clock := now - rapid.SampledFrom([]uint64{0, 0, 500}).Draw(t, "clock of another leader")
			letter := rapid.SampledFrom([]byte("ab")).Draw(t, "client")
			sequence := rapid.Uint64Range(1, 6).Draw(t, "sequence")
			name := &api.RequestName{
				Client: clientName(letter), Sequence: sequence, Low: rapid.Uint64Range(1, sequence).Draw(t, "low"),
			}
			// A write is of a new key each time it is carried out, and a transaction adds to a
			// value.
			key := fmt.Sprintf("%c%d", letter, sequence)
			payload := namedWrite(name, &api.WriteRequest{Puts: []*api.PutRequest{{
				Key: key, PartitionKey: proto.String("p"), SequenceKeyDelta: []uint64{1},
			}}})
			if sequence%2 == 0 {
				payload = namedTransaction(name, &api.TransactionRequest{Operations: []*api.TransactionOperation{doAppend(key, "x")}})
			}
			result := mustApply(t, d.db, shard, []Entry{{ID: EntryID{1, int64(i) + 1}, Timestamp: clock, Payload: payload}})[0]

			for _, c := range clients {
				if clock >= onceIdleMs && c.last <= clock-onceIdleMs {
					c.low, c.idle = max(c.low, c.high+1), true
				}
			}
			c := clients[letter]
			want, repeated := proto.Message(nil), false
			forgotten := (c == nil && name.GetLow() > 1) || (c != nil && sequence < c.low)
			if !forgotten {
				if c == nil {
					c = &modelClient{answers: map[uint64]proto.Message{}}
					clients[letter] = c
				}
				want, repeated = c.answers[sequence]
				if !repeated {
					carriedOut[key]++
				}
				c.last, c.low = max(c.last, clock), max(c.low, name.GetLow())
				c.high, c.idle = max(c.high, sequence), false
			}
			got := proto.Message(result.Response)
			if sequence%2 == 0 {
				got = result.Transaction
			}
			switch {
			case forgotten != (result.Outcome == Forgotten):
				t.Fatalf("%v is %s, want forgotten: %v", name, result.Outcome, forgotten)
			case forgotten:
			case result.Repeated != repeated:
				t.Fatalf("%v is repeated: %v, want %v", name, result.Repeated, repeated)
			case repeated && !proto.Equal(got, want):
				t.Fatalf("%v is answered %v, and was %v", name, got, want)
			case !repeated:
				c.answers[sequence] = got
			}
			checkOnceResult(t, &result)
			checkClients(t, d.db, shard, clients)
		}
		for key, times := range carriedOut {
			if times != 1 {
				t.Fatalf("%s was to be carried out %d times (by the model)", key, times)
			}
			checkCarriedOut(t, d.db, shard, key)
		}
	})
}

// checkCarriedOut tells if a request was not carried out once, by what it left.
func checkCarriedOut(t *rapid.T, db *DB, shard ShardID, key string) {
	if sequence, _ := strconv.Atoi(key[1:]); sequence%2 == 1 {
		last, _, err := db.HighestSequence(shard, key)
		if want := appendSequencePart(key, 1); err != nil || last != want {
			t.Fatalf("%s, want %s, %v", last, want, err)
		}
		return
	}
	res, err := db.Read(shard, &api.ReadRequest{Gets: []*api.GetRequest{{Key: key, IncludeValue: true}}})
	if value := res.GetGets()[0].GetValue(); err != nil || len(value) != 1 {
		t.Fatalf("%s has %d bytes, want 1, %v", key, len(value), err)
	}
}

func checkOnceResult(t *rapid.T, result *Result) {
	write, transaction, err := DecodeOnce(result.Encode())
	switch {
	case result.Outcome == Forgotten:
		if !errors.Is(err, ErrForgotten) {
			t.Fatalf("a forgotten one reads as %v, %v, %v", write, transaction, err)
		}
	case err != nil:
		t.Fatal(err)
	case result.Response != nil:
		if !proto.Equal(write.GetWrite(), result.Response) || write.GetRepeated() != result.Repeated {
			t.Fatalf("%v reads as %v", result.Response, write)
		}
	case !proto.Equal(transaction, result.Transaction):
		t.Fatalf("%v reads as %v", result.Transaction, transaction)
	}
}

// checkClients holds the rows of clients against the model, and against each other.
func checkClients(t *rapid.T, db *DB, shard ShardID, clients map[byte]*modelClient) {
	state, err := db.readState(shard)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	kept := map[[onceClientBytes]byte]uint64{}
	rows := rowsIn(t, db, shard)
	for letter, m := range clients {
		c := &client{name: [onceClientBytes]byte(clientName(letter)), last: m.last, low: m.low, high: m.high, idle: m.idle}
		want[string(appendClientKey(nil, shard, c))] = true
		want[string(appendAgeKey(nil, shard, c))] = true
		for sequence := range m.answers {
			if sequence >= m.low {
				key := string(appendAnswerKey(nil, shard, c, sequence))
				want[key] = true
				kept[c.name] += uint64(len(rows[key]))
			}
		}
	}
	for key, value := range rows {
		s := span(key[shardBytes])
		if s < spanClients || s > spanAges {
			continue
		}
		if !want[key] {
			t.Fatalf("row %x is there, of %v", key, clients)
		}
		delete(want, key)
		if s == spanClients {
			c, err := decodeClient([]byte(key[prefixBytes:]), []byte(value))
			if m := clients[c.name[0]]; err != nil || c.kept != kept[c.name] || c.low != m.low || c.high != m.high {
				t.Fatalf("%+v, %v, and %d bytes of answers", c, err, kept[c.name])
			}
		}
	}
	if len(want) > 0 || state.clients != int64(len(clients)) {
		t.Fatalf("%d clients; not there:\n%s", state.clients, describeKeys(want))
	}
}

// Answers that are more than may be kept for one client are not kept: what is known of
// them is that there were some. When the client has what it waited for, there is room.
func TestAnswersAreKeptWithinABound(t *testing.T) {
	db := openForTest(t)
	value := strings.Repeat("v", onceKeptBytes/2)
	name := func(sequence, low uint64) *api.RequestName {
		return &api.RequestName{Client: clientName('a'), Sequence: sequence, Low: low}
	}
	apply := func(name *api.RequestName) Result {
		get := &api.TransactionRequest{Operations: []*api.TransactionOperation{doGet("k"), doAppend("n", "x")}}
		applied := mustApplied(t, db, 1)
		return mustApply(t, db, 1, []Entry{{ID: EntryID{1, applied.Offset + 1}, Timestamp: 5, Payload: namedTransaction(name, get)}})[0]
	}
	mustApply(t, db, 1, []Entry{{ID: EntryID{1, 1}, Payload: mustPayload(putOf("k", value))}})
	for sequence := range uint64(3) {
		if result := apply(name(sequence+1, 1)); result.Outcome != Applied || result.Repeated {
			t.Fatalf("request %d: %+v", sequence+1, result.Outcome)
		}
	}
	for sequence, outcome := range []Outcome{Applied, Forgotten, Forgotten} {
		if result := apply(name(uint64(sequence)+1, 1)); result.Outcome != outcome || !result.Repeated {
			t.Errorf("request %d again: %s, want %s", sequence+1, result.Outcome, outcome)
		}
	}
	apply(name(4, 4))
	if result := apply(name(4, 4)); result.Outcome != Applied || !result.Repeated {
		t.Errorf("request 4 again: %s", result.Outcome)
	}
	res, err := db.Read(1, &api.ReadRequest{Gets: []*api.GetRequest{{Key: "n", IncludeValue: true}}})
	if got := string(res.GetGets()[0].GetValue()); err != nil || got != "xxxx" {
		t.Errorf("carried out %q, %v", got, err)
	}
}

// There are no more clients than there may be: the one that is idle for longest goes.
func TestClientsAreRememberedWithinABound(t *testing.T) {
	db := openForTest(t)
	a := &applier{db: db, shard: 1, batch: db.pebble.NewIndexedBatch(), digester: newDigester()}
	defer func() { _ = a.batch.Close() }()
	for i := range byte(3) {
		c := &client{name: [onceClientBytes]byte{i}, last: uint64(10 - i), idle: i == 1}
		if err := a.keepClient(c, &client{}, false); err != nil {
			t.Fatal(err)
		}
	}
	a.state.clients = onceClients
	for range 2 {
		if err := a.makeRoom(); err != nil {
			t.Fatal(err)
		}
		a.state.clients++
	}
	// First the one whose answers are gone, then the one that is idle for longest.
	for i, there := range map[byte]bool{0: true, 1: false, 2: false} {
		if found, err := a.readClient(&client{name: [onceClientBytes]byte{i}}); found != there || err != nil {
			t.Errorf("client %d: %v, %v", i, found, err)
		}
	}
	if a.state.clients != onceClients {
		t.Errorf("%d clients", a.state.clients)
	}
}

func TestNamesAreValidated(t *testing.T) {
	name := func(client int, sequence, low uint64) *api.RequestName {
		return &api.RequestName{Client: make([]byte, client), Sequence: sequence, Low: low}
	}
	write, get := putOf("a", "b"), &api.TransactionRequest{Operations: []*api.TransactionOperation{doPut("a", "b")}}
	for _, c := range []struct {
		name  *api.RequestName
		field string // empty: accepted
	}{
		{name(16, 1, 1), ""},
		{name(16, 1024, 1), ""},
		{name(16, 1025, 1), "name.sequence"},
		{name(16, 0, 0), "name.sequence"},
		{name(16, math.MaxInt64+1, math.MaxInt64), "name.sequence"},
		{name(16, 1, 0), "name.low"},
		{name(16, 1, 2), "name.low"},
		{name(15, 1, 1), "name.client"},
		{nil, "name"},
	} {
		for _, err := range []error{
			ValidateWriteOnce(&api.WriteOnceRequest{Name: c.name, Write: write}, HashRange{Max: 1<<32 - 1}),
			ValidateTransactOnce(&api.TransactRequest{Name: c.name, Transaction: get}, HashRange{Max: 1<<32 - 1}),
		} {
			refused := (*RefusedError)(nil)
			if errors.As(err, &refused) != (c.field != "") || (refused != nil && (refused.Field != c.field || refused.Remedy == "")) {
				t.Errorf("%v: got %v, want a refusal of %q", c.name, err, c.field)
			}
		}
	}
	fields := map[string]error{
		"write.puts[0].key": ValidateWriteOnce(&api.WriteOnceRequest{Name: name(16, 1, 1), Write: putOf("", "b")}, HashRange{Max: 1<<32 - 1}),
		"write":             ValidateWriteOnce(&api.WriteOnceRequest{Name: name(16, 1, 1)}, HashRange{}),
		"transaction":       ValidateTransactOnce(&api.TransactRequest{Name: name(16, 1, 1)}, HashRange{}),
	}
	for field, err := range fields {
		if refused := (*RefusedError)(nil); !errors.As(err, &refused) || refused.Field != field {
			t.Errorf("got %v, want a refusal of %s", err, field)
		}
	}
	for _, result := range [][]byte{nil, {0}, {9}, {onceUnknown, 1}, {onceWrite, 0xff}, {onceTransaction, 0xff}} {
		if _, _, err := DecodeOnce(result); !errors.Is(err, errOnceResult) {
			t.Errorf("%x reads as a result: %v", result, err)
		}
	}
}

// parseOnceEntry reads "once CLIENT SEQUENCE LOW write|transaction".
func parseOnceEntry(t *testing.T, words, operations []string) []byte {
	numbers := make([]uint64, 2)
	for i, word := range words[1:3] {
		n, err := strconv.ParseUint(word, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		numbers[i] = n
	}
	name := &api.RequestName{Client: clientName(words[0][0]), Sequence: numbers[0], Low: numbers[1]}
	if slices.Contains(words, "transaction") {
		return namedTransaction(name, parseTransaction(t, operations))
	}
	return namedWrite(name, parseOperations(t, operations))
}
