package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

func TestTransactions(t *testing.T) {
	c := newClient(clienttest.New(t, 2, 3, keyspace.Hierarchical), WithIdentity("me"))
	ctx := t.Context()
	together := PartitionKey("p")
	records, err := c.Transact(ctx, Transaction{
		Conditions: []Condition{IfMissing("a"), IfVersion("b", NoVersion)},
		Operations: []Operation{ThenPut("a", []byte("1")), ThenAppend("a", []byte("2")), ThenGet("a"), ThenDelete("b"), ThenGet("b")},
	}, together)
	if err != nil {
		t.Fatal(err)
	}
	if r := records[2]; r.Key != "a" || !r.Exists || string(r.Value) != "12" {
		t.Errorf("get of what was written: %+v", r)
	}
	if records[0].Version.Identity != "me" || records[3].Exists || records[4].Exists {
		t.Errorf("got %+v", records)
	}
	_, err = c.Transact(ctx, Transaction{
		Conditions: []Condition{IfExists("a"), IfValue("a", []byte("x")).WithValue()},
		Operations: []Operation{ThenDelete("a")},
	}, together)
	var failed *ConditionError
	if !errors.Is(err, ErrConditionFailed) || !errors.As(err, &failed) {
		t.Fatalf("a condition that does not hold: %v", err)
	}
	if failed.Index != 1 || !failed.Exists || string(failed.Value) != "12" || failed.Version.ID != records[1].Version.ID {
		t.Errorf("it is told as %+v", failed)
	}
	if r, err := c.Get(ctx, "a", together); err != nil || string(r.Value) != "12" {
		t.Errorf("after a transaction that did not happen: %+v, %v", r, err)
	}
}

func TestTransactionsThatCannotBe(t *testing.T) {
	f := clienttest.New(t, 2, 64, keyspace.Hierarchical)
	c := newClient(f)
	many := make([]Operation, maxTransactionOperations+1)
	for i := range many {
		many[i] = ThenGet("a")
	}
	for name, transaction := range map[string]Transaction{
		"nothing":                     {},
		"too much":                    {Operations: many},
		"an empty key":                {Operations: []Operation{ThenPut("", nil)}},
		"the server's key":            {Conditions: []Condition{IfExists("__oxia/x")}},
		"a long value":                {Operations: []Operation{ThenAppend("a", make([]byte, maxValueBytes+1))}},
		"a condition of nothing":      {Conditions: []Condition{{}}},
		"an operation of nothing":     {Operations: []Operation{{}}},
		"records of different shards": {Operations: []Operation{ThenPut("a", nil), ThenPut("b", nil), ThenPut("c", nil)}},
	} {
		_, err := c.Transact(t.Context(), transaction)
		var argument *ArgumentError
		if !errors.Is(err, ErrInvalid) || !errors.As(err, &argument) || argument.Remedy == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.Count("Transact") != 0 {
		t.Error("something was sent")
	}
}

// What no server could carry out is not sent, and the error says what to do.
func TestArgumentsThatCannotBeMeant(t *testing.T) {
	f := clienttest.New(t, 1, 1, keyspace.Hierarchical)
	c := newClient(f)
	ctx := t.Context()
	long := strings.Repeat("x", maxKeyBytes+1)
	scan := func(start, end string, options ...ScanOption) error {
		for _, err := range c.RangeScan(ctx, start, end, options...) {
			return err
		}
		return nil
	}
	put := func(key string, options ...PutOption) error {
		_, err := c.Put(ctx, key, nil, options...)
		return err
	}
	get := func(key string, options ...GetOption) error {
		_, err := c.Get(ctx, key, options...)
		return err
	}
	_, tooLong := c.Put(ctx, "a", make([]byte, maxValueBytes+1))
	for name, err := range map[string]error{
		"empty key":                      put(""),
		"internal key":                   put("__oxia/session/1"),
		"long key":                       put(long),
		"key that is no text":            put("\xff"),
		"long value":                     tooLong,
		"long partition key":             put("a", PartitionKey(long)),
		"negative version":               put("a", ExpectedVersion(-2)),
		"sequence without partition key": put("a", SequenceDeltas(1)),
		"sequence that stands still":     put("a", SequenceDeltas(0, 1), PartitionKey("p")),
		"sequence with a version":        put("a", SequenceDeltas(1), PartitionKey("p"), ExpectNoRecord()),
		"long sequence":                  put("a", SequenceDeltas(make([]uint64, maxDeltas+1)...), PartitionKey("p")),
		"many indexes":                   put("a", slices.Repeat([]PutOption{SecondaryIndex("i", "x")}, maxSecondaryIndexes+1)...),
		"long index name":                put("a", SecondaryIndex(long[:maxIndexNameBytes+1], "x")),
		"two sessions":                   put("a", Ephemeral(), InSession(&Session{})),
		"negative override":              put("a", OverrideVersion(-1, 0)),
		"index without a name":           put("a", SecondaryIndex("", "x")),
		"long secondary key":             put("a", SecondaryIndex("i", long)),
		"get of nothing":                 get(""),
		"get by an index without name":   get("a", UseIndex("")),
		"get of a long key":              get(long, Floor()),
		"delete of nothing":              c.Delete(ctx, ""),
		"delete at a negative version":   c.Delete(ctx, "a", ExpectedVersion(-7)),
		"long start":                     c.DeleteRange(ctx, long, ""),
		"scan to a long end":             scan("", long),
		"scan by a long partition":       scan("", "", PartitionKey(long)),
	} {
		var argument *ArgumentError
		if !errors.Is(err, ErrInvalid) || !errors.As(err, &argument) || argument.Field == "" || argument.Remedy == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, method := range []string{"WriteStream", "Read", "RangeScan"} {
		if n := f.Count(method); n != 0 {
			t.Errorf("%s was called %d times", method, n)
		}
	}
}

func TestOptionsThatCannotBeMeant(t *testing.T) {
	for name, option := range map[string]Option{
		"namespace": WithNamespace(""), "identity": WithIdentity(strings.Repeat("x", maxIdentityBytes+1)),
		"request timeout": WithRequestTimeout(0), "linger": WithBatchLinger(-1), "batch": WithMaxBatch(0, 1),
		"batch operations": WithMaxBatch(1, maxOperations+1), "in flight": WithMaxInFlight(0), "tls": WithTLS(nil),
		"session timeout": WithSessionTimeout(1), "key order": WithKeyOrder("random"),
	} {
		_, err := New(t.Context(), "nobody:1", option)
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"natural", "hierarchical"} {
		conf := defaultConfig()
		if err := WithKeyOrder(name)(&conf); err != nil || fmt.Sprint(*conf.order) != name {
			t.Errorf("order %s: %v, %v", name, conf.order, err)
		}
	}
}
