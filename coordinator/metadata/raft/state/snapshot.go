package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksumBytes is the length of the checksum before a snapshot's text.
const checksumBytes = 4

// Snapshot returns the whole state, encoded and with a checksum. Equal states have equal
// snapshots.
func (s *State) Snapshot() ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	text := &api.RaftState{Format: formatVersion, Since: s.since}
	for _, key := range slices.Sorted(maps.Keys(s.documents)) {
		d := s.documents[key]
		text.Documents = append(text.Documents, &api.RaftDocument{Key: key, Value: d.Value, Version: d.Version})
	}
	if s.version > 0 {
		text.Lease = EncodeLeaseDocument(s.lease, s.version)
	}
	for _, lane := range s.Lanes() {
		text.Outcomes = append(text.Outcomes, EncodeOutcome(lane, s.outcomes[lane]))
	}
	text.Members = EncodeMembers(s.members)
	encoded, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(make([]byte, checksumBytes), text)
	if err != nil {
		return nil, fmt.Errorf("encode a snapshot: %w", err)
	}
	return withChecksum(encoded), nil
}

// withChecksum writes the checksum of what follows it.
func withChecksum(encoded []byte) []byte {
	binary.LittleEndian.PutUint32(encoded, crc32.Checksum(encoded[checksumBytes:], castagnoli))
	return encoded
}

// DecodeSnapshot returns the state that a snapshot has.
func DecodeSnapshot(encoded []byte) (*State, error) {
	if len(encoded) < checksumBytes || binary.LittleEndian.Uint32(encoded) != crc32.Checksum(encoded[checksumBytes:], castagnoli) {
		return nil, errors.New("read a snapshot: its checksum is wrong; it was damaged on its way")
	}
	text := &api.RaftState{}
	if err := proto.Unmarshal(encoded[checksumBytes:], text); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	if text.Format != formatVersion {
		return nil, fmt.Errorf("read a snapshot of format %d: this release knows %d; use the release that wrote it, or a later one",
			text.Format, formatVersion)
	}
	s := New()
	for _, d := range text.Documents {
		s.Restore(d.Key, metadata.Document{Value: d.Value, Version: d.Version})
	}
	s.RestoreLease(text.Lease)
	for _, o := range text.Outcomes {
		s.RestoreOutcome(o)
	}
	s.members, s.since = MembersOf(text.Members), text.Since
	return s, nil
}

// Restore puts a document into a state that is being read back.
func (s *State) Restore(key string, d metadata.Document) {
	s.bytes += size(key, d.Value)
	if before, twice := s.documents[key]; twice {
		s.bytes -= size(key, before.Value)
	}
	s.documents[key] = d
}

// RestoreLease puts the lease into a state that is being read back.
func (s *State) RestoreLease(l *api.RaftLeaseDocument) {
	s.lease, s.version = leaseOf(l.GetLease()), l.GetVersion()
}

// RestoreOutcome puts an outcome into a state that is being read back.
func (s *State) RestoreOutcome(o *api.RaftOutcome) {
	s.outcomes[Lane{o.Member, o.Lane}] = Outcome{Stamp: Stamp{o.Run, o.Sequence}, Results: o.Results}
}

// EncodeLeaseDocument is the lease as it is kept.
func EncodeLeaseDocument(l metadata.Lease, version int64) *api.RaftLeaseDocument {
	return &api.RaftLeaseDocument{Lease: leaseText(l), Version: version}
}

// EncodeOutcome is an outcome as it is kept.
func EncodeOutcome(lane Lane, o Outcome) *api.RaftOutcome {
	return &api.RaftOutcome{
		Member: lane.Member, Lane: lane.Number, Run: o.Stamp.Run, Sequence: o.Stamp.Sequence, Results: o.Results,
	}
}

// EncodeMembers is who the members are, as it is kept, sorted.
func EncodeMembers(members map[uint64]string) []*api.RaftMember {
	encoded := make([]*api.RaftMember, 0, len(members))
	for _, id := range slices.Sorted(maps.Keys(members)) {
		encoded = append(encoded, &api.RaftMember{Member: id, Address: members[id]})
	}
	return encoded
}

// MembersOf reads who the members are.
func MembersOf(encoded []*api.RaftMember) map[uint64]string {
	members := make(map[uint64]string, len(encoded))
	for _, m := range encoded {
		members[m.GetMember()] = m.GetAddress()
	}
	return members
}
