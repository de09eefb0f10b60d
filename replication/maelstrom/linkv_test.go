package maelstrom

import (
	"testing"

	jepsen "github.com/jepsen-io/maelstrom/demo/go"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

var (
	unknown = replication.Outcome{Kind: replication.OutcomeUnknown}
	refused = replication.Outcome{Kind: replication.OutcomeRefused, Refusal: replication.RefusedExpired}
	// overwritten is refused too: another entry took the put's place for good.
	overwritten = replication.Outcome{Kind: replication.OutcomeRefused, Refusal: replication.RefusedOverwritten}
)

func done(m proto.Message) replication.Outcome {
	result, err := proto.Marshal(m)
	if err != nil {
		panic(err)
	}
	return replication.Outcome{Kind: replication.OutcomeDone, Result: result}
}

func found(value string, version int64) replication.Outcome {
	return done(&api.ReadResponse{Gets: []*api.GetResponse{{
		Value: []byte(value), Version: &api.Version{VersionId: version},
	}}})
}

func missing() replication.Outcome {
	return done(&api.ReadResponse{Gets: []*api.GetResponse{{Status: api.Status_KEY_NOT_FOUND}}})
}

func put(status api.Status) replication.Outcome {
	return done(&api.WriteResponse{Puts: []*api.PutResponse{{Status: status}}})
}

// What became of an operation's requests, in order, decides its answer: -1 is an
// answer that is no error.
func TestOperationsReportFailedOnlyWhatDidNotHappen(t *testing.T) {
	const ok = -1
	for _, c := range []struct {
		name, kind string
		outcomes   []replication.Outcome
		code       int
	}{
		{"a read", "read", []replication.Outcome{found("1", 4)}, ok},
		{"a read of nothing", "read", []replication.Outcome{missing()}, jepsen.KeyDoesNotExist},
		{"a read that nobody took", "read", []replication.Outcome{refused}, jepsen.TemporarilyUnavailable},
		{"a read of which nothing is known", "read", []replication.Outcome{unknown}, jepsen.TemporarilyUnavailable},
		{"a read without an answer", "read", []replication.Outcome{done(&api.ReadResponse{})}, jepsen.Abort},
		{"a write", "write", []replication.Outcome{put(api.Status_OK)}, ok},
		{"a write that nobody took", "write", []replication.Outcome{refused}, jepsen.TemporarilyUnavailable},
		{"a write that was overwritten", "write", []replication.Outcome{overwritten}, jepsen.TemporarilyUnavailable},
		{"a write of which nothing is known", "write", []replication.Outcome{unknown}, jepsen.Timeout},
		{"a write without an answer", "write", []replication.Outcome{done(&api.WriteResponse{})}, jepsen.Crash},
		{"a cas", "cas", []replication.Outcome{found("1", 4), put(api.Status_OK)}, ok},
		{"a cas of nothing", "cas", []replication.Outcome{missing()}, jepsen.KeyDoesNotExist},
		{"a cas of another value", "cas", []replication.Outcome{found("2", 4)}, jepsen.PreconditionFailed},
		{"a cas whose read is not known", "cas", []replication.Outcome{unknown}, jepsen.TemporarilyUnavailable},
		{"a cas whose put nobody took", "cas", []replication.Outcome{found("1", 4), refused}, jepsen.TemporarilyUnavailable},
		{"a cas whose put is not known", "cas", []replication.Outcome{found("1", 4), unknown}, jepsen.Timeout},
		{"a cas that was overtaken by its own value", "cas", []replication.Outcome{
			found("1", 4), put(api.Status_UNEXPECTED_VERSION_ID), found("1", 5), put(api.Status_OK),
		}, ok},
		{"a cas that was overtaken by another value", "cas", []replication.Outcome{
			found("1", 4), put(api.Status_UNEXPECTED_VERSION_ID), found("3", 5),
		}, jepsen.PreconditionFailed},
		{"a cas that was overtaken and then cut off", "cas", []replication.Outcome{
			found("1", 4), put(api.Status_UNEXPECTED_VERSION_ID), unknown,
		}, jepsen.TemporarilyUnavailable},
		{"a cas that was overtaken and is not known", "cas", []replication.Outcome{
			found("1", 4), put(api.Status_UNEXPECTED_VERSION_ID), found("1", 5), unknown,
		}, jepsen.Timeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			lin, err := parseLinKV(c.kind, []byte(`{"key":0,"value":1,"from":1,"to":2}`))
			if err != nil {
				t.Fatal(err)
			}
			op := &operation{lin: lin}
			next := op.begin()
			for i, o := range c.outcomes {
				if next.answer != nil || next.failure != nil {
					t.Fatalf("ended before request %d: %+v", i, next)
				}
				next = op.ended(o)
			}
			switch {
			case c.code == ok && next.answer == nil, c.code != ok && (next.failure == nil || next.failure.code != c.code):
				t.Errorf("ended with %+v, failure %+v", next, next.failure)
			}
		})
	}
}

func TestEqualJSONIsTheSameKey(t *testing.T) {
	for _, c := range []struct {
		a, b  string
		equal bool
	}{
		{`1`, ` 1 `, true},
		{`1`, `"1"`, false},
		{`{"a":1,"b":[2]}`, `{ "b":[ 2 ], "a":1 }`, true},
		{`"\u0061"`, `"a"`, true},
		{`12345678901234567890`, `12345678901234567891`, false},
		{`null`, `"null"`, false},
	} {
		a, err := canonical("key", []byte(c.a))
		if err != nil {
			t.Fatal(err)
		}
		b, err := canonical("key", []byte(c.b))
		if err != nil {
			t.Fatal(err)
		}
		if (string(a) == string(b)) != c.equal {
			t.Errorf("%s and %s: %s and %s", c.a, c.b, a, b)
		}
	}
}

// No body makes the node panic, and what is taken can be proposed.
func FuzzLinKV(f *testing.F) {
	f.Add("read", []byte(`{"key":0}`))
	f.Add("write", []byte(`{"key":"a","value":{"b":[1,2.5e3,null]}}`))
	f.Add("cas", []byte(`{"key":[],"from":"","to":true}`))
	f.Fuzz(func(t *testing.T, kind string, raw []byte) {
		lin, err := parseLinKV(kind, raw)
		if err != nil {
			return
		}
		op := &operation{lin: lin}
		if next := op.begin(); next.failure == nil && len(next.body) == 0 {
			t.Errorf("%s asks for nothing", raw)
		}
		op.ended(found(string(lin.from), 1))
	})
}
