package chaos

import (
	"context"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/internal/cluster"
)

// BenchmarkTransfer moves the leadership of a shard from one server to another by an
// administrator's order, again and again, and tells what clients see of it: the longest
// time without an acknowledgement around each move. The longest such time while nothing
// moves is told beside it.
func BenchmarkTransfer(b *testing.B) {
	f := beginFailovers(b, true)
	leader := f.settledLeader(b)
	var still, gaps []time.Duration
	for range b.N {
		quiet := time.Now()
		sleepUntil(b.Context(), quiet.Add(transferWindow))
		still = append(still, f.gap(quiet))
		to := f.cluster.Servers()
		to = slices.DeleteFunc(to, func(m *cluster.Member) bool { return m == leader })
		asked := time.Now()
		transfer(b, f.cluster, to[len(gaps)%len(to)].Name)
		sleepUntil(b.Context(), asked.Add(transferWindow))
		gaps = append(gaps, f.gap(asked))
		leader = f.leader(b.Context())
		f.forget()
	}
	f.end(b)
	for name, of := range map[string][]time.Duration{"gap": gaps, "still": still} {
		slices.Sort(of)
		b.ReportMetric(milliseconds(of[len(of)/2]), "p50-"+name+"-ms")
		b.ReportMetric(milliseconds(of[len(of)*99/100]), "p99-"+name+"-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// transferWindow is for how long writes are looked at, for each move.
const transferWindow = 200 * time.Millisecond

// transfer orders the one shard to be led by a server, and waits for it.
func transfer(b *testing.B, c *cluster.Cluster, to string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	var last error
	for ctx.Err() == nil {
		for _, m := range c.Coordinators() {
			if last = transferAt(ctx, m.Public, to); last == nil {
				return
			}
		}
		sleepUntil(ctx, time.Now().Add(10*time.Millisecond))
	}
	b.Fatalf("the leadership did not move to %s: %v", to, last)
}

func transferAt(ctx context.Context, coordinator, to string) error {
	conn, err := grpc.NewClient(coordinator, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = api.NewOstrakaAdminClient(conn).TransferLeader(ctx, &api.TransferLeaderRequest{Shard: &api.ShardName{}, To: to})
	return err
}
