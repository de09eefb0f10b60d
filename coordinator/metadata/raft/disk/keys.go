package disk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/raft/state"
)

// The first byte of a key says what it is the key of.
const (
	kindApplied   = 'a' // api.RaftApplied
	kindDocument  = 'd' // and the document's key: its version as 8 bytes, its value
	kindEntry     = 'e' // and the index as 8 bytes, big-endian: the library's entry
	kindHardState = 'h' // the library's hard state
	kindIdentity  = 'i' // api.RaftIdentity
	kindLease     = 'l' // api.RaftLeaseDocument
	kindOutcome   = 'o' // and the member's id and the lane: api.RaftOutcome
)

// Row is one key of the state's and its value; without a value the key is deleted.
type Row struct{ key, value []byte }

func entryKey(index uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kindEntry}, index)
}

// span are all keys of a kind.
func span(kind byte) (from, to []byte) { return []byte{kind}, []byte{kind + 1} }

// versionBytes is the length of a document's version before its value.
const versionBytes = 8

// DocumentRow is a document's; a version of zero says that there is none.
func DocumentRow(key string, d metadata.Document) Row {
	row := Row{key: append([]byte{kindDocument}, key...)}
	if d.Version != 0 {
		row.value = append(binary.BigEndian.AppendUint64(make([]byte, 0, versionBytes+len(d.Value)), uint64(d.Version)), d.Value...)
	}
	return row
}

func documentOf(value []byte) (metadata.Document, error) {
	if len(value) <= versionBytes {
		return metadata.Document{}, errors.New("it is too short")
	}
	return metadata.Document{
		Version: int64(binary.BigEndian.Uint64(value)), Value: append([]byte{}, value[versionBytes:]...),
	}, nil
}

// LeaseRow is the lease's.
func LeaseRow(l metadata.Lease, version int64) (Row, error) {
	return encodedRow([]byte{kindLease}, state.EncodeLeaseDocument(l, version))
}

func outcomeKey(lane state.Lane) []byte {
	key := binary.BigEndian.AppendUint64([]byte{kindOutcome}, lane.Member)
	return binary.BigEndian.AppendUint32(key, lane.Number)
}

// OutcomeRow is that of a lane's last outcome.
func OutcomeRow(lane state.Lane, o state.Outcome) (Row, error) {
	return encodedRow(outcomeKey(lane), state.EncodeOutcome(lane, o))
}

// NoOutcomeRow is that of a lane that is forgotten.
func NoOutcomeRow(lane state.Lane) Row { return Row{key: outcomeKey(lane)} }

func encodedRow(key []byte, m proto.Message) (Row, error) {
	value, err := proto.Marshal(m)
	if err != nil {
		return Row{}, fmt.Errorf("encode what the directory keeps under %q: %w", key, err)
	}
	return Row{key: key, value: value}, nil
}
