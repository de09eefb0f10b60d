package host

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
	"github.com/ostraka-db/ostraka/server/testcluster"
)

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// cluster is three hosts and a coordinator in one process.
type cluster struct {
	t           *testing.T
	ctx         context.Context
	network     *testcluster.Network
	coordinator *testcluster.Coordinator
	hosts       map[replication.ServerID]*Host
}

var servers = []replication.ServerID{"s1", "s2", "s3"}

// coreOptions are those of hosts that share two slow processors with others: no
// election because one had to wait.
func coreOptions() replication.Options {
	o := replication.DefaultOptions()
	o.Barrier = kv.BarrierPayload()
	o.SilentAfter = 2 * time.Second
	o.ElectWithin = 5 * time.Second
	return o
}

func startCluster(t *testing.T, shards int, disk func(replication.ServerID) storage.Options) *cluster {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	c := &cluster{t: t, ctx: ctx, network: testcluster.NewNetwork(), hosts: map[replication.ServerID]*Host{}}
	for _, id := range servers {
		o := storage.Options{Storage: storage.InMemory}
		if disk != nil {
			o = disk(id)
		}
		o.CacheBytes, o.MemTableBytes = 1<<20, 1<<20
		c.start(id, o)
	}
	var all []testcluster.Shard
	for i := range shards {
		all = append(all, testcluster.Shard{ID: replication.ShardID(i), Servers: servers})
	}
	c.coordinator = testcluster.StartCoordinator(c.network, coreOptions(), all)
	t.Cleanup(c.coordinator.Close)
	return c
}

func (c *cluster) start(id replication.ServerID, o storage.Options) {
	disk, err := storage.Open(o)
	if err != nil {
		c.t.Fatal(err)
	}
	h, err := New(Options{ID: id, Disk: disk, Core: coreOptions()})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := h.Start(c.network.Join(id, h)); err != nil {
		c.t.Fatal(err)
	}
	h.Coordinators([]replication.ServerID{testcluster.CoordinatorID})
	c.hosts[id] = h
	c.t.Cleanup(func() {
		h.Close()
		_ = disk.Close() // a disk that a test made fail says so again
	})
}

// leader waits until somebody leads, but for those named.
func (c *cluster) leader(shard replication.ShardID, not ...replication.ServerID) *Host {
	c.t.Helper()
	id, _, err := c.coordinator.Leader(c.ctx, shard, func(id replication.ServerID) bool {
		for _, n := range not {
			if id == n {
				return false
			}
		}
		return true
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.hosts[id]
}

func putPayload(t *testing.T, key, value string) []byte {
	t.Helper()
	body, err := proto.Marshal(&api.WriteRequest{Puts: []*api.PutRequest{{Key: key, Value: []byte(value)}}})
	if err != nil {
		t.Fatal(err)
	}
	return kv.WritePayload(body)
}

// put writes a record, and returns the offset of its entry.
func (c *cluster) put(h *Host, shard replication.ShardID, key, value string) (replication.Offset, error) {
	call, err := h.Write(c.ctx, shard, putPayload(c.t, key, value))
	if err != nil {
		return 0, err
	}
	return c.written(call)
}

func (c *cluster) written(call *Call) (replication.Offset, error) {
	select {
	case <-call.Done():
	case <-c.ctx.Done():
		return 0, fmt.Errorf("the call does not end: %w", c.ctx.Err())
	}
	result, offset, err := call.Written()
	var res api.WriteResponse
	if err == nil {
		err = proto.Unmarshal(result, &res)
	}
	if err == nil && (len(res.GetPuts()) != 1 || res.GetPuts()[0].GetStatus() != api.Status_OK) {
		err = fmt.Errorf("put answered with %v", &res)
	}
	return offset, err
}

// get reads a record, linearizably.
func (c *cluster) get(h *Host, shard replication.ShardID, key string) (string, error) {
	view, err := h.Confirm(c.ctx, shard)
	if err != nil {
		return "", err
	}
	var value string
	err = view.Read(func(db *kv.DB) error {
		res, err := db.Read(kv.ShardID(shard), &api.ReadRequest{Gets: []*api.GetRequest{{Key: key, IncludeValue: true}}})
		if err == nil {
			value = string(res.GetGets()[0].GetValue())
		}
		return err
	})
	return value, err
}

func refusedAs(err error) replication.Refusal {
	if refused := (*RefusedError)(nil); errors.As(err, &refused) {
		return refused.Why
	}
	return 0
}
