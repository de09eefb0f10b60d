package client

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/ostraka-db/ostraka/client/clienttest"
	"github.com/ostraka-db/ostraka/kv/keyspace"
)

// What the client itself costs: the servers are maps in this process.
func BenchmarkPut(b *testing.B) {
	for _, parallel := range []int{1, 16, 256} {
		b.Run(fmt.Sprint(parallel), func(b *testing.B) {
			c := newClient(clienttest.New(b, 1, 1, keyspace.Hierarchical))
			var number atomic.Int64
			value := make([]byte, 128)
			b.SetParallelism(parallel)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := c.Put(b.Context(), fmt.Sprint(number.Add(1)%1000), value); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
