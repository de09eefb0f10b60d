package kv

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"

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
	value    []byte
}

const (
	recordVersion = 1

	// recordFixedBytes is the length of version, flags and the five numbers.
	recordFixedBytes = 1 + 1 + 8 + 8 + 8 + 8 + 4

	flagIdentity byte = 1 << 0
)

// appendRecord appends the record's stored form to dst.
func appendRecord(dst []byte, r *record) []byte {
	var flags byte
	if r.identity != nil {
		flags |= flagIdentity
	}
	dst = append(dst, recordVersion, flags)
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.versionID))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.modifications))
	dst = binary.BigEndian.AppendUint64(dst, r.created)
	dst = binary.BigEndian.AppendUint64(dst, r.modified)
	dst = binary.BigEndian.AppendUint32(dst, r.hash)
	if r.identity != nil {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(*r.identity)))
		dst = append(dst, *r.identity...)
	}
	return append(dst, r.value...)
}

var (
	errRecordVersion = errors.New("unknown record version")
	errRecordFlags   = errors.New("unknown record flags")
	errRecordShort   = errors.New("record ends too early")
	errRecordText    = errors.New("identity is not UTF-8")
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
	if flags&^flagIdentity != 0 {
		return record{}, errRecordFlags
	}
	r := record{
		versionID:     int64(binary.BigEndian.Uint64(b[2:])),
		modifications: int64(binary.BigEndian.Uint64(b[10:])),
		created:       binary.BigEndian.Uint64(b[18:]),
		modified:      binary.BigEndian.Uint64(b[26:]),
		hash:          binary.BigEndian.Uint32(b[34:]),
	}
	rest := b[recordFixedBytes:]
	if flags&flagIdentity != 0 {
		if len(rest) < 4 {
			return record{}, errRecordShort
		}
		n := binary.BigEndian.Uint32(rest)
		rest = rest[4:]
		if uint64(n) > uint64(len(rest)) {
			return record{}, errRecordShort
		}
		identity := string(rest[:n])
		if !utf8.ValidString(identity) {
			// No request holds such a text, and no answer could.
			return record{}, errRecordText
		}
		r.identity, rest = &identity, rest[n:]
	}
	r.value = rest
	return r, nil
}

// succeed makes r what stands where old stood, rather than a record just created.
func (r *record) succeed(old record) {
	r.modifications = old.modifications + 1
	r.created = old.created
}

// version returns the record's version as clients see it.
func (r *record) version() *api.Version {
	return &api.Version{
		VersionId:          r.versionID,
		ModificationsCount: r.modifications,
		CreatedTimestamp:   r.created,
		ModifiedTimestamp:  r.modified,
		ClientIdentity:     r.identity,
	}
}
