package shards

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
	"github.com/ostraka-db/ostraka/coordinator/metadata/memory"
	"github.com/ostraka-db/ostraka/replication"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func drawMembers(t *rapid.T, label string, least int) []replication.DocumentMember {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) replication.DocumentMember {
		return replication.DocumentMember{
			Member: replication.Member{
				Server:  replication.ServerID(rapid.StringMatching(`[a-z0-9.:]{1,20}`).Draw(t, "server")),
				Replica: replication.ReplicaID(rapid.Int64().Draw(t, "replica")),
			},
			Incarnation: replication.Incarnation(rapid.Uint64().Draw(t, "incarnation")),
		}
	}), least, 4).Draw(t, label)
}

func drawDocument(t *rapid.T) replication.Document {
	d := replication.Document{
		Version: rapid.Int64Min(1).Draw(t, "version"),
		Term: replication.TermID{
			Term: replication.Term(rapid.Int64Min(1).Draw(t, "term")), Election: replication.ElectionID(rapid.Uint64().Draw(t, "election")),
		},
		Status:   replication.StatusElecting,
		Ensemble: drawMembers(t, "ensemble", 1), Joining: drawMembers(t, "joining", 0),
		Learners: drawMembers(t, "learners", 0), Removed: drawMembers(t, "removed", 0),
		LastReplica: replication.ReplicaID(rapid.Int64().Draw(t, "last")),
		Settings:    rapid.SliceOf(rapid.Byte()).Draw(t, "settings"),
	}
	if rapid.Bool().Draw(t, "steady") {
		d.Status, d.Leader = replication.StatusSteady, d.Ensemble[0].Member
		d.LeaderRun = replication.RunID(rapid.Uint64().Draw(t, "run"))
	}
	return d
}

// normal makes empty lists nil, which mean the same.
func normal(d replication.Document) replication.Document {
	v := reflect.ValueOf(&d).Elem()
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Slice && f.Len() == 0 {
			f.SetZero()
		}
	}
	return d
}

func TestDocumentsAreReadAsTheyWereWritten(t *testing.T) {
	set := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		d := drawDocument(t)
		text, err := Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(text)
		if err != nil || !reflect.DeepEqual(normal(back), normal(d)) {
			t.Fatalf("wrote %+v as %s, read %+v, %v", d, text, back, err)
		}
		for v, i := reflect.ValueOf(normal(d)), 0; i < v.NumField(); i++ {
			set[v.Type().Field(i).Name] = set[v.Type().Field(i).Name] || !v.Field(i).IsZero()
		}
	})
	for name, once := range set {
		if !once {
			t.Errorf("no document had %s: draw it, and see that it is stored", name)
		}
	}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	for _, text := range []string{
		"", "{}", "[]", `{"version":1,"term":1,"status":"electing","ensemble":[]}`,
		`{"version":1,"term":1,"status":"other","ensemble":[{"server":"a"}]}`,
		`{"version":1,"term":1,"status":"steady","ensemble":[{"server":"a"}]}`,
		`{"version":1,"term":1,"status":"electing","leader":{"server":"a","replica":1},"ensemble":[{"server":"a"}]}`,
		`{"version":0,"term":1,"status":"electing","ensemble":[{"server":"a"}]}`,
		`{"version":1,"term":0,"status":"electing","ensemble":[{"server":"a"}]}`,
		`{"version":1,"term":1,"status":"electing","ensemble":[{"server":"a"}],"later":1}`,
	} {
		if d, err := Decode([]byte(text)); err == nil {
			t.Errorf("%s is %+v", text, d)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"term":1,"status":"steady","leader":{"server":"a","replica":1},"ensemble":[{"server":"a"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := Decode(text)
		if err != nil {
			return
		}
		again, err := Encode(d)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(again); err != nil || !reflect.DeepEqual(normal(back), normal(d)) {
			t.Fatalf("%s: %+v and %+v, %v", text, d, back, err)
		}
	})
}

// slow is a provider that waits to be let go on, and can fail.
type slow struct {
	metadata.Provider
	hold  chan struct{}
	fail  error
	mu    sync.Mutex
	calls []int
}

func (s *slow) Update(ctx context.Context, changes []metadata.Change) []error {
	s.mu.Lock()
	s.calls = append(s.calls, len(changes))
	s.mu.Unlock()
	select {
	case <-s.hold:
	case <-ctx.Done():
		return metadata.Failed(len(changes), ctx.Err())
	}
	if s.fail != nil {
		return metadata.Failed(len(changes), s.fail)
	}
	return s.Provider.Update(ctx, changes)
}

// desk is a store under test, with what it told.
type desk struct {
	*Store
	provider *slow
	mu       sync.Mutex
	answers  map[replication.ShardID][]replication.Event
	stages   map[replication.ShardID][]Stage
}

const within = time.Second

func openDesk(t *testing.T) *desk {
	d := &desk{
		provider: &slow{Provider: memory.NewStore().Open(), hold: make(chan struct{})},
		answers:  map[replication.ShardID][]replication.Event{}, stages: map[replication.ShardID][]Stage{},
	}
	d.Store = Open(Options{
		Provider: d.provider, Within: within, Logger: slog.New(slog.DiscardHandler),
		Complete: func(answers []Completion) {
			d.mu.Lock()
			defer d.mu.Unlock()
			for _, a := range answers {
				d.answers[a.Shard] = append(d.answers[a.Shard], a.Event)
			}
		},
		Written: func(id replication.ShardID, _ replication.Document, s Stage) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.stages[id] = append(d.stages[id], s)
		},
		Stored: func(int, time.Duration, int) {},
	})
	t.Cleanup(d.Close)
	return d
}

func document(version int64) replication.Document {
	return replication.Document{
		Version: version, Term: replication.TermID{Term: 1, Election: 2}, Status: replication.StatusElecting,
		Ensemble: []replication.DocumentMember{{Member: replication.Member{Server: "a", Replica: 1}}}, LastReplica: 1,
	}
}

func (d *desk) last(id replication.ShardID) replication.Event {
	synctest.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	answers := d.answers[id]
	if len(answers) == 0 {
		return nil
	}
	return answers[len(answers)-1]
}

func stored(version int64, outcome replication.StoreOutcome) replication.DocumentStored {
	return replication.DocumentStored{Version: version, Term: replication.TermID{Term: 1, Election: 2}, Outcome: outcome}
}

func TestOutcomesAreTheProviders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t)
		close(d.provider.hold)
		d.Load(1)
		if got := d.last(1); !reflect.DeepEqual(got, replication.DocumentLoaded{}) {
			t.Errorf("loaded nothing as %+v", got)
		}
		d.CompareAndSet(1, document(2))
		if got := d.last(1); got != stored(2, replication.StoreConflict) {
			t.Errorf("stored over nothing: %+v", got)
		}
		d.CompareAndSet(1, document(1))
		if got := d.last(1); got != stored(1, replication.StoreDone) {
			t.Errorf("stored: %+v", got)
		}
		d.Load(1)
		if got := d.last(1); !reflect.DeepEqual(got, replication.DocumentLoaded{Found: true, Document: document(1)}) {
			t.Errorf("loaded %+v", got)
		}
		if want := []Stage{Begun, Begun, Done, Done}; !reflect.DeepEqual(d.stages[1], want) {
			t.Errorf("stages %v, want %v", d.stages[1], want)
		}
		d.provider.fail = errors.New("no idea")
		d.CompareAndSet(1, document(2))
		if got := d.last(1); got != stored(2, replication.StoreUnknown) {
			t.Errorf("failed: %+v", got)
		}
	})
}

// A provider that hangs is not waited for, by those either who came behind.
func TestAnswersComeInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t)
		began := time.Now()
		d.CompareAndSet(1, document(1))
		synctest.Wait()
		d.CompareAndSet(2, document(1))
		for d.last(2) == nil {
			time.Sleep(within / 100) // the bubble's time
			if time.Since(began) > within {
				t.Fatal("no answer in time")
			}
		}
		for _, id := range []replication.ShardID{1, 2} {
			if got := d.last(id); got != stored(1, replication.StoreUnknown) {
				t.Errorf("shard %d: %+v", id, got)
			}
		}
	})
}

func TestWaitingDocumentsAreStoredTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const shards = 1000
		d := openDesk(t)
		d.CompareAndSet(1, document(1))
		synctest.Wait()
		for id := replication.ShardID(2); id <= shards; id++ {
			d.CompareAndSet(id, document(1))
		}
		close(d.provider.hold)
		for id := replication.ShardID(1); id <= shards; id++ {
			if got := d.last(id); got != stored(1, replication.StoreDone) {
				t.Fatalf("shard %d: %+v", id, got)
			}
		}
		if want := []int{1, shards - 1}; !reflect.DeepEqual(d.provider.calls, want) {
			t.Errorf("calls of %v documents, want %v", d.provider.calls, want)
		}
		all, err := List(t.Context(), d.provider)
		if err != nil || len(all) != shards || !reflect.DeepEqual(all[shards], document(1)) {
			t.Errorf("%d documents listed, %v", len(all), err)
		}
	})
}

func TestDamagedDocumentsAreNotTakenForNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := openDesk(t)
		text, err := Encode(document(7))
		if err != nil {
			t.Fatal(err)
		}
		for id, value := range map[replication.ShardID][]byte{1: []byte(`{}`), 2: text} {
			change := metadata.Change{Key: Key(id), Value: value}
			if err := d.provider.Provider.Update(t.Context(), []metadata.Change{change})[0]; err != nil {
				t.Fatal(err)
			}
			d.Load(id)
			if got := d.last(id); !reflect.DeepEqual(got, replication.DocumentLoaded{Failed: true}) {
				t.Errorf("%s is loaded as %+v", value, got)
			}
		}
		if _, err := List(t.Context(), d.provider); err == nil {
			t.Error("listed")
		}
	})
}
