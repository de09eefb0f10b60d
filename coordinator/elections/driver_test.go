package elections

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ostraka-db/ostraka/coordinator/shards"
	"github.com/ostraka-db/ostraka/replication"
)

// wire is a transport that keeps what is sent.
type wire struct {
	mu   sync.Mutex
	sent []replication.Envelope
}

func (w *wire) Send(_ replication.ServerID, batch []replication.Envelope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, batch...)
}

// count is how many messages were sent that a function accepts.
func (w *wire) count(accept func(replication.Message) bool) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	count := 0
	for _, e := range w.sent {
		if accept(e.Message) {
			count++
		}
	}
	return count
}

func isProbe(m replication.Message) bool {
	_, is := m.(replication.Probe)
	return is
}

func isBeat(m replication.Message) bool {
	_, is := m.(replication.Beat)
	return is
}

// steady is a metadata store with one document, which says that s1 leads.
type steady struct{ d *Driver }

func member(server string, id replication.ReplicaID) replication.DocumentMember {
	return replication.DocumentMember{Member: replication.Member{Server: replication.ServerID(server), Replica: id}, Incarnation: 9}
}

func (s steady) Load(shard replication.ShardID) {
	doc := replication.Document{
		Version: 2, Term: replication.TermID{Term: 1, Election: 1}, Status: replication.StatusSteady, LastReplica: 3,
		Ensemble: []replication.DocumentMember{member("s1", 1), member("s2", 2), member("s3", 3)},
		Leader:   replication.Member{Server: "s1", Replica: 1}, LeaderRun: 5,
	}
	s.d.Complete([]shards.Completion{{Shard: shard, Event: replication.DocumentLoaded{Document: doc, Found: true}}})
}

func (steady) CompareAndSet(replication.ShardID, replication.Document) {}

var self = replication.Server{ID: "coordinator/c", Run: 4, Incarnation: 4}

func beat(from replication.ServerID) replication.Envelope {
	return replication.Envelope{From: from, FromRun: 5, To: self.ID, Message: replication.Beat{Incarnation: 9}}
}

// A connection that broke is acted upon at once, also if the last that it brought is
// taken in the same step.
func TestBrokenConnectionLeadsToQuestionsAtOnce(t *testing.T) {
	for _, refused := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			options := Options()
			d, w := New(self, options), &wire{}
			d.Start(w, steady{d}, []replication.ServerID{"s1", "s2", "s3"})
			defer d.Close()
			d.Deliver([]replication.Envelope{beat("s1"), beat("s2"), beat("s3")})
			d.Coordinate(1, []replication.ServerID{"s1", "s2", "s3"}, []byte("x"))
			synctest.Wait()
			if n := w.count(isProbe); n != 0 {
				t.Fatalf("%d questions, though all is well", n)
			}
			began := time.Now()
			d.Deliver([]replication.Envelope{beat("s1")})
			d.Gone("s1", refused)
			for w.count(isProbe) == 0 {
				time.Sleep(100 * time.Microsecond) // the bubble's time
				synctest.Wait()
				if time.Since(began) > 2*options.BackoffMost {
					t.Fatalf("no questions after %v", time.Since(began))
				}
			}
		})
	}
}

func TestNewServerIsSpokenToAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := New(self, Options()), &wire{}
		d.Start(w, steady{d}, nil)
		defer d.Close()
		synctest.Wait()
		d.Join("s4")
		synctest.Wait()
		if n := w.count(isBeat); n != 1 {
			t.Errorf("%d beats", n)
		}
	})
}

func TestArrivalsAreBounded(t *testing.T) {
	d := New(self, Options()) // not started: nothing is taken
	batch := make([]replication.Envelope, MaxEnvelopes/2+1)
	d.Deliver(batch)
	d.Deliver(batch)
	d.Deliver(batch)
	if d.in.envelopes != MaxEnvelopes || d.Dropped() != uint64(3*len(batch)-MaxEnvelopes) {
		t.Errorf("kept %d, dropped %d", d.in.envelopes, d.Dropped())
	}
}

func TestNothingIsSentAfterClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := New(self, Options()), &wire{}
		d.Start(w, steady{d}, []replication.ServerID{"s1"})
		synctest.Wait()
		d.Close()
		before := w.count(func(replication.Message) bool { return true })
		d.Join("s2")
		time.Sleep(time.Minute) // the bubble's time
		if after := w.count(func(replication.Message) bool { return true }); before == 0 || after != before {
			t.Errorf("%d messages, then %d", before, after)
		}
	})
}

// What is asked for a shard is done while its elections are held here, and has no effect
// before and after.
func TestOrdersForOthersShardsHaveNoEffect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, w := New(self, Options()), &wire{}
		s := &claims{steady: steady{d}}
		d.Start(w, s, []replication.ServerID{"s1", "s2", "s3"})
		defer d.Close()
		order := func() {
			d.ChangeEnsemble(1, []replication.ServerID{"s1", "s2", "s4"})
			d.ChangeSettings(1, []byte("y"))
			d.Recover(1, []replication.ServerID{"s1"})
			d.End(1)
			d.Transfer(1, "s2")
			synctest.Wait()
		}
		d.Deliver([]replication.Envelope{beat("s1"), beat("s2"), beat("s3")})
		order()
		d.Withdraw(1)
		if synctest.Wait(); s.stored != 0 {
			t.Errorf("%d documents before the shard was held", s.stored)
		}
		d.Coordinate(1, []replication.ServerID{"s1", "s2", "s3"}, []byte("x"))
		synctest.Wait()
		d.Transfer(1, "s2")
		if synctest.Wait(); s.stored != 1 {
			t.Errorf("%d documents after a transfer", s.stored)
		}
		d.Withdraw(1)
		order()
		d.Complete([]shards.Completion{{Shard: 1, Event: replication.DocumentLoaded{Failed: true}}})
		time.Sleep(time.Minute) // the bubble's time
		if s.stored != 1 {
			t.Errorf("%d documents after it was withdrawn", s.stored)
		}
		d.Deliver([]replication.Envelope{beat("s1"), beat("s2"), beat("s3")})
		d.Coordinate(1, nil, nil)
		synctest.Wait()
		d.End(1)
		if synctest.Wait(); s.stored < 2 {
			t.Errorf("%d documents after it was held again", s.stored)
		}
	})
}

// claims counts what is to be stored, and does not answer.
type claims struct {
	steady
	stored int
}

func (c *claims) CompareAndSet(replication.ShardID, replication.Document) { c.stored++ }
