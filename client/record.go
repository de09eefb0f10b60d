package client

import (
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/api"
)

// NoVersion is the expected version that asks that there be no record.
const NoVersion = api.NoVersion

// Version is what is known of a record besides its key and value.
type Version struct {
	// ID grows with every put in the record's shard. It is a fencing token for what the
	// record stands for.
	ID int64
	// Modifications is how often the record was overwritten since it was created.
	Modifications int64
	// Created and Modified are by the clock of the leader that took the write, to the
	// millisecond.
	Created, Modified time.Time
	// Ephemeral records live as long as their session, which Session names.
	Ephemeral bool
	Session   int64
	// Identity is what the writer called itself, empty if nothing.
	Identity string
}

// Record is a record as a read found it.
type Record struct {
	Key string
	// Value is nil if it was not asked for, and empty, not nil, if it is empty.
	Value   []byte
	Version Version
	// SecondaryKey is the key under which the record was found, of a read by index.
	SecondaryKey string
}

func readVersion(v *api.Version) Version {
	return Version{
		ID:            v.GetVersionId(),
		Modifications: v.GetModificationsCount(),
		Created:       time.UnixMilli(int64(v.GetCreatedTimestamp())),
		Modified:      time.UnixMilli(int64(v.GetModifiedTimestamp())),
		Ephemeral:     v != nil && v.SessionId != nil,
		Session:       v.GetSessionId(),
		Identity:      v.GetClientIdentity(),
	}
}

// readRecord makes a record of an answer. asked is the key that the question was about,
// which the answer leaves out where it is the record's.
func readRecord(res *api.GetResponse, asked string) Record {
	r := Record{Key: asked, Value: res.Value, Version: readVersion(res.GetVersion()), SecondaryKey: res.GetSecondaryIndexKey()}
	if res.Key != nil {
		r.Key = res.GetKey()
	}
	return r
}

// statusError returns what the status of an operation means.
func statusError(status api.Status) error {
	switch status {
	case api.Status_OK:
		return nil
	case api.Status_KEY_NOT_FOUND:
		return ErrKeyNotFound
	case api.Status_UNEXPECTED_VERSION_ID:
		return ErrUnexpectedVersion
	case api.Status_SESSION_DOES_NOT_EXIST:
		return ErrSessionNotFound
	}
	return fmt.Errorf("the server answered with status %d, which this client does not know; upgrade the client", status)
}
