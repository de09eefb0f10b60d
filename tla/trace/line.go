package trace

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// Line is one line of a trace: a step, or the beginning of a run.
type Line struct {
	// Time orders the lines of several writers. Its unit is theirs.
	Time   int64
	Server replication.ServerID
	Run    replication.RunID
	Shard  replication.ShardID
	// Opened is set in the first line of a run, and nothing below is set then.
	Opened *Opened
	// Event is what was stepped with; Effects and the state after it are as in
	// replication.TraceStep.
	Event    replication.Event
	Effects  replication.Effects
	Replica  *replication.ReplicaState
	Election *replication.ElectionState
}

// Opened is what a run found on its disk, settled; Replica is zero where it found
// no replica.
type Opened struct {
	Replica replication.ReplicaID
	Term    replication.TermID
	Base    replication.EntryID
	Head    replication.EntryID
	Applied replication.EntryID
	// Deleted says that the replica was removed for good.
	Deleted bool
}

// NewOpened tells what was recovered.
func NewOpened(found replication.Recovered) Opened {
	return Opened{
		Replica: found.Record.Replica, Term: found.Record.Term,
		Base: found.History.Base(), Head: found.History.Head(), Applied: found.Applied,
		Deleted: found.Record.Deleted,
	}
}

// wireLine is a Line as JSON knows it: interfaces are tagged with their type.
type wireLine struct {
	Time     int64
	Server   replication.ServerID
	Run      replication.RunID
	Shard    replication.ShardID
	Opened   *Opened                    `json:",omitempty"`
	Event    *tagged                    `json:",omitempty"`
	Effects  *wireEffects               `json:",omitempty"`
	Replica  *replication.ReplicaState  `json:",omitempty"`
	Election *replication.ElectionState `json:",omitempty"`
}

// tagged is a value with the name of its type.
type tagged struct {
	Kind  string
	Value json.RawMessage
}

// wireEnvelope, wireReceive and wireEffects stand for the types of package
// replication that hold messages.
type wireEnvelope struct {
	From        replication.ServerID
	FromRun     replication.RunID
	To          replication.ServerID
	Shard       replication.ShardID
	FromReplica replication.ReplicaID
	ToReplica   replication.ReplicaID
	Message     tagged
}

type wireReceive struct {
	Envelope wireEnvelope
	Heard    time.Duration
}

type wireEffects struct {
	Messages []wireEnvelope             `json:",omitempty"`
	Log      []replication.LogOp        `json:",omitempty"`
	Reads    []replication.LogRead      `json:",omitempty"`
	Apply    []replication.Entry        `json:",omitempty"`
	Exports  []replication.ExportAsk    `json:",omitempty"`
	Import   *replication.SnapshotPart  `json:",omitempty"`
	Delete   bool                       `json:",omitempty"`
	Outcomes []replication.TokenOutcome `json:",omitempty"`
	Load     bool                       `json:",omitempty"`
	Store    *replication.Document      `json:",omitempty"`
	Learned  *replication.Document      `json:",omitempty"`
}

// kinds are all events and messages, by the names of their types.
var kinds = byName(
	replication.Create{}, replication.Delete{}, replication.Tick{}, replication.PeerHeard{}, replication.PeerSilent{}, replication.PeerDied{},
	replication.StepAside{}, replication.LogDone{}, replication.EntriesRead{}, replication.Applied{}, replication.Exported{},
	replication.Imported{}, replication.Trim{}, replication.Deleted{}, replication.Propose{}, replication.ReadIndex{},
	replication.ChangeEnsemble{}, replication.ChangeSettings{}, replication.Transfer{}, replication.EndShard{}, replication.Recover{}, replication.PeerRemoved{}, replication.TermSeen{}, replication.DocumentLoaded{}, replication.DocumentStored{},

	replication.Probe{}, replication.ProbeReply{}, replication.AskElection{}, replication.NewTerm{}, replication.NewTermReply{},
	replication.BecomeLeader{}, replication.BecomeLeaderReply{}, replication.AddFollower{}, replication.Assign{},
	replication.Append{}, replication.Ack{}, replication.Mismatch{}, replication.HigherTerm{}, replication.Confirm{},
	replication.Confirmed{}, replication.Forward{}, replication.ForwardReply{}, replication.CompleteChange{},
	replication.ChangeCompleted{}, replication.CreateReplica{}, replication.ReplicaCreated{}, replication.DeleteReplica{},
	replication.ReplicaDeleted{}, replication.NotMember{}, replication.SnapshotChunk{}, replication.SnapshotAck{},
	replication.Beat{},
)

func byName(values ...any) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, v := range values {
		types[reflect.TypeOf(v).Name()] = reflect.TypeOf(v)
	}
	return types
}

func tag(v any) (tagged, error) {
	value, err := json.Marshal(v)
	return tagged{Kind: reflect.TypeOf(v).Name(), Value: value}, err
}

func (t tagged) untag() (any, error) {
	kind, known := kinds[t.Kind]
	if !known {
		return nil, fmt.Errorf("trace: no event or message is called %q", t.Kind)
	}
	v := reflect.New(kind)
	if err := json.Unmarshal(t.Value, v.Interface()); err != nil {
		return nil, fmt.Errorf("trace: decode a %s: %w", t.Kind, err)
	}
	return v.Elem().Interface(), nil
}

func wrapEnvelope(e replication.Envelope) (wireEnvelope, error) {
	m, err := tag(e.Message)
	return wireEnvelope{e.From, e.FromRun, e.To, e.Shard, e.FromReplica, e.ToReplica, m}, err
}

func (w wireEnvelope) unwrap() (replication.Envelope, error) {
	v, err := w.Message.untag()
	if err != nil {
		return replication.Envelope{}, err
	}
	m, ok := v.(replication.Message)
	if !ok {
		return replication.Envelope{}, fmt.Errorf("trace: a %s is no message", w.Message.Kind)
	}
	return replication.Envelope{
		From: w.From, FromRun: w.FromRun, To: w.To, Shard: w.Shard,
		FromReplica: w.FromReplica, ToReplica: w.ToReplica, Message: m,
	}, nil
}

// MarshalJSON implements json.Marshaler.
func (l Line) MarshalJSON() ([]byte, error) {
	w := wireLine{Time: l.Time, Server: l.Server, Run: l.Run, Shard: l.Shard, Opened: l.Opened, Replica: l.Replica, Election: l.Election}
	if l.Opened != nil {
		return json.Marshal(w)
	}
	event, err := wrapEvent(l.Event)
	if err != nil {
		return nil, err
	}
	e := &l.Effects
	effects := &wireEffects{
		Log: e.Log, Reads: e.Reads, Apply: e.Apply, Exports: e.Exports, Import: e.Import, Delete: e.Delete,
		Outcomes: e.Outcomes, Load: e.Load, Store: e.Store, Learned: e.Learned,
	}
	for _, m := range e.Messages {
		wrapped, err := wrapEnvelope(m)
		if err != nil {
			return nil, err
		}
		effects.Messages = append(effects.Messages, wrapped)
	}
	w.Event, w.Effects = &event, effects
	return json.Marshal(w)
}

func wrapEvent(event replication.Event) (tagged, error) {
	receive, ok := event.(replication.Receive)
	if !ok {
		return tag(event)
	}
	envelope, err := wrapEnvelope(receive.Envelope)
	if err != nil {
		return tagged{}, err
	}
	value, err := json.Marshal(wireReceive{Envelope: envelope, Heard: receive.Heard})
	return tagged{Kind: "Receive", Value: value}, err
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *Line) UnmarshalJSON(data []byte) error {
	var w wireLine
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*l = Line{Time: w.Time, Server: w.Server, Run: w.Run, Shard: w.Shard, Opened: w.Opened, Replica: w.Replica, Election: w.Election}
	if w.Opened != nil {
		return nil
	}
	if w.Event == nil || w.Effects == nil || (w.Replica == nil) == (w.Election == nil) {
		return fmt.Errorf("trace: a line is neither a step of a replica, nor of an election, nor the beginning of a run")
	}
	var err error
	if l.Event, err = unwrapEvent(*w.Event); err != nil {
		return err
	}
	e := w.Effects
	l.Effects = replication.Effects{
		Log: e.Log, Reads: e.Reads, Apply: e.Apply, Exports: e.Exports, Import: e.Import, Delete: e.Delete,
		Outcomes: e.Outcomes, Load: e.Load, Store: e.Store, Learned: e.Learned,
	}
	for _, wrapped := range e.Messages {
		m, err := wrapped.unwrap()
		if err != nil {
			return err
		}
		l.Effects.Messages = append(l.Effects.Messages, m)
	}
	return nil
}

func unwrapEvent(t tagged) (replication.Event, error) {
	if t.Kind == "Receive" {
		var w wireReceive
		if err := json.Unmarshal(t.Value, &w); err != nil {
			return nil, err
		}
		envelope, err := w.Envelope.unwrap()
		return replication.Receive{Envelope: envelope, Heard: w.Heard}, err
	}
	v, err := t.untag()
	if err != nil {
		return nil, err
	}
	event, ok := v.(replication.Event)
	if !ok {
		return nil, fmt.Errorf("trace: a %s is no event", t.Kind)
	}
	return event, nil
}
