package state

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// Made is the result of a change that was made. Of one that was not, the result is the
// version that was stored.
const Made = -1

// overheadBytes is what a document costs beside its key and its value, about.
const overheadBytes = 64

// Outcome is a lane's last command and what came of it.
type Outcome struct {
	Stamp Stamp
	// Results has, for each change in order, Made or the version that was stored.
	Results []int64
}

// State is the state. Make one by New or Decode.
type State struct {
	mu        sync.RWMutex // is held while what follows changes, and while others read
	documents map[string]metadata.Document
	bytes     int64
	lease     metadata.Lease
	version   int64 // the lease's
	outcomes  map[Lane]Outcome
	members   map[uint64]string
	since     uint64
}

// New returns the state before the first command.
func New() *State {
	return &State{documents: map[string]metadata.Document{}, outcomes: map[Lane]Outcome{}, members: map[uint64]string{}}
}

// Effects are what a command changed: the keys of documents, the lease, and whose
// outcome.
type Effects struct {
	Keys  []string
	Lease bool
	// Of is the lane whose outcome changed, if Applied is set; otherwise nothing changed.
	Of      Lane
	Applied bool
}

// Apply applies a command that Decode returned.
func (s *State) Apply(c *api.RaftCommand) Effects {
	s.mu.Lock()
	defer s.mu.Unlock()
	lane, stamp := Lane{c.Member, c.Lane}, Stamp{c.Run, c.Sequence}
	if _, member := s.members[c.Member]; !member || !stamp.After(s.outcomes[lane].Stamp) {
		return Effects{}
	}
	effects := Effects{Of: lane, Applied: true}
	results := make([]int64, 0, len(c.Changes)+1)
	for _, change := range c.Changes {
		result := s.change(change)
		if result == Made {
			effects.Keys = append(effects.Keys, change.Key)
		}
		results = append(results, result)
	}
	if c.Lease != nil {
		result := s.version
		if c.Lease.Version == s.version {
			s.lease, s.version = leaseOf(c.Lease.Lease), s.version+1
			result, effects.Lease = Made, true
		}
		results = append(results, result)
	}
	s.outcomes[lane] = Outcome{Stamp: stamp, Results: results}
	return effects
}

func (s *State) change(c *api.RaftChange) int64 {
	before, there := s.documents[c.Key]
	if before.Version != c.Version {
		return before.Version
	}
	if there {
		s.bytes -= size(c.Key, before.Value)
		delete(s.documents, c.Key)
	}
	if c.Value != nil {
		s.documents[c.Key] = metadata.Document{Value: c.Value, Version: before.Version + 1}
		s.bytes += size(c.Key, c.Value)
	}
	return Made
}

func size(key string, value []byte) int64 { return int64(len(key) + len(value) + overheadBytes) }

// SetMembers says who the members are from an index of the log on, by id, with their
// addresses. What came of commands of those who are none any more is forgotten: the
// lanes are returned.
func (s *State) SetMembers(members map[uint64]string, since uint64) []Lane {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members, s.since = maps.Clone(members), since
	var gone []Lane
	for lane := range s.outcomes {
		if _, stays := members[lane.Member]; !stays {
			gone = append(gone, lane)
			delete(s.outcomes, lane)
		}
	}
	return gone
}

// Members returns who the members are, and since which index of the log.
func (s *State) Members() (members map[uint64]string, since uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.members), s.since
}

// Outcome returns a lane's last outcome. It is not to be changed.
func (s *State) Outcome(lane Lane) Outcome {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.outcomes[lane]
}

// Lease returns the lease, and its version.
func (s *State) Lease() (metadata.Lease, int64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.lease, s.version
}

// Document returns a document; its version is zero if there is none.
func (s *State) Document(key string) metadata.Document {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.documents[key]
}

// Read returns those of the documents that exist. Their values are not to be changed.
func (s *State) Read(keys []string) map[string]metadata.Document {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := make(map[string]metadata.Document, len(keys))
	for _, key := range keys {
		if d, there := s.documents[key]; there {
			found[key] = d
		}
	}
	return found
}

// List returns all documents whose keys begin with a prefix. Their values are not to
// be changed.
func (s *State) List(prefix string) map[string]metadata.Document {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := map[string]metadata.Document{}
	for key, d := range s.documents {
		if strings.HasPrefix(key, prefix) {
			found[key] = d
		}
	}
	return found
}

// Bytes returns how large the documents are together, about.
func (s *State) Bytes() int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.bytes
}

// Replace puts another state in the place of this one; that one is not used any more.
func (s *State) Replace(by *State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.documents, s.bytes = by.documents, by.bytes
	s.lease, s.version = by.lease, by.version
	s.outcomes, s.members, s.since = by.outcomes, by.members, by.since
}

// Lanes returns the lanes with outcomes, sorted. Nobody changes the state meanwhile.
func (s *State) Lanes() []Lane {
	return slices.SortedFunc(maps.Keys(s.outcomes), func(a, b Lane) int {
		if a.Member != b.Member {
			if a.Member < b.Member {
				return -1
			}
			return 1
		}
		return int(a.Number) - int(b.Number)
	})
}
