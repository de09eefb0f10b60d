package metrics

import "github.com/ostraka-db/ostraka/internal/metric"

// The names of all metrics.
const (
	buildInfo = "ostraka_build_info"

	stepSeconds     = "ostraka_server_step_duration_seconds"
	requestSeconds  = "ostraka_server_request_duration_seconds"
	syncSeconds     = "ostraka_server_log_sync_duration_seconds"
	applySeconds    = "ostraka_server_apply_duration_seconds"
	appliedEntries  = "ostraka_server_applied_entries_total"
	mailWaiting     = "ostraka_server_mailbox_waiting"
	requestsOpen    = "ostraka_server_requests_open"
	stateWaiting    = "ostraka_server_state_machine_waiting"
	envelopesLost   = "ostraka_server_envelopes_dropped_total"
	leaderships     = "ostraka_server_leaderships"
	reignsBegun     = "ostraka_server_reigns_begun_total"
	reignsEnded     = "ostraka_server_reigns_ended_total"
	ready           = "ostraka_server_ready"
	logBytes        = "ostraka_log_bytes"
	logIndexBytes   = "ostraka_log_index_bytes"
	logSegments     = "ostraka_log_segments"
	callsTotal      = "ostraka_rpc_total"
	callsOpen       = "ostraka_rpc_open"
	callSeconds     = "ostraka_rpc_duration_seconds"
	sessionsOpen    = "ostraka_sessions_open"
	sessionsCreated = "ostraka_sessions_created_total"
	sessionsClosed  = "ostraka_sessions_closed_total"
	sessionsExpired = "ostraka_sessions_expired_total"
	keptAlive       = "ostraka_sessions_kept_alive_total"
	noticesSent     = "ostraka_notification_batches_sent_total"
	noticesLag      = "ostraka_notification_lag_seconds"

	peerEnvelopes = "ostraka_peer_envelopes_total"
	peerBytes     = "ostraka_peer_bytes_total"
	peerDropped   = "ostraka_peer_envelopes_dropped_total"
	peerWaiting   = "ostraka_peer_envelopes_waiting"
	peerLinks     = "ostraka_peer_links"
	peerGone      = "ostraka_peer_gone_total"

	storageBytes       = "ostraka_storage_bytes"
	storageDead        = "ostraka_storage_obsolete_bytes"
	storageLevelTables = "ostraka_storage_level_tables"
	storageLevelBytes  = "ostraka_storage_level_bytes"
	storageReadAmp     = "ostraka_storage_read_amplification"
	storageDebt        = "ostraka_storage_compaction_debt_bytes"
	storageCompactions = "ostraka_storage_compactions_total"
	storageFailures    = "ostraka_storage_compactions_failed_total"
	storageCompacting  = "ostraka_storage_compactions_running"
	storageFlushes     = "ostraka_storage_flushes_total"
	storageWritten     = "ostraka_storage_written_bytes_total"
	storageStalls      = "ostraka_storage_write_stalls_total"
	storageMemTables   = "ostraka_storage_memtable_bytes"
	storageCache       = "ostraka_storage_block_cache_bytes"
	storageCacheAsked  = "ostraka_storage_block_cache_lookups_total"
	storageIterators   = "ostraka_storage_iterators_open"

	replicaRole    = "ostraka_replica_role"
	replicaServing = "ostraka_replica_serving"
	replicaTerm    = "ostraka_replica_term"
	replicaHead    = "ostraka_replica_head_offset"
	replicaCommit  = "ostraka_replica_commit_offset"
	replicaApplied = "ostraka_replica_applied_offset"
	replicaDamaged = "ostraka_replica_damaged"
	memberLag      = "ostraka_replica_member_lag_entries"
)

// definitions are all metrics, in the order of the table.
var definitions = metric.Definitions{
	metric.Gauge(buildInfo, "Always 1; the labels say what runs.", "version", "go_version"),
	metric.Gauge(ready, "1 if clients are served."),
	metric.Gauge(leaderships, "Shards that this server leads and serves."),
	metric.Counter(reignsBegun, "How often this server began to serve as the leader of a shard."),
	metric.Counter(reignsEnded, "How often this server ceased to serve as the leader of a shard."),

	metric.Counter(callsTotal, "Calls of clients that have ended, by their gRPC code.", "method", "code"),
	metric.Gauge(callsOpen, "Calls of clients that are under way; a stream is one call.", "method"),
	metric.Histogram(callSeconds, "How long calls with one answer took.", "method"),
	metric.Histogram(requestSeconds, "From the submission of a write, or of a read's confirmation, to its outcome.", "kind", "outcome"),
	metric.Histogram(stepSeconds, "How long the protocol took for everything that had arrived together."),
	metric.Histogram(syncSeconds, "How long a write and sync of the log took. Its count is that of the syncs."),
	metric.Histogram(applySeconds, "How long the state machine took for a batch of entries of one shard."),
	metric.Counter(appliedEntries, "Entries that were applied."),

	metric.Gauge(mailWaiting, "What the protocol's goroutine has not looked at yet."),
	metric.Gauge(requestsOpen, "Requests of clients without an outcome."),
	metric.Gauge(stateWaiting, "What the state machine was asked and has not begun."),
	metric.Counter(envelopesLost, "Messages of peers that were dropped, because too many waited or the log had no room."),
	metric.Gauge(logBytes, "What the log takes on disk."),
	metric.Gauge(logIndexBytes, "What the log's index takes in memory."),
	metric.Gauge(logSegments, "Files of the log."),

	metric.Gauge(storageBytes, "What the storage engine takes on disk, the log not counted."),
	metric.Gauge(storageDead, "That part of it that is not needed any more and will be deleted; it grows while reads or snapshots hold on to it."),
	metric.Gauge(storageLevelTables, "Tables of the storage engine, by level: from 0, where flushes go, to 6.", "level"),
	metric.Gauge(storageLevelBytes, "Bytes of these tables.", "level"),
	metric.Gauge(storageReadAmp, "How many tables a read may have to look into. It grows where compactions do not keep up."),
	metric.Gauge(storageDebt, "How much is estimated to be left for compactions to do."),
	metric.Counter(storageCompactions, "Compactions that ended."),
	metric.Counter(storageFailures, "Those of them that failed; the log says why."),
	metric.Gauge(storageCompacting, "Compactions that are under way."),
	metric.Counter(storageFlushes, "Flushes of what was applied, from memory to disk."),
	metric.Counter(storageWritten, "Bytes that the storage engine wrote, by flush, compaction or ingestion (of snapshots).", "by"),
	metric.Counter(storageStalls, "How often applying had to wait for flushes or compactions."),
	metric.Gauge(storageMemTables, "Memory that is taken by what is applied and not flushed."),
	metric.Gauge(storageCache, "What the read cache holds."),
	metric.Counter(storageCacheAsked, "Blocks that were looked for in the read cache, by hit or miss.", "outcome"),
	metric.Gauge(storageIterators, "Iterators over tables that are open."),

	metric.Gauge(sessionsOpen, "Sessions of the shards that this server leads."),
	metric.Counter(sessionsCreated, "Sessions that were created here."),
	metric.Counter(sessionsClosed, "Sessions that their clients closed here."),
	metric.Counter(sessionsExpired, "Sessions that nobody kept alive, and that were ended here."),
	metric.Counter(keptAlive, "Heartbeats of sessions that were taken."),
	metric.Counter(noticesSent, "Batches of notifications that were sent to clients."),
	metric.Histogram(noticesLag, "From the commit of a write to the moment at which its notifications were handed to a client's connection."),

	metric.Counter(peerEnvelopes, "Messages between servers, by lane, sent or received.", "lane", "direction"),
	metric.Counter(peerBytes, "Bytes of messages between servers, by lane, sent or received.", "lane", "direction"),
	metric.Counter(peerDropped, "Messages to servers that were dropped: the queue was full, there was no link, or it broke.", "lane", "why"),
	metric.Gauge(peerWaiting, "Messages that wait to be sent to servers.", "lane"),
	metric.Gauge(peerLinks, "Links between this server and others."),
	metric.Counter(peerGone, "How often the last link to a server broke, or a server refused connections."),

	metric.Gauge(replicaRole, "1 for the role that the replica has: fenced, follower or leader.", "namespace", "shard", "role"),
	metric.Gauge(replicaServing, "1 if the replica leads, and reaches a majority.", "namespace", "shard"),
	metric.Gauge(replicaTerm, "The replica's term.", "namespace", "shard"),
	metric.Gauge(replicaHead, "Offset of the last entry in the replica's log.", "namespace", "shard"),
	metric.Gauge(replicaCommit, "Offset up to which the replica knows entries to be committed.", "namespace", "shard"),
	metric.Gauge(replicaApplied, "Offset up to which entries are applied.", "namespace", "shard"),
	metric.Gauge(replicaDamaged, "1 if the replica waits for a snapshot that replaces what its disk lost.", "namespace", "shard"),
	metric.Gauge(memberLag, "Of a leader: how many entries another member has not acknowledged.", "namespace", "shard", "member"),
}
