package metrics

import (
	"fmt"
	"strings"
)

// definition is one metric.
type definition struct {
	name   string
	kind   kind
	labels []string
	help   string
}

type kind string

const (
	counter   kind = "counter"
	gauge     kind = "gauge"
	histogram kind = "histogram"
)

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

	replicaRole    = "ostraka_replica_role"
	replicaServing = "ostraka_replica_serving"
	replicaTerm    = "ostraka_replica_term"
	replicaHead    = "ostraka_replica_head_offset"
	replicaCommit  = "ostraka_replica_commit_offset"
	replicaApplied = "ostraka_replica_applied_offset"
	replicaDamaged = "ostraka_replica_damaged"
	memberLag      = "ostraka_replica_member_lag_entries"
)

var perShard = []string{"namespace", "shard"}

// definitions are all metrics, in the order of the table.
var definitions = []definition{
	{buildInfo, gauge, []string{"version", "go_version"}, "Always 1; the labels say what runs."},
	{ready, gauge, nil, "1 if clients are served."},
	{leaderships, gauge, nil, "Shards that this server leads and serves."},
	{reignsBegun, counter, nil, "How often this server began to serve as the leader of a shard."},
	{reignsEnded, counter, nil, "How often this server ceased to serve as the leader of a shard."},

	{callsTotal, counter, []string{"method", "code"}, "Calls of clients that have ended, by their gRPC code."},
	{callsOpen, gauge, []string{"method"}, "Calls of clients that are under way; a stream is one call."},
	{callSeconds, histogram, []string{"method"}, "How long calls with one answer took."},
	{requestSeconds, histogram, []string{"kind", "outcome"}, "From the submission of a write, or of a read's confirmation, to its outcome."},
	{stepSeconds, histogram, nil, "How long the protocol took for everything that had arrived together."},
	{syncSeconds, histogram, nil, "How long a write and sync of the log took. Its count is that of the syncs."},
	{applySeconds, histogram, nil, "How long the state machine took for a batch of entries of one shard."},
	{appliedEntries, counter, nil, "Entries that were applied."},

	{mailWaiting, gauge, nil, "What the protocol's goroutine has not looked at yet."},
	{requestsOpen, gauge, nil, "Requests of clients without an outcome."},
	{stateWaiting, gauge, nil, "What the state machine was asked and has not begun."},
	{envelopesLost, counter, nil, "Messages of peers that were dropped, because too many waited or the log had no room."},
	{logBytes, gauge, nil, "What the log takes on disk."},
	{logIndexBytes, gauge, nil, "What the log's index takes in memory."},
	{logSegments, gauge, nil, "Files of the log."},

	{sessionsOpen, gauge, nil, "Sessions of the shards that this server leads."},
	{sessionsCreated, counter, nil, "Sessions that were created here."},
	{sessionsClosed, counter, nil, "Sessions that their clients closed here."},
	{sessionsExpired, counter, nil, "Sessions that nobody kept alive, and that were ended here."},
	{keptAlive, counter, nil, "Heartbeats of sessions that were taken."},
	{noticesSent, counter, nil, "Batches of notifications that were sent to clients."},
	{noticesLag, histogram, nil, "From the commit of a write to the moment at which its notifications were handed to a client's connection."},

	{peerEnvelopes, counter, []string{"lane", "direction"}, "Messages between servers, by lane, sent or received."},
	{peerBytes, counter, []string{"lane", "direction"}, "Bytes of messages between servers, by lane, sent or received."},
	{peerDropped, counter, []string{"lane", "why"}, "Messages to servers that were dropped: the queue was full, there was no link, or it broke."},
	{peerWaiting, gauge, []string{"lane"}, "Messages that wait to be sent to servers."},
	{peerLinks, gauge, nil, "Links between this server and others."},
	{peerGone, counter, nil, "How often the last link to a server broke, or a server refused connections."},

	{replicaRole, gauge, append(perShard[:2:2], "role"), "1 for the role that the replica has: fenced, follower or leader."},
	{replicaServing, gauge, perShard, "1 if the replica leads, and reaches a majority."},
	{replicaTerm, gauge, perShard, "The replica's term."},
	{replicaHead, gauge, perShard, "Offset of the last entry in the replica's log."},
	{replicaCommit, gauge, perShard, "Offset up to which the replica knows entries to be committed."},
	{replicaApplied, gauge, perShard, "Offset up to which entries are applied."},
	{replicaDamaged, gauge, perShard, "1 if the replica waits for a snapshot that replaces what its disk lost."},
	{memberLag, gauge, append(perShard[:2:2], "member"), "Of a leader: how many entries another member has not acknowledged."},
}

// definitionOf returns a metric's definition.
func definitionOf(name string) definition {
	for _, d := range definitions {
		if d.name == name {
			return d
		}
	}
	panic("metrics: " + name + " is not defined")
}

// Table returns the table of all metrics, as the documentation has it.
func Table() string {
	var b strings.Builder
	b.WriteString("| Metric | Type | Labels | What it tells |\n|---|---|---|---|\n")
	for _, d := range definitions {
		labels := strings.Join(d.labels, ", ")
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.name, d.kind, labels, d.help)
	}
	return b.String()
}
