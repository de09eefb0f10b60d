package shards

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/ostraka-db/ostraka/replication"
)

// KeyPrefix is what the keys of shards' documents begin with.
const KeyPrefix = "shard/"

// Key is the key of a shard's document.
func Key(shard replication.ShardID) string { return fmt.Sprintf("%s%d", KeyPrefix, shard) }

// documentText is a document as it is stored. It names its fields by itself, so that a
// new name in the core changes nothing that is on a disk.
type documentText struct {
	Version     int64        `json:"version"`
	Term        int64        `json:"term"`
	Election    uint64       `json:"election"`
	Status      string       `json:"status"`
	Leader      *memberText  `json:"leader,omitempty"`
	LeaderRun   uint64       `json:"leaderRun,omitempty"`
	Ensemble    []memberText `json:"ensemble"`
	Joining     []memberText `json:"joining,omitempty"`
	Learners    []memberText `json:"learners,omitempty"`
	Removed     []memberText `json:"removed,omitempty"`
	LastReplica int64        `json:"lastReplica"`
	Settings    []byte       `json:"settings,omitempty"`
}

type memberText struct {
	Server      string `json:"server"`
	Replica     int64  `json:"replica"`
	Incarnation uint64 `json:"incarnation,omitempty"`
}

// Encode returns a document as it is stored.
func Encode(d replication.Document) ([]byte, error) {
	text := documentText{
		Version: d.Version, Term: int64(d.Term.Term), Election: uint64(d.Term.Election), Status: d.Status.String(),
		LeaderRun: uint64(d.LeaderRun), LastReplica: int64(d.LastReplica), Settings: d.Settings,
		Ensemble: membersText(d.Ensemble), Joining: membersText(d.Joining),
		Learners: membersText(d.Learners), Removed: membersText(d.Removed),
	}
	if d.Leader != (replication.Member{}) {
		text.Leader = &memberText{Server: string(d.Leader.Server), Replica: int64(d.Leader.Replica)}
	}
	encoded, err := json.Marshal(text)
	if err != nil {
		return nil, fmt.Errorf("encode a shard's document: %w", err)
	}
	return encoded, nil
}

// Decode reads what Encode wrote.
func Decode(encoded []byte) (replication.Document, error) {
	var text documentText
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&text); err != nil {
		return replication.Document{}, fmt.Errorf("decode a shard's document: %w", err)
	}
	d := replication.Document{
		Version:     text.Version,
		Term:        replication.TermID{Term: replication.Term(text.Term), Election: replication.ElectionID(text.Election)},
		LeaderRun:   replication.RunID(text.LeaderRun),
		LastReplica: replication.ReplicaID(text.LastReplica), Settings: text.Settings,
		Ensemble: members(text.Ensemble), Joining: members(text.Joining),
		Learners: members(text.Learners), Removed: members(text.Removed),
	}
	if text.Leader != nil {
		d.Leader = replication.Member{Server: replication.ServerID(text.Leader.Server), Replica: replication.ReplicaID(text.Leader.Replica)}
	}
	for _, status := range []replication.Status{replication.StatusElecting, replication.StatusSteady, replication.StatusDeleted} {
		if text.Status == status.String() {
			d.Status = status
		}
	}
	switch {
	case d.Status == 0:
		return replication.Document{}, fmt.Errorf("decode a shard's document: its status is %q", text.Status)
	case d.Version < 1 || d.Term.Term < 1 || (len(d.Ensemble) == 0) != (d.Status == replication.StatusDeleted):
		return replication.Document{}, fmt.Errorf("decode a shard's document: version %d, term %d, %v, %d members: cannot be",
			d.Version, d.Term.Term, d.Status, len(d.Ensemble))
	case (d.Status == replication.StatusSteady) != (d.Leader.Server != ""):
		return replication.Document{}, fmt.Errorf("decode a shard's document: it is %v, and its leader is %q", d.Status, d.Leader.Server)
	}
	return d, nil
}

func membersText(members []replication.DocumentMember) []memberText {
	var text []memberText
	for _, m := range members {
		text = append(text, memberText{Server: string(m.Server), Replica: int64(m.Replica), Incarnation: uint64(m.Incarnation)})
	}
	return text
}

func members(text []memberText) []replication.DocumentMember {
	var members []replication.DocumentMember
	for _, m := range text {
		members = append(members, replication.DocumentMember{
			Member:      replication.Member{Server: replication.ServerID(m.Server), Replica: replication.ReplicaID(m.Replica)},
			Incarnation: replication.Incarnation(m.Incarnation),
		})
	}
	return members
}
