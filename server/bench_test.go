package server

import (
	"sync"
	"testing"

	"github.com/ostraka-db/ostraka/api"
)

// BenchmarkPuts writes over streams that each have many writes in flight, to one shard
// of three replicas in one process, in memory: what the protocol and the wire cost.
func BenchmarkPuts(b *testing.B) {
	for _, streams := range []int{1, 16} {
		b.Run(map[int]string{1: "one stream", 16: "16 streams"}[streams], func(b *testing.B) {
			c := startTestCluster(b, &api.Namespace{Name: "default", InitialShardCount: 1, ReplicationFactor: 3})
			s := c.first()
			b.ReportAllocs()
			b.ResetTimer()
			var running sync.WaitGroup
			for range streams {
				stream := c.writeStream(s)
				n := b.N/streams + 1
				running.Go(func() {
					for range n {
						if err := stream.Send(routed(s, "k", "value")); err != nil {
							b.Error(err)
							return
						}
					}
				})
				running.Go(func() {
					for range n {
						if _, err := stream.Recv(); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
		})
	}
}
