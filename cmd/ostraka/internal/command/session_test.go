package command

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/exit"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/words"
)

// spoken is what a command prints, of which a test can wait for a part.
type spoken struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newSpoken() *spoken { return &spoken{more: make(chan struct{}, 1)} }

func (s *spoken) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.more <- struct{}{}:
	default:
	}
	return s.text.Write(p)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait returns when a part was printed.
func (s *spoken) wait(t *testing.T, part string) {
	t.Helper()
	for !strings.Contains(s.String(), part) {
		select {
		case <-s.more:
		case <-t.Context().Done():
			t.Fatalf("%q was not printed: %q", part, s.String())
		}
	}
}

// going is a command that has no end of its own.
type going struct {
	out, errs *spoken
	interrupt context.CancelFunc
	code      chan exit.Code
}

func (p places) start(t *testing.T, line string) *going {
	t.Helper()
	args, err := words.Split(p.to.Replace(line))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	g := &going{out: newSpoken(), errs: newSpoken(), interrupt: cancel, code: make(chan exit.Code, 1)}
	go func() { g.code <- Run(ctx, args, Streams{In: strings.NewReader(""), Out: g.out, Err: g.errs}) }()
	return g
}

func (g *going) end(t *testing.T, want exit.Code) {
	t.Helper()
	if code := <-g.code; code != want {
		t.Errorf("exit code %d, want %d: %s%s", code, want, g.out, g.errs)
	}
	g.interrupt()
}

// A session's record is there until the command is interrupted, and nobody else gets it.
func TestASessionHoldsItsRecord(t *testing.T) {
	places := newPlaces(t)
	held := places.start(t, "client session locks/a me -e -1 -a SERVICE")
	held.errs.wait(t, "interrupt to end")
	if got := places.run(t, "client get locks/a -a SERVICE", ""); got != "me\n" {
		t.Errorf("%q", got)
	}
	if got := places.run(t, "client session locks/a you -e -1 -a SERVICE -- echo never", ""); !strings.Contains(got, "exit code 3") || strings.Contains(got, "never\n") {
		t.Errorf("%q", got)
	}
	held.interrupt()
	held.end(t, exit.OK)
	if got := places.run(t, "client get locks/a -a SERVICE", ""); !strings.Contains(got, "exit code 3") {
		t.Errorf("%q", got)
	}
}

// A program does not outlive the session that it was to run in.
func TestAProgramEndsWithItsSession(t *testing.T) {
	places := newPlaces(t)
	running := places.start(t, "client session locks/a me --session-timeout 2s -a SERVICE -- sh -c 'echo begun; exec sleep 600'")
	running.out.wait(t, "begun")
	endSession(t, places.to.Replace("SERVICE"), "locks/a")
	running.end(t, exit.Failed)
	if got := running.errs.String(); !strings.Contains(got, "the session was lost") {
		t.Errorf("%q", got)
	}
}

// endSession ends the session that a record lives in.
func endSession(t *testing.T, address, key string) {
	t.Helper()
	c, err := client.New(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	record, err := c.Get(t.Context(), key)
	if err != nil || !record.Version.Ephemeral {
		t.Fatalf("%+v, %v", record, err)
	}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// Sessions are numbered by shard: the others have none of this number.
	ended := 0
	for shard := int64(1); shard <= 3; shard++ {
		_, err := api.NewOxiaClientClient(conn).CloseSession(t.Context(), &api.CloseSessionRequest{Shard: shard, SessionId: record.Version.Session})
		if err == nil {
			ended++
		}
	}
	if ended == 0 {
		t.Fatal("no session was ended")
	}
}

// Keys of a sequence are told as they come, until the command is interrupted.
func TestASequenceIsFollowed(t *testing.T) {
	places := newPlaces(t)
	followed := places.start(t, "client sequence-updates orders/o -p orders -a SERVICE")
	for _, number := range []string{"1", "2"} {
		places.run(t, "client put orders/o x -p orders -d 1 -a SERVICE", "")
		followed.out.wait(t, "orders/o-0000000000000000000"+number+"\n")
	}
	followed.interrupt()
	followed.end(t, exit.OK)
}

// Every change is told, in each shard's order, and a later run goes on where an earlier
// one has ended.
func TestChangesAreWatched(t *testing.T) {
	places := newPlaces(t)
	watched := places.start(t, "client notifications -o json -a SERVICE")
	watched.errs.wait(t, "interrupt to end")
	for _, line := range []string{"put a 1", "put a 2", "delete a"} {
		places.run(t, "client "+line+" -a SERVICE", "")
	}
	watched.out.wait(t, `"type":"deleted"`)
	watched.interrupt()
	watched.end(t, exit.OK)
	var types []string
	for _, line := range strings.Split(strings.TrimSpace(watched.out.String()), "\n") {
		var told struct {
			Type, Key string
			Version   *int64
		}
		if err := json.Unmarshal([]byte(line), &told); err != nil || told.Key != "a" {
			t.Fatalf("%s: %v", line, err)
		}
		types = append(types, told.Type)
		if (told.Version == nil) != (told.Type == "deleted") {
			t.Errorf("%s: has a version, or lacks one", line)
		}
	}
	if got := strings.Join(types, " "); got != "created modified deleted" {
		t.Errorf("told was %s", got)
	}
	_, position, found := strings.Cut(watched.errs.String(), "go on with --after ")
	if !found {
		t.Fatalf("no position in %q", watched.errs)
	}
	places.run(t, "client put a 3 -a SERVICE", "")
	places.run(t, "client delete-range -s a -e b -p a -a SERVICE", "")
	got := places.run(t, "client notifications --count 2 -a SERVICE --after "+strings.TrimSpace(position), "")
	for _, part := range []string{"created", "range deleted", "a to b", "TYPE"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q lacks %q", got, part)
		}
	}
	if strings.Contains(got, "modified") {
		t.Errorf("%q begins too early", got)
	}
}
