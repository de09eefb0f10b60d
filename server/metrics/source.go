package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ostraka-db/ostraka/internal/metric"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	peer "github.com/ostraka-db/ostraka/replication/grpc"
	"github.com/ostraka-db/ostraka/server/host"
	"github.com/ostraka-db/ostraka/wal"
)

// Source is what is looked up at each scrape.
type Source interface {
	// Running returns what there is once the server knows its name; false before.
	Running() (Running, bool)
	// Ready says whether clients are served; nil if they are.
	Ready() error
	// Sessions counts the sessions of the shards led here.
	Sessions() int
	// Leaderships counts the shards led and served here.
	Leaderships() int
}

// Running is what runs the replicas, at one moment.
type Running struct {
	Queues   host.Queues
	Peers    peer.Stats
	Log      wal.Usage
	Storage  kv.Usage
	Replicas []Replica
}

// Replica is one of them.
type Replica struct {
	Namespace string
	Shard     replication.ShardID
	State     replication.ReplicaState
}

// Watch makes the metrics tell of a source. It is called once.
func (m *Metrics) Watch(s Source) {
	m.registry.MustRegister(newWatch(s))
}

// watch collects what is looked up.
type watch struct {
	source Source
	by     map[string]described
}

type described struct {
	desc *prometheus.Desc
	kind prometheus.ValueType
}

func newWatch(s Source) *watch {
	w := &watch{source: s, by: map[string]described{}}
	for _, name := range looked {
		d := definitions.Of(name)
		kind := prometheus.GaugeValue
		if d.Kind == metric.KindCounter {
			kind = prometheus.CounterValue
		}
		w.by[name] = described{prometheus.NewDesc(d.Name, d.Help, d.Labels, nil), kind}
	}
	return w
}

// looked are the metrics of a watch.
var looked = []string{
	ready, leaderships, sessionsOpen, mailWaiting, requestsOpen, stateWaiting, envelopesLost,
	logBytes, logIndexBytes, logSegments, peerEnvelopes, peerBytes, peerDropped, peerWaiting, peerLinks, peerGone,
	storageBytes, storageDead, storageLevelTables, storageLevelBytes, storageReadAmp, storageDebt, storageCompactions,
	storageFailures, storageCompacting, storageFlushes, storageWritten, storageStalls, storageMemTables, storageCache,
	storageCacheAsked, storageIterators,
	replicaRole, replicaServing, replicaTerm, replicaHead, replicaCommit, replicaApplied, replicaDamaged, memberLag,
}

// Describe implements prometheus.Collector.
func (w *watch) Describe(to chan<- *prometheus.Desc) {
	for _, name := range looked {
		to <- w.by[name].desc
	}
}

// Collect implements prometheus.Collector.
func (w *watch) Collect(to chan<- prometheus.Metric) {
	tell := teller{w, to}
	tell.value(ready, boolean(w.source.Ready() == nil))
	tell.value(leaderships, float64(w.source.Leaderships()))
	tell.value(sessionsOpen, float64(w.source.Sessions()))
	r, running := w.source.Running()
	if !running {
		return
	}
	tell.value(mailWaiting, float64(r.Queues.Mail))
	tell.value(requestsOpen, float64(r.Queues.Calls))
	tell.value(stateWaiting, float64(r.Queues.State))
	tell.value(envelopesLost, float64(r.Queues.Dropped))
	tell.value(logBytes, float64(r.Log.Bytes))
	tell.value(logIndexBytes, float64(r.Log.IndexBytes))
	tell.value(logSegments, float64(len(r.Log.Segments)))
	tell.storage(&r.Storage)
	tell.peers(&r.Peers)
	for i := range r.Replicas {
		tell.replica(&r.Replicas[i])
	}
}

// teller sends metrics.
type teller struct {
	*watch
	to chan<- prometheus.Metric
}

func (t teller) value(name string, v float64, labels ...string) {
	is := t.by[name]
	t.to <- prometheus.MustNewConstMetric(is.desc, is.kind, v, labels...)
}

func (t teller) storage(u *kv.Usage) {
	t.value(storageBytes, float64(u.Bytes))
	t.value(storageDead, float64(u.ObsoleteBytes))
	for i, level := range u.Levels {
		t.value(storageLevelTables, float64(level.Tables), strconv.Itoa(i))
		t.value(storageLevelBytes, float64(level.Bytes), strconv.Itoa(i))
	}
	t.value(storageReadAmp, float64(u.ReadAmplification))
	t.value(storageDebt, float64(u.CompactionDebt))
	t.value(storageCompactions, float64(u.Compactions))
	t.value(storageFailures, float64(u.CompactionsFailed))
	t.value(storageCompacting, float64(u.CompactionsRunning))
	t.value(storageFlushes, float64(u.Flushes))
	t.value(storageWritten, float64(u.FlushedBytes), "flush")
	t.value(storageWritten, float64(u.CompactedBytes), "compaction")
	t.value(storageWritten, float64(u.IngestedBytes), "ingestion")
	t.value(storageStalls, float64(u.WriteStalls))
	t.value(storageMemTables, float64(u.MemTableBytes))
	t.value(storageCache, float64(u.CacheBytes))
	t.value(storageCacheAsked, float64(u.CacheHits), "hit")
	t.value(storageCacheAsked, float64(u.CacheMisses), "miss")
	t.value(storageIterators, float64(u.Iterators))
}

func (t teller) peers(s *peer.Stats) {
	t.value(peerLinks, float64(s.Links))
	t.value(peerGone, float64(s.Gone))
	for _, lane := range []struct {
		name string
		of   *peer.LaneStats
	}{{"control", &s.Control}, {"data", &s.Data}, {"snapshots", &s.Snapshots}} {
		t.value(peerEnvelopes, float64(lane.of.Sent), lane.name, "sent")
		t.value(peerEnvelopes, float64(lane.of.Received), lane.name, "received")
		t.value(peerBytes, float64(lane.of.SentBytes), lane.name, "sent")
		t.value(peerBytes, float64(lane.of.ReceivedBytes), lane.name, "received")
		t.value(peerDropped, float64(lane.of.DroppedFull), lane.name, "full")
		t.value(peerDropped, float64(lane.of.DroppedUnlinked), lane.name, "unlinked")
		t.value(peerDropped, float64(lane.of.DroppedInvalid), lane.name, "invalid")
		t.value(peerDropped, float64(lane.of.Lost), lane.name, "lost")
		t.value(peerWaiting, float64(lane.of.Waiting), lane.name)
	}
}

func (t teller) replica(r *Replica) {
	s, labels := &r.State, []string{r.Namespace, strconv.FormatInt(int64(r.Shard), 10)}
	t.value(replicaRole, 1, labels[0], labels[1], s.Role.String())
	t.value(replicaServing, boolean(s.Serving), labels...)
	t.value(replicaTerm, float64(s.Term.Term), labels...)
	t.value(replicaHead, float64(s.Head.Offset), labels...)
	t.value(replicaCommit, float64(s.Commit), labels...)
	t.value(replicaApplied, float64(s.Applied), labels...)
	t.value(replicaDamaged, boolean(s.Needs != 0), labels...)
	if s.Leading == nil {
		return
	}
	for _, f := range s.Leading.Followers {
		t.value(memberLag, float64(s.Head.Offset-f.Match), labels[0], labels[1], string(f.Member.Server))
	}
}

func boolean(is bool) float64 {
	if is {
		return 1
	}
	return 0
}
