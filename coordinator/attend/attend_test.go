package attend

import (
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what comes at once unless something is broken.
const patience = 20 * time.Second

// attended is a data server that gives what it is told to a test.
type attended struct {
	api.UnimplementedCoordinationServer
	id      string
	address string
	server  *grpc.Server
	serving sync.WaitGroup
	told    chan *api.ClusterState
	// refuse is what streams end with at once; nil if they last.
	refuse error
}

func serve(t *testing.T, id, address string, change func(*attended)) *attended {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	a := &attended{id: id, address: listener.Addr().String(), server: grpc.NewServer(), told: make(chan *api.ClusterState)}
	if change != nil {
		change(a)
	}
	api.RegisterCoordinationServer(a.server, a)
	a.serving.Go(func() { _ = a.server.Serve(listener) })
	t.Cleanup(a.stop)
	return a
}

func (a *attended) stop() {
	a.server.Stop()
	a.serving.Wait()
}

// Attend implements api.CoordinationServer. It takes a state when the test does.
func (a *attended) Attend(stream grpc.BidiStreamingServer[api.ClusterState, api.ServerState]) error {
	if a.refuse != nil {
		return a.refuse
	}
	if err := stream.Send(&api.ServerState{Server: a.id}); err != nil {
		return err
	}
	for {
		state, err := stream.Recv()
		if err != nil {
			return err
		}
		select {
		case a.told <- state:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// await waits until the server was told a revision, and returns what it was told
// before that.
func (a *attended) await(t *testing.T, revision int64) (before []int64) {
	t.Helper()
	limit := time.After(patience)
	for {
		select {
		case state := <-a.told:
			if state.GetRevision() == revision {
				return before
			}
			before = append(before, state.GetRevision())
		case <-limit:
			t.Fatalf("%s was not told revision %d, but %v", a.id, revision, before)
		}
	}
}

// listening is a set, and what it told.
type listening struct {
	*Set
	heard chan *api.ServerState
	lost  chan error
}

func newListening(t *testing.T) *listening {
	l := &listening{heard: make(chan *api.ServerState, 1024), lost: make(chan error, 1024)}
	l.Set = NewSet(Options{
		Credentials: insecure.NewCredentials(),
		Heard:       func(_ replication.ServerID, s *api.ServerState) { l.heard <- s },
		Lost: func(_ replication.ServerID, err error) {
			select {
			case l.lost <- err:
			default: // more than a test looks at
			}
		},
	})
	t.Cleanup(l.Close)
	return l
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func set(t *testing.T, l *listening, addresses map[replication.ServerID]string) {
	t.Helper()
	if err := l.SetServers(addresses); err != nil {
		t.Fatal(err)
	}
}

func state(revision int64) *api.ClusterState { return &api.ClusterState{Revision: revision} }

func TestServersAreToldAndHeard(t *testing.T) {
	a, b, l := serve(t, "a", "127.0.0.1:0", nil), serve(t, "b", "127.0.0.1:0", nil), newListening(t)
	l.Publish(state(1))
	set(t, l, map[replication.ServerID]string{"a": a.address, "b": b.address})
	for _, one := range []*attended{a, b} {
		if before := one.await(t, 1); len(before) != 0 {
			t.Errorf("told %v before", before)
		}
	}
	if x, y := receive(t, l.heard).GetServer(), receive(t, l.heard).GetServer(); x == y {
		t.Errorf("heard %s twice", x)
	}
	l.Publish(state(2))
	a.await(t, 2)
	b.await(t, 2)

	set(t, l, map[replication.ServerID]string{"b": b.address})
	l.Publish(state(3))
	b.await(t, 3)
	select {
	case told := <-a.told:
		t.Errorf("a left, and was told %v", told)
	default:
	}
}

// A server that takes nothing holds up nobody, and is told the newest in the end, not
// all that there was.
func TestSlowServerIsToldTheNewest(t *testing.T) {
	const states = 20000 // more than connections hold
	slow, quick, l := serve(t, "slow", "127.0.0.1:0", nil), serve(t, "quick", "127.0.0.1:0", nil), newListening(t)
	set(t, l, map[replication.ServerID]string{"slow": slow.address, "quick": quick.address})
	authorities := []string{string(make([]byte, 1000))}
	for i := range int64(states) {
		l.Publish(&api.ClusterState{Revision: i + 1, AllowedAuthorities: authorities})
		if i%1000 == 999 {
			quick.await(t, i+1)
		}
	}
	if before := slow.await(t, states); len(before) > states/2 {
		t.Errorf("told %d states of %d", len(before), states)
	}
}

func TestStreamsComeBack(t *testing.T) {
	a, l := serve(t, "a", "127.0.0.1:0", nil), newListening(t)
	l.Publish(state(1))
	set(t, l, map[replication.ServerID]string{"a": a.address})
	a.await(t, 1)
	a.stop()
	if err := receive(t, l.lost); status.Code(errors.Unwrap(err)) != codes.Unavailable {
		t.Errorf("lost for %v", err)
	}
	again := serve(t, "a", a.address, nil)
	again.await(t, 1)
	moved := serve(t, "a", "127.0.0.1:0", nil)
	set(t, l, map[replication.ServerID]string{"a": moved.address})
	moved.await(t, 1)
}

func TestRefusalsAreTold(t *testing.T) {
	a := serve(t, "a", "127.0.0.1:0", func(a *attended) { a.refuse = status.Error(codes.FailedPrecondition, "another cluster's") })
	l := newListening(t)
	l.Publish(state(1))
	set(t, l, map[replication.ServerID]string{"a": a.address})
	if err := receive(t, l.lost); status.Code(errors.Unwrap(err)) != codes.FailedPrecondition {
		t.Errorf("lost for %v", err)
	}
}

// A server that neither answers nor refuses does not keep Close waiting.
func TestCloseWaitsForNobodyElse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") // which nobody accepts from
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	l := newListening(t)
	l.Publish(state(1))
	set(t, l, map[replication.ServerID]string{"a": listener.Addr().String(), "b": "127.0.0.1:1"})
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		l.Close()
	}()
	receive(t, closed)
}
