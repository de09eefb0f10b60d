package maelstrom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"

	"github.com/ostraka-db/ostraka/replication"
)

// wireEnvelope is an envelope as JSON. Its message stays undecoded where it is
// only passed on.
type wireEnvelope struct {
	From        replication.ServerID  `json:"from"`
	To          replication.ServerID  `json:"to"`
	Run         replication.RunID     `json:"run"`
	Shard       replication.ShardID   `json:"shard,omitempty"`
	FromReplica replication.ReplicaID `json:"from_replica,omitempty"`
	ToReplica   replication.ReplicaID `json:"to_replica,omitempty"`
	// Hops is how often it was passed on.
	Hops    int             `json:"hops,omitempty"`
	Kind    string          `json:"kind"`
	Message json.RawMessage `json:"message"`
}

// encode returns an envelope as JSON. The message is the core's own struct, field
// by field, so that no field can be forgotten here.
func encode(e replication.Envelope) (wireEnvelope, error) {
	k, known := kindsByType[reflect.TypeOf(e.Message)]
	if !known {
		return wireEnvelope{}, fmt.Errorf("message of unknown type %T", e.Message)
	}
	message, err := json.Marshal(e.Message)
	if err != nil {
		return wireEnvelope{}, fmt.Errorf("message %s: %w", k.name, err)
	}
	return wireEnvelope{
		From: e.From, To: e.To, Run: e.FromRun, Shard: e.Shard,
		FromReplica: e.FromReplica, ToReplica: e.ToReplica, Kind: k.name, Message: message,
	}, nil
}

// decode returns the envelope, or what is wrong with it.
func (w *wireEnvelope) decode() (replication.Envelope, error) {
	k, known := kindsByName[w.Kind]
	if !known {
		return replication.Envelope{}, fmt.Errorf("message of unknown kind %q", w.Kind)
	}
	if w.From == "" || w.Run == 0 {
		return replication.Envelope{}, fmt.Errorf("message %s without a sender", w.Kind)
	}
	message, err := k.decode(w.Message)
	if err != nil {
		return replication.Envelope{}, fmt.Errorf("message %s: %w", w.Kind, err)
	}
	return replication.Envelope{
		From: w.From, FromRun: w.Run, To: w.To, Shard: w.Shard,
		FromReplica: w.FromReplica, ToReplica: w.ToReplica, Message: message,
	}, nil
}

// decodeStrictly decodes one JSON value that has no field that v does not know.
func decodeStrictly(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value")
	}
	return nil
}
