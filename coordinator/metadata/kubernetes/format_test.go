package kubernetes

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/ostraka-db/ostraka/coordinator/kube/fakeapi"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

// Where a document is never changes: a changed hash would look for all of them elsewhere.
func TestPlacesNeverChange(t *testing.T) {
	for key, want := range map[string][3]int{
		"cluster":     {0, 6, 30},
		"shard/0":     {0, 7, 39},
		"shard/1":     {0, 4, 52},
		"shard/10000": {1, 6, 54},
	} {
		if got := [3]int{Place(key, 3), Place(key, 8), Place(key, 64)}; got != want {
			t.Errorf("%s is in %v of 3, 8 and 64 objects, and was in %v", key, got, want)
		}
	}
	for _, n := range []int{2, 8, 64} {
		counts := make([]int, n)
		for i := range 10000 {
			counts[Place(shards.Key(replication.ShardID(i)), n)]++
		}
		for i, count := range counts {
			if even := 10000 / n; count < even*7/10 || count > even*13/10 {
				t.Errorf("object %d of %d has %d documents", i, n, count)
			}
		}
	}
}

// servers is how many servers a large cluster has.
const servers = 12

func serverName(i int) replication.ServerID {
	return replication.ServerID(fmt.Sprintf("ostraka-%d.ostraka-svc.production.svc.cluster.local:6649", i%servers))
}

// clusterDocument is as the cluster's status has its shards.
func clusterDocument(shards int) []byte {
	text := []byte(`{"cluster":"c","namespaces":[{"name":"default","replicationFactor":3,"shards":[`)
	for id := range shards {
		if id > 0 {
			text = append(text, ',')
		}
		text = fmt.Appendf(text, `{"id":%d,"min":%d,"max":%d,"ensemble":["%s","%s","%s"]}`,
			id, id*429496, id*429496+429495, serverName(id), serverName(id+1), serverName(id+2))
	}
	return append(text, `]}]}`...)
}

func randomID(t *testing.T) uint64 {
	var text [8]byte
	if _, err := rand.Read(text[:]); err != nil {
		t.Fatal(err)
	}
	return binary.BigEndian.Uint64(text[:])
}

// shardDocument is one as an election of a long-lived cluster leaves it.
func shardDocument(t *testing.T, id int) []byte {
	t.Helper()
	var ensemble []replication.DocumentMember
	for i := range 3 {
		ensemble = append(ensemble, replication.DocumentMember{
			Member:      replication.Member{Server: serverName(id + i), Replica: replication.ReplicaID(1 + i)},
			Incarnation: replication.Incarnation(1<<60 + (id+i)%servers),
		})
	}
	value, err := shards.Encode(replication.Document{
		Version: 1, Term: replication.TermID{Term: replication.Term(1000 + id%50), Election: replication.ElectionID(randomID(t))},
		Status: replication.StatusSteady, Leader: ensemble[0].Member, LeaderRun: replication.RunID(randomID(t)), LastReplica: 3, Ensemble: ensemble,
	})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Ten thousand shards take a small part of the room that there is, and their elections
// few writes.
func TestTenThousandShards(t *testing.T) {
	const count = 10000
	s := server(t)
	o := options(s.Client(t))
	o.Objects = DefaultObjects
	p, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	plain := 0
	changes := make([]metadata.Change, count)
	for i := range changes {
		changes[i] = metadata.Change{Key: shards.Key(replication.ShardID(i)), Value: shardDocument(t, i)}
		plain += len(changes[i].Value)
	}
	cluster := metadata.Change{Key: "cluster", Value: clusterDocument(count)}
	plain += len(cluster.Value)
	mustUpdate(t, p, append(changes, cluster)...)
	largest, total := 0, 0
	for _, name := range Names(status, DefaultObjects) {
		c, _ := s.Get("configmaps", fakeapi.Namespace, name).(*corev1.ConfigMap)
		total += dataBytes(c)
		largest = max(largest, dataBytes(c))
	}
	t.Logf("%d documents of %d bytes: %d bytes in %d objects, the largest %d, %d for a document",
		count, plain, total, DefaultObjects, largest, total/count)
	if largest > MaxObjectBytes/2 {
		t.Errorf("the largest object has %d bytes", largest)
	}
	if n := s.Requests("PUT", "configmaps"); n > DefaultObjects {
		t.Errorf("%d writes", n)
	}
}

func FuzzDecode(f *testing.F) {
	whole := &corev1.ConfigMap{}
	if err := (&content{state: packed.New(), header: header{Status: "s", Objects: 1}}).encode(whole); err != nil {
		f.Fatal(err)
	}
	f.Add(whole.Data[plainKey], []byte(nil))
	text, err := compress([]byte(whole.Data[plainKey]))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("", text)
	f.Fuzz(func(t *testing.T, plain string, compressed []byte) {
		c := &corev1.ConfigMap{Data: map[string]string{plainKey: plain}}
		if len(compressed) > 0 {
			c = &corev1.ConfigMap{BinaryData: map[string][]byte{compressedKey: compressed}}
		}
		found, err := decode(c)
		if err != nil {
			return
		}
		again := &corev1.ConfigMap{}
		if err := found.encode(again); err != nil {
			t.Fatal(err)
		}
		if second, err := decode(again); err != nil || second.header != found.header || second.state.Len() != found.state.Len() {
			t.Fatalf("written %v, and read with %v", again, err)
		}
	})
}
