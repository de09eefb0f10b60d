package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/message"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a shell script run as node n0, with a client that talks to it.
type fixture struct {
	net      *network.Network
	client   *network.Inbox
	proc     *Process
	log      string
	stderr   chan string
	protocol chan error
	exited   chan error
}

const manyEvents = 100 // more than any script here causes

func start(t *testing.T, script string) *fixture {
	t.Helper()
	f := &fixture{
		net:      network.New(network.Config{Latency: network.Latency{Dist: network.Constant}}),
		log:      filepath.Join(t.TempDir(), "n0.log"),
		stderr:   make(chan string, manyEvents),
		protocol: make(chan error, manyEvents),
		exited:   make(chan error, manyEvents),
	}
	f.client = f.net.Join("c0")
	var err error
	f.proc, err = Start(
		Spec{Node: "n0", Bin: "/bin/sh", Args: []string{"-c", script}, Dir: t.TempDir(), Log: f.log},
		f.net, f.net.Join("n0"), Hooks{
			Stderr:   func(line string) { f.stderr <- line },
			Protocol: func(err error) { f.protocol <- err },
			Exited:   func(err error) { f.exited <- err },
		})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.proc.Kill)
	return f
}

func (f *fixture) send(t *testing.T, body string) {
	t.Helper()
	if err := f.net.Send(message.Message{Src: "c0", Dest: "n0", Body: []byte(body)}); err != nil {
		t.Fatal(err)
	}
}

// answers is a script that answers every line with the next number.
const answers = `n=0; while read line; do n=$((n+1)); echo "{\"src\":\"n0\",\"dest\":\"c0\",\"body\":{\"n\":$n}}"; done`

func (f *fixture) expectAnswer(t *testing.T, n int) {
	t.Helper()
	m, err := f.client.Recv(t.Context())
	if want := fmt.Sprintf(`{"n":%d}`, n); err != nil || string(m.Body) != want {
		t.Fatalf("got %s, %v, want %s", m.Body, err, want)
	}
}

func TestMessagesGoInAndOut(t *testing.T) {
	f := start(t, answers)
	for n := range 3 {
		f.send(t, `{"type":"x"}`)
		f.expectAnswer(t, n+1)
	}
}

func TestAPausedNodeAnswersWhenItGoesOn(t *testing.T) {
	f := start(t, answers)
	f.send(t, `{}`)
	f.expectAnswer(t, 1)
	f.proc.Pause()
	f.send(t, `{}`)
	f.proc.Resume()
	f.expectAnswer(t, 2)
}

func TestAPausedNodeCanBeKilled(t *testing.T) {
	f := start(t, answers)
	f.proc.Pause()
	f.proc.Kill()
	select {
	case err := <-f.exited:
		t.Errorf("a kill was taken for an exit: %v", err)
	default:
	}
}

func TestKillReachesWhatAScriptStarted(t *testing.T) {
	f := start(t, `sleep 1000 & echo $! >&2; wait`)
	<-f.stderr // the child runs, and holds the pipes open
	f.proc.Kill()
}

func TestANodeThatIsKilledWithALongQueueEnds(t *testing.T) {
	f := start(t, `sleep 1000`) // reads nothing, so that the pipe fills up
	body := fmt.Sprintf(`{"filler":%q}`, strings.Repeat("x", 32<<10))
	for range 100 {
		f.send(t, body)
	}
	f.proc.Kill()
}

func TestAnExitIsReportedWithTheLastLines(t *testing.T) {
	f := start(t, `for i in 1 2 3; do echo line $i >&2; done; exit 9`)
	err := <-f.exited
	if !strings.Contains(err.Error(), "exit status 9") || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("got %v", err)
	}
	<-f.proc.Done()
	if log, err := os.ReadFile(f.log); err != nil || string(log) != "line 1\nline 2\nline 3\n" {
		t.Errorf("the log is %q, %v", log, err)
	}
}

func TestLinesAgainstTheProtocolAreReported(t *testing.T) {
	for script, says := range map[string]string{
		`echo hello; cat`: "hello",
		`echo '{"src":"n0","dest":"n9","body":{}}'; cat >/dev/null`: "no such destination",
		`echo '{"src":"n1","dest":"c0","body":{}}'; cat >/dev/null`: "no such source",
	} {
		f := start(t, script)
		if err := <-f.protocol; !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestAProgramThatIsNotThereIsAnError(t *testing.T) {
	net := network.New(network.Config{Latency: network.Latency{Dist: network.Constant}})
	_, err := Start(Spec{Node: "n0", Bin: "/nowhere/node", Dir: t.TempDir(), Log: filepath.Join(t.TempDir(), "log")},
		net, net.Join("n0"), Hooks{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestEachLine(t *testing.T) {
	long := strings.Repeat("x", 3*readBuffer)
	var got []string
	err := eachLine(strings.NewReader("a\n\n"+long+"\nb\nend"), 4*readBuffer, func(line []byte, whole bool) {
		got = append(got, fmt.Sprintf("%d %t", len(line), whole))
	})
	want := fmt.Sprintf("[1 true 0 true %d true 1 true 3 false]", len(long))
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("got %v, %v, want %s", got, err, want)
	}
	if err := eachLine(strings.NewReader(long), readBuffer, func([]byte, bool) {}); err == nil {
		t.Error("a line above the limit was accepted")
	}
}

func TestOnlyTheLastLinesAreRemembered(t *testing.T) {
	log, err := openLog(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		log.write(fmt.Appendf(nil, "line %d", i))
	}
	if last := log.last(); len(last) != rememberErr || last[0] != "line 68" || last[rememberErr-1] != "line 99" {
		t.Errorf("%d lines, %q to %q", len(last), last[0], last[len(last)-1])
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

func TestDoneIsClosedAfterAnExit(t *testing.T) {
	f := start(t, `exit 0`)
	<-f.proc.Done()
	f.proc.Pause() // of nobody: must not fail, nor hit another process
	f.proc.Kill()
}
