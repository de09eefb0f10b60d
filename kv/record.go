package kv

import (
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/api"
)

// NoVersion is the expected version id that means "there is no record".
const NoVersion = -1

// record is the value of a row in the records span.
type record struct {
	versionID     int64
	modifications int64
	// created and modified are timestamps of entries, in milliseconds.
	created, modified uint64
	// hash is the routing hash that the record was put under. It is kept because
	// it does not follow from the key when there was a partition key, and a shard
	// that is split must know on which side each record belongs.
	hash uint32
	// identity is what the writer called itself; nil if it did not.
	identity *string
	// session is the one that the record goes with; nil if it stays.
	session *int64
	// indexes are the record's entries in secondary indexes, ascending, each once.
	indexes []indexEntry
	value   []byte
}

// indexEntry is a place in a secondary index.
type indexEntry struct {
	index, key string
}

func (e indexEntry) compare(other indexEntry) int {
	return cmp.Or(strings.Compare(e.index, other.index), strings.Compare(e.key, other.key))
}

const (
	recordVersion = 1

	// recordFixedBytes is the length of version, flags and the five numbers.
	recordFixedBytes = 1 + 1 + 8 + 8 + 8 + 8 + 4

	flagIdentity byte = 1 << 0
	flagSession  byte = 1 << 1
	flagIndexes  byte = 1 << 2
)

// appendRecord appends the record's stored form to dst.
func appendRecord(dst []byte, r *record) []byte {
	var flags byte
	if r.identity != nil {
		flags |= flagIdentity
	}
	if r.session != nil {
		flags |= flagSession
	}
	if len(r.indexes) > 0 {
		flags |= flagIndexes
	}
	dst = append(dst, recordVersion, flags)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.versionID))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.modifications))
	dst = binary.BigEndian.AppendUint64(dst, r.created)
	dst = binary.BigEndian.AppendUint64(dst, r.modified)
	dst = binary.BigEndian.AppendUint32(dst, r.hash)
	if r.identity != nil {
		dst = appendText(dst, *r.identity)
	}
	if r.session != nil {
		dst = binary.BigEndian.AppendUint64(dst, uint64(*r.session))
	}
	if len(r.indexes) > 0 {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(r.indexes)))
		for _, e := range r.indexes {
			dst = appendText(appendText(dst, e.index), e.key)
		}
	}
	return append(dst, r.value...)
}

var (
	errRecordVersion = errors.New("unknown record version")
	errRecordFlags   = errors.New("unknown record flags")
	errRecordShort   = errors.New("record ends too early")
	errRecordText    = errors.New("text is not UTF-8")
	errRecordIndexes = errors.New("entries of indexes that are not ascending")
)

// decodeRecord reads what appendRecord wrote. The value is a part of b, not a
// copy. Every byte string has at most one reading, and decodes to a record that
// encodes to it again.
func decodeRecord(b []byte) (record, error) {
	if len(b) < recordFixedBytes {
		return record{}, errRecordShort
	}
	if b[0] != recordVersion {
		return record{}, errRecordVersion
	}
	flags := b[1]
	if flags&^(flagIdentity|flagSession|flagIndexes) != 0 {
		return record{}, errRecordFlags
	}
	r := record{
		versionID:     int64(binary.BigEndian.Uint64(b[2:])),
		modifications: int64(binary.BigEndian.Uint64(b[10:])),
		created:       binary.BigEndian.Uint64(b[18:]),
		modified:      binary.BigEndian.Uint64(b[26:]),
		hash:          binary.BigEndian.Uint32(b[34:]),
	}
	rest := fields{rest: b[recordFixedBytes:]}
	if flags&flagIdentity != 0 {
		identity := rest.text()
		r.identity = &identity
	}
	if flags&flagSession != 0 {
		session := int64(rest.uint64())
		r.session = &session
	}
	if flags&flagIndexes != 0 {
		r.indexes = rest.indexEntries()
	}
	r.value = rest.rest
	return r, rest.err
}

// succeed makes r what stands where old stood, rather than a record just created.
func (r *record) succeed(old *record) {
	r.modifications = old.modifications + 1
	r.created = old.created
}

// override gives r the numbers that a put brings from elsewhere.
func (r *record) override(req *api.PutRequest) {
	if req.OverrideVersionId != nil {
		r.versionID = req.GetOverrideVersionId()
	}
	if req.OverrideModificationsCount != nil {
		r.modifications = req.GetOverrideModificationsCount()
	}
}

// version returns the record's version as clients see it.
func (r *record) version() *api.Version {
	return &api.Version{
		VersionId:          r.versionID,
		ModificationsCount: r.modifications,
		CreatedTimestamp:   r.created,
		ModifiedTimestamp:  r.modified,
		SessionId:          r.session,
		ClientIdentity:     r.identity,
	}
}

// attached reports whether there are rows beside the record that go with it: in
// indexes, or with its session. No record has none.
func (r *record) attached() bool {
	return r != nil && (r.session != nil || len(r.indexes) > 0)
}

// isIn reports whether the record has an entry of an index.
func (r *record) isIn(e indexEntry) bool {
	if r == nil {
		return false
	}
	_, found := slices.BinarySearchFunc(r.indexes, e, indexEntry.compare)
	return found
}

// livesWith reports whether the record goes with a session.
func (r *record) livesWith(session int64) bool {
	return r != nil && r.session != nil && *r.session == session
}
