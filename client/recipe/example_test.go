package recipe_test

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/client/recipe"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// What is written under a lock names it, so that a holder that was stopped and does not
// know yet that it lost the lock writes nothing.
func ExampleAcquire() {
	ctx := context.Background()
	cluster := clienttest.Start(1, 1, keyspace.Hierarchical)
	defer cluster.Stop()
	c, err := client.New(ctx, clienttest.Address(0), client.WithDialOptions(grpc.WithContextDialer(cluster.Dial)))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = c.Close() }()

	lock, err := recipe.Acquire(ctx, c, "report/lock", recipe.WithPartitionKey("report"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Transact(ctx, client.Transaction{
		Conditions: []client.Condition{lock.Condition()},
		Operations: []client.Operation{client.ThenPut("report/text", []byte("all is well"))},
	}, client.PartitionKey("report"))
	fmt.Println(err)
	fmt.Println(lock.Release(ctx))
	// Output:
	// <nil>
	// <nil>
}
