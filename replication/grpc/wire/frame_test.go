package wire

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/replicationtest/conformance"
)

var testLink = Link{From: "s1", FromRun: 7, To: "s2"}

// anyEnvelopes draws envelopes of every type of message.
func anyEnvelopes(t *rapid.T) []replication.Envelope {
	kind := rapid.SampledFrom(conformance.Messages())
	envelopes := make([]replication.Envelope, rapid.IntRange(1, 4).Draw(t, "envelopes"))
	for i := range envelopes {
		envelopes[i] = conformance.Envelope("s1", "s2", 7, kind.Draw(t, "kind")).Draw(t, "envelope")
	}
	return envelopes
}

func write(t interface{ Fatal(...any) }, envelopes ...replication.Envelope) []byte {
	var frame []byte
	for i := range envelopes {
		size, err := Size(&envelopes[i])
		if err != nil {
			t.Fatal(err)
		}
		before := len(frame)
		if frame = Append(frame, &envelopes[i]); len(frame) != before+size {
			t.Fatal("an envelope of", len(frame)-before, "bytes is said to have", size)
		}
	}
	return frame
}

func TestEveryMessageIsReadAsItWasWritten(t *testing.T) {
	for _, zero := range conformance.Messages() {
		t.Run(reflect.TypeOf(zero).Name(), rapid.MakeCheck(func(t *rapid.T) {
			sent := conformance.Envelope("s1", "s2", 7, zero).Draw(t, "envelope")
			got, err := Read(write(t, sent), testLink)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Envelopes) != 1 || !reflect.DeepEqual(got.Envelopes[0], sent) {
				t.Fatalf("sent %+v, got %+v", sent, got)
			}
		}))
	}
}

// What was read is the reader's alone: the bytes may be used for the next frame.
func TestFramesKeepTheirOrderAndNoBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sent := anyEnvelopes(t)
		frame := write(t, sent...)
		got, err := Read(frame, testLink)
		if err != nil {
			t.Fatal(err)
		}
		for i := range frame {
			frame[i] = 0xff
		}
		if !reflect.DeepEqual(got.Envelopes, sent) {
			t.Fatalf("sent %+v, got %+v", sent, got)
		}
	})
}

// The .proto is the contract, and the generated code what keeps to it: it must find
// nothing in our bytes that it does not know, and write the very same.
func TestBytesAreThoseOfTheGeneratedCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		frame := write(t, anyEnvelopes(t)...)
		var generated api.PeerFrame
		if err := proto.Unmarshal(frame, &generated); err != nil {
			t.Fatal(err)
		}
		noUnknown(t, generated.ProtoReflect())
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(&generated)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again, frame) {
			t.Fatalf("%x\nis written by the generated code as\n%x", frame, again)
		}
	})
}

func noUnknown(t *rapid.T, m protoreflect.Message) {
	if len(m.GetUnknown()) > 0 {
		t.Fatalf("%s has unknown fields %x", m.Descriptor().Name(), m.GetUnknown())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				noUnknown(t, v.List().Get(i).Message())
			}
		default:
			noUnknown(t, v.Message())
		}
		return true
	})
}

// envelopeOf is a frame of one envelope with one message of those fields.
func envelopeOf(num fieldNumber, message []byte) []byte {
	body := protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), message)
	return protowire.AppendBytes(protowire.AppendTag(nil, numEnvelopes, protowire.BytesType), body)
}

func varintField(num fieldNumber, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), v)
}

func TestWhatIsNoFrameIsAnError(t *testing.T) {
	beat := write(t, replication.Envelope{Message: replication.Beat{Incarnation: 1}})
	entry := protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), nil)
	for _, c := range []struct {
		name  string
		frame []byte
		want  string
	}{
		{"a frame that is cut off", beat[:len(beat)-1], "EOF"},
		{"a tag that is cut off", []byte{0x80}, "EOF"},
		{"an envelope that is a number", varintField(numEnvelopes, 1), "another type"},
		{"a message that is a number", protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), varintField(numAck, 1)), "another type"},
		{"a number that is text", envelopeOf(numProbe, protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "x")), "another type"},
		{"a kind above its type", envelopeOf(numForward, varintField(5, 256)), "out of range"},
		{"more entries than an append may have", envelopeOf(numAppend, bytes.Repeat(entry, MaxEntries+1)), "too many"},
		{"more envelopes than a frame may have", bytes.Repeat(beat, MaxEnvelopes+1), "too many"},
		{"a message that is cut off", envelopeOf(numAck, []byte{0x08}), "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Read(c.frame, testLink)
			if !errors.Is(err, ErrMalformed) || !strings.Contains(err.Error(), c.want) || got.Envelopes != nil {
				t.Errorf("got %+v, %v; want %q", got, err, c.want)
			}
		})
	}
}

// A release meets the next one, and passes over what it does not know.
func TestWhatIsNotKnownIsPassedOver(t *testing.T) {
	beat := replication.Envelope{From: "s1", FromRun: 7, To: "s2", Message: replication.Beat{Incarnation: 5}}
	known := write(t, beat)
	later := bytes.Join([][]byte{
		known,
		envelopeOf(numEnd, []byte("gossip")),
		varintField(2, 9),
		envelopeOf(numBeat, append(protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), 5), varintField(900, 3)...)),
	}, nil)
	got, err := Read(later, testLink)
	if err != nil || got.Passed != 1 || got.Refused != 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if !reflect.DeepEqual(got.Envelopes, []replication.Envelope{beat, beat}) {
		t.Errorf("got %+v", got.Envelopes)
	}
}

func TestWhatMeansNothingHarmsNoOther(t *testing.T) {
	probe := write(t, replication.Envelope{Message: replication.Probe{Nonce: 1}})
	got, err := Read(bytes.Join([][]byte{probe, envelopeOf(numProbeReply, varintField(4, 99)), probe}, nil), testLink)
	if err != nil || len(got.Envelopes) != 2 || got.Refused != 1 || got.Fault == nil ||
		!strings.Contains(got.Fault.Error(), "unknown role 99") {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestWhatTheOtherEndWouldRefuseHasNoSize(t *testing.T) {
	for _, m := range []replication.Message{
		nil, replication.ProbeReply{Role: 99},
		replication.Append{Entries: []replication.Entry{{ID: replication.EntryID{Offset: 2}}}},
	} {
		if size, err := Size(&replication.Envelope{Message: m}); err == nil {
			t.Errorf("%T has %d bytes", m, size)
		}
	}
}

func TestExtremesOfNumbersSurvive(t *testing.T) {
	sent := replication.Envelope{
		From: "s1", FromRun: 7, To: "s2", Shard: math.MinInt64, ToReplica: math.MaxInt64,
		Message: replication.ProbeReply{
			Nonce: math.MaxUint64, Role: replication.RoleFenced, Heard: math.MinInt64,
			Term: replication.TermID{Term: math.MinInt64, Election: math.MaxUint64},
		},
	}
	got, err := Read(write(t, sent), testLink)
	if err != nil || !reflect.DeepEqual(got.Envelopes, []replication.Envelope{sent}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Whatever comes is refused or understood, and then written again to what means
// the same.
func FuzzRead(f *testing.F) {
	for _, zero := range conformance.Messages() {
		for seed := range 3 {
			e := conformance.Envelope("s1", "s2", 7, zero).Example(seed)
			f.Add(Append(nil, &e))
		}
	}
	f.Add(bytes.Repeat([]byte{0x0a, 0x02, 0x2a, 0x00}, 8))
	f.Fuzz(func(t *testing.T, frame []byte) {
		got, err := Read(frame, testLink)
		if err != nil {
			return
		}
		var again []byte
		for i := range got.Envelopes {
			if _, err := Size(&got.Envelopes[i]); err != nil {
				t.Fatalf("%+v was read and cannot be written: %v", got.Envelopes[i], err)
			}
			again = Append(again, &got.Envelopes[i])
		}
		back, err := Read(again, testLink)
		if err != nil || len(back.Envelopes) != len(got.Envelopes) ||
			len(got.Envelopes) > 0 && !reflect.DeepEqual(back.Envelopes, got.Envelopes) {
			t.Fatalf("%+v became %+v, %v", got, back, err)
		}
	})
}
