package workload_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/client"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
)

// invoke makes one operation against a node that answers with the given fields, or
// not at all. It returns the request's body and how long the operation took, too.
func invoke(t *testing.T, name string, op workload.Operation, answer string) (done workload.Completion, asked string, took time.Duration) {
	synctest.Test(t, func(t *testing.T) {
		w, err := workload.New(name, workload.Options{MeanLatency: 10 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		net := network.New(network.Config{Latency: network.Latency{Dist: network.Constant}})
		inbox := net.Join("n0")
		go func() {
			m, err := inbox.Recv(context.WithoutCancel(t.Context()))
			if err != nil {
				panic(err)
			}
			asked = string(m.Body)
			if answer == "" {
				return
			}
			body := fmt.Sprintf(`{"in_reply_to":%d,%s}`, *m.Header().MsgID, answer)
			if err := net.Send(message.Message{Src: "n0", Dest: m.Src, Body: json.RawMessage(body)}); err != nil {
				panic(err)
			}
		}()
		start := time.Now()
		done = w.Invoke(t.Context(), client.Open(net, "c0"), "n0", op)
		took = time.Since(start)
		synctest.Wait()
	})
	return done, asked, took
}

func TestLinKVOutcomes(t *testing.T) {
	read := workload.Operation{F: checker.Read, Value: checker.Register{Key: 3}}
	write := workload.Operation{F: checker.Write, Value: checker.Register{Key: 3, Value: "4"}}
	cas := workload.Operation{F: checker.CAS, Value: checker.Register{Key: 3, From: "1", To: "2"}}
	for _, c := range []struct {
		op     workload.Operation
		answer string
		want   history.Type
	}{
		{read, `"type":"read_ok","value":5`, history.OK},
		{read, `"type":"error","code":20`, history.Fail},
		{read, `"type":"error","code":13`, history.Fail}, // a read that failed did nothing
		{read, ``, history.Fail},
		{write, `"type":"write_ok","msg_id":9`, history.OK},
		{write, `"type":"error","code":11,"text":"no quorum"`, history.Fail},
		{write, `"type":"error","code":13`, history.Info},
		{write, `"type":"error","code":0`, history.Info},
		{write, `"type":"error","code":1000`, history.Info},
		{write, `"type":"error"`, history.Info},
		{write, ``, history.Info},
		{cas, `"type":"cas_ok"`, history.OK},
		{cas, `"type":"error","code":22`, history.Fail},
		{cas, `"type":"error","code":30`, history.Fail},
	} {
		if done, _, _ := invoke(t, "lin-kv", c.op, c.answer); done.Type != c.want || done.Malformed != nil {
			t.Errorf("%s answered with %s: %+v, want %s", c.op.F, c.answer, done, c.want)
		}
	}
}

func TestRequestsAreMaelstroms(t *testing.T) {
	for _, c := range []struct {
		workload string
		op       workload.Operation
		want     string
	}{
		{"lin-kv", workload.Operation{F: checker.Read, Value: checker.Register{Key: 3}}, `{"key":3,"msg_id":1,"type":"read"}`},
		{"lin-kv", workload.Operation{F: checker.Write, Value: checker.Register{Key: 3, Value: "4"}}, `{"key":3,"msg_id":1,"type":"write","value":4}`},
		{"lin-kv", workload.Operation{F: checker.CAS, Value: checker.Register{Key: 0, From: "1", To: "2"}}, `{"from":1,"key":0,"msg_id":1,"to":2,"type":"cas"}`},
		{"echo", workload.Operation{F: "echo", Value: `"hi"`}, `{"echo":"hi","msg_id":1,"type":"echo"}`},
		{"unique-ids", workload.Operation{F: "generate"}, `{"msg_id":1,"type":"generate"}`},
	} {
		if _, asked, _ := invoke(t, c.workload, c.op, ""); asked != c.want {
			t.Errorf("got %s, want %s", asked, c.want)
		}
	}
}

func TestTimeoutsAreMaelstroms(t *testing.T) {
	write := workload.Operation{F: checker.Write, Value: checker.Register{Value: "1"}}
	if _, _, took := invoke(t, "lin-kv", write, ""); took != time.Second {
		t.Errorf("lin-kv waits for %v", took)
	}
	if _, _, took := invoke(t, "unique-ids", workload.Operation{F: "generate"}, ""); took != 5*time.Second {
		t.Errorf("unique-ids waits for %v", took)
	}
}

func TestAnswersAgainstTheProtocolAreReported(t *testing.T) {
	read := workload.Operation{F: checker.Read, Value: checker.Register{Key: 3}}
	for answer, says := range map[string]string{
		`"type":"write_ok"`:                       `the type is "write_ok"`,
		`"type":"read_ok"`:                        `lacks the field "value"`,
		`"type":"read_ok","value":1,"version":2`:  `has no field "version"`,
		`"type":"read_ok","value":1,"msg_id":"x"`: ``, // other types of reserved fields are let pass
	} {
		done, _, _ := invoke(t, "lin-kv", read, answer)
		if (done.Malformed == nil) != (says == "") || done.Malformed != nil && !strings.Contains(done.Malformed.Error(), says) {
			t.Errorf("%s: %v, want %q", answer, done.Malformed, says)
		}
	}
}

func TestValuesAreReadInCanonicalForm(t *testing.T) {
	read := workload.Operation{F: checker.Read, Value: checker.Register{Key: 3}}
	for answer, want := range map[string]string{`[1, 2]`: "[1,2]", `null`: checker.Absent, `"x"`: `"x"`} {
		done, _, _ := invoke(t, "lin-kv", read, `"type":"read_ok","value":`+answer)
		if got := done.Value.(checker.Register); got != (checker.Register{Key: 3, Value: want}) {
			t.Errorf("%s was read as %+v", answer, got)
		}
	}
}

func TestLinKVWantsWholeGroups(t *testing.T) {
	w, err := workload.New("lin-kv", workload.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Generator(workload.Setup{Nodes: 3, Threads: 9}); err == nil {
		t.Error("9 threads do not make groups of 6")
	}
}
