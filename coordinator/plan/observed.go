package plan

import (
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// Observed is what a cluster is, as far as a coordinator knows.
type Observed struct {
	// Now is the time. Nothing here reads a clock.
	Now time.Time
	// Began is since when the coordinator has looked: what it tells no moment of has been
	// so since then. It is Now if zero.
	Began  time.Time
	Status Status
	// Shards are those of the status, also those that are being deleted. One that is not
	// here has no document yet.
	Shards map[replication.ShardID]ShardFacts
	// Servers are those of the status. One that is not here was not heard.
	Servers map[replication.ServerID]ServerFacts
	// Transfers are the last of each shard that this coordinator enacted, or was ordered to.
	// They may be forgotten after Options.Quarantine.
	Transfers map[replication.ShardID]Transfer
	// Options are DefaultOptions if nil.
	Options *Options
}

// ShardFacts is what is known of a shard.
type ShardFacts struct {
	// Document is the newest that is known to be stored; nil if there is none. It is not
	// changed.
	Document *replication.Document
	// Leader is who leads now; empty while nobody is known to.
	Leader replication.ServerID
	// Load is what it costs: zero while that is not known.
	Load Load
	// Unfit are members that are not to lead at present: they are damaged, or far behind.
	Unfit []replication.ServerID
	// Progress is when the change of the ensemble that is under way was last seen to get on: its
	// document changed, or a replica that is to join received something. It may be zero.
	Progress time.Time
}

// Load is what a shard costs those that have it.
type Load struct {
	// Bytes are what one replica takes on its disk.
	Bytes int64
	// Writes and Reads are those of a second. All replicas carry the writes, the leader
	// the reads.
	Writes, Reads float64
}

// ServerFacts is what is known of a server.
type ServerFacts struct {
	// Reachable says that it is heard.
	Reachable bool
	// Since is from when on that has been as it is; zero if since Observed.Began.
	Since time.Time
	// Stopping says that its process is about to end, and hands over what it leads.
	Stopping bool
}

// Transfer is a leadership that was to move.
type Transfer struct {
	// To is the server that was to lead.
	To replication.ServerID
	// At is when it was enacted.
	At time.Time
}
