package client_test

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// connect makes a client of a cluster in this process. Elsewhere it is
// client.New(ctx, "localhost:6648").
func connect() (*client.Client, func()) {
	cluster := clienttest.Start(3, 4, keyspace.Hierarchical)
	c, err := client.New(context.Background(), clienttest.Address(0), client.WithDialOptions(grpc.WithContextDialer(cluster.Dial)))
	if err != nil {
		panic(err)
	}
	return c, func() {
		_ = c.Close()
		cluster.Stop()
	}
}

// A conditional write: only over what was read.
func Example() {
	c, done := connect()
	defer done()
	ctx := context.Background()
	if _, err := c.Put(ctx, "config/limit", []byte("10")); err != nil {
		fmt.Println(err)
		return
	}
	record, err := c.Get(ctx, "config/limit")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", record.Value)
	_, err = c.Put(ctx, "config/limit", []byte("11"), client.ExpectedVersion(record.Version.ID))
	fmt.Println(err)
	_, err = c.Put(ctx, "config/limit", []byte("12"), client.ExpectedVersion(record.Version.ID))
	fmt.Println(errors.Is(err, client.ErrUnexpectedVersion))
	// Output:
	// 10
	// <nil>
	// true
}

// Writes that are issued together travel together.
func ExampleClient_Async() {
	c, done := connect()
	defer done()
	ctx := context.Background()
	var puts []*client.Future[client.PutResult]
	for i := range 100 {
		puts = append(puts, c.Async().Put(ctx, fmt.Sprintf("key-%03d", i), nil))
	}
	for _, put := range puts {
		if _, err := put.Result(); err != nil {
			fmt.Println(err)
			return
		}
	}
	count := 0
	for _, err := range c.List(ctx, "key-", "key.") {
		if err != nil {
			fmt.Println(err)
			return
		}
		count++
	}
	fmt.Println(count)
	// Output: 100
}

// The children of "/users" are what lies between "/users/" and "/users//", in the
// hierarchical order.
func ExampleClient_RangeScan() {
	c, done := connect()
	defer done()
	ctx := context.Background()
	for _, key := range []string{"/users/ann", "/users/ann/mail", "/users/bob", "/groups/all"} {
		if _, err := c.Put(ctx, key, []byte("about "+key)); err != nil {
			fmt.Println(err)
			return
		}
	}
	for record, err := range c.RangeScan(ctx, "/users/", "/users//") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s\n", record.Key, record.Value)
	}
	// Output:
	// /users/ann: about /users/ann
	// /users/bob: about /users/bob
}

// Records that change together share a partition key.
func ExampleClient_Transact() {
	c, done := connect()
	defer done()
	ctx := context.Background()
	account := client.PartitionKey("account-7")
	_, err := c.Transact(ctx, client.Transaction{
		Conditions: []client.Condition{client.IfMissing("balance")},
		Operations: []client.Operation{
			client.ThenPut("balance", []byte("100")),
			client.ThenAppend("history", []byte("opened;")),
		},
	}, account)
	fmt.Println(err)
	_, err = c.Transact(ctx, client.Transaction{
		Conditions: []client.Condition{client.IfValue("balance", []byte("50")).WithValue()},
		Operations: []client.Operation{client.ThenPut("balance", []byte("0"))},
	}, account)
	var failed *client.ConditionError
	if errors.As(err, &failed) {
		fmt.Printf("condition %d: the value is %s\n", failed.Index, failed.Value)
	}
	// Output:
	// <nil>
	// condition 0: the value is 100
}

// A subscription tells every change that begins after it returned.
func ExampleClient_Subscribe() {
	c, done := connect()
	defer done()
	ctx := context.Background()
	changes, err := c.Subscribe(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer changes.Close()
	_, _ = c.Put(ctx, "a", nil)
	_ = c.Delete(ctx, "a")
	for change, err := range changes.All(ctx) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(change.Type, change.Key)
		if change.Type == client.EventDeleted {
			break
		}
	}
	// Output:
	// created a
	// deleted a
}

// A sequence gives each put a key of its own, in order.
func ExampleSequenceDeltas() {
	c, done := connect()
	defer done()
	for range 2 {
		put, err := c.Put(context.Background(), "order", nil, client.PartitionKey("orders"), client.SequenceDeltas(1))
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(put.Key)
	}
	// Output:
	// order-00000000000000000001
	// order-00000000000000000002
}
