package server

import (
	"fmt"
	"io"
	"testing"

	"github.com/ostraka-db/ostraka/api"
)

func TestWritesAreReadBackOverTheNetwork(t *testing.T) {
	c := startTestCluster(t)
	for _, s := range c.assignments(c.servers[0], "default", led) {
		for i := range 3 {
			value := fmt.Sprint(i)
			res, err := c.write(s, routed(s, "k", value))
			if err != nil || res.GetPuts()[0].GetStatus() != api.Status_OK {
				t.Fatalf("write: %v, %v", res, err)
			}
			if got, status, err := c.get(s, "k"); err != nil || status != api.Status_OK || got != value {
				t.Fatalf("read %q, %v, %v after %q was written", got, status, err, value)
			}
		}
	}
}

// The order of a shard's keys is in the header: the shard map has no place for it.
func TestReadsTellTheOrderOfKeys(t *testing.T) {
	c := startTestCluster(t,
		&api.Namespace{Name: "default", InitialShardCount: 1, ReplicationFactor: 3, KeySorting: "natural"})
	s := c.first()
	shard := s.GetShard()
	stream, err := c.client(s.GetLeader()).List(c.ctx, &api.ListRequest{Shard: &shard})
	if err != nil {
		t.Fatal(err)
	}
	header, err := stream.Header()
	if got := header.Get(api.HeaderKeyOrder); err != nil || len(got) != 1 || got[0] != api.KeySortingNatural {
		t.Errorf("the header says %v, %v", header, err)
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("an empty list ends with %v", err)
	}
}

func TestServerTellsItsStatus(t *testing.T) {
	c := startTestCluster(t)
	s := c.first()
	if _, err := c.write(s, routed(s, "k", "v")); err != nil {
		t.Fatal(err)
	}
	res, err := api.NewOstrakaClient(c.conn(s.GetLeader())).GetServerStatus(c.ctx, &api.GetServerStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.GetReplicas()) != 2 || res.GetDraining() || res.GetServer() == "" {
		t.Errorf("the status is %v", res)
	}
	for _, r := range res.GetReplicas() {
		if r.GetShard() != s.GetShard() {
			continue
		}
		if r.GetRole() != api.ReplicaRole_REPLICA_ROLE_LEADER || !r.GetServing() || r.GetNamespace() != "default" ||
			r.GetAppliedOffset() != 2 || len(r.GetMembers()) != 2 {
			t.Errorf("the leader's replica is %v", r)
		}
	}
}
