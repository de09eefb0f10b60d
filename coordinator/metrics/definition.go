package metrics

import "github.com/ostraka-db/ostraka/internal/metric"

// The names of all metrics.
const (
	leading          = "ostraka_coordinator_leading"
	configValid      = "ostraka_coordinator_config_valid"
	servers          = "ostraka_coordinator_servers"
	shards           = "ostraka_coordinator_shards"
	shardsLed        = "ostraka_coordinator_shards_led"
	shardsUnsteady   = "ostraka_coordinator_shards_unsteady"
	movesPlanned     = "ostraka_coordinator_moves_planned_total"
	movesEnded       = "ostraka_coordinator_moves_ended_total"
	movesRunning     = "ostraka_coordinator_moves_running"
	unmetWishes      = "ostraka_coordinator_unmet_wishes"
	elections        = "ostraka_coordinator_elections_total"
	electionSeconds  = "ostraka_coordinator_election_duration_seconds"
	documentsStored  = "ostraka_coordinator_documents_stored_total"
	documentsUnknown = "ostraka_coordinator_documents_unknown_total"
	metadataSeconds  = "ostraka_coordinator_metadata_write_duration_seconds"
)

// definitions are all metrics, in the order of the table.
var definitions = metric.Definitions{
	metric.Gauge(leading, "1 while this coordinator leads, 0 otherwise."),
	metric.Gauge(configValid, "1 if the configuration as it was last written is in force, 0 if it is refused."),
	metric.Gauge(servers, "Data servers by state: running, draining, unavailable. Only while this coordinator leads.", "state"),
	metric.Gauge(shards, "Shards of the namespace. Only while this coordinator leads.", "namespace"),
	metric.Gauge(shardsLed, "Shards of the namespace that have a leader. Only while this coordinator leads.", "namespace"),
	metric.Gauge(shardsUnsteady, "Shards that are not as they should be, by the most important reason of each. Only while this coordinator leads.", "reason"),
	metric.Counter(movesPlanned, "Moves of a shard's replicas or leadership that were decided, by what moves and why.", "what", "kind"),
	metric.Counter(movesEnded, "Moves that ended, by what moved, why, and whether that succeeded: done or failed.", "what", "kind", "outcome"),
	metric.Gauge(movesRunning, "Moves that are under way, by what moves and why. Only while this coordinator leads.", "what", "kind"),
	metric.Gauge(unmetWishes, "What the configuration asks for and cannot be at present. Only while this coordinator leads."),
	metric.Counter(elections, "Terms that were claimed, by cause.", "cause"),
	metric.Histogram(electionSeconds, "From the claim of a term until its leader serves, by cause.", "cause"),
	metric.Counter(documentsStored, "Shards' documents that the metadata store was asked to store."),
	metric.Counter(documentsUnknown, "Shards' documents of which it is not known whether they were stored."),
	metric.Histogram(metadataSeconds, "Writes of the metadata store, each of one or more documents."),
}
