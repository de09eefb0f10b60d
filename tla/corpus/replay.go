package corpus

import (
	"fmt"
	"slices"
	"strings"

	"github.com/ostraka-db/ostraka/replication"
)

// Difference is where the core and the specification part.
type Difference struct {
	Flavour string
	// Step counts from 1; 0 is the beginning.
	Step   int
	Action string
	What   []string
}

func (d *Difference) Error() string {
	return fmt.Sprintf("%s, step %d, %s:\n\t%s", d.Flavour, d.Step, d.Action, strings.Join(d.What, "\n\t"))
}

// replayer takes the core through one behaviour.
type replayer struct {
	behaviour    *Behaviour
	options      replication.Options
	coverage     *Coverage
	servers      map[string]*server
	coordinators map[string]*coordinator

	// at is the step; was and is are the specification's states around it.
	at      int
	was, is *state
	// net is what was ever said, according to the specification.
	net said

	// stored is the document that the metadata store holds; documents are those it
	// ever held, by the specification's; late are calls that nobody waits for.
	stored          replication.Document
	documents, late map[string]replication.Document
	// elections are the election ids of terms that were made.
	elections map[term]replication.ElectionID

	// catching are questions for how far members have come.
	catching map[uint64]bool

	// heard is everything that the core sent, said what it sent in this step.
	heard, said []replication.Envelope
	outcomes    map[replication.Token]replication.Outcome
	differences []string
}

// Replay takes the core through a behaviour, step by step, and returns the first
// *Difference, or nil if there is none. What was covered is added to coverage.
func Replay(b *Behaviour, coverage *Coverage) (err error) {
	p := &replayer{
		behaviour: b, options: replication.DefaultOptions(), coverage: coverage,
		servers: map[string]*server{}, coordinators: map[string]*coordinator{},
		documents: map[string]replication.Document{}, late: map[string]replication.Document{},
		elections: map[term]replication.ElectionID{}, outcomes: map[replication.Token]replication.Outcome{},
		catching: map[uint64]bool{},
	}
	p.options.Barrier = []byte("0")
	defer func() {
		if v := recover(); v != nil {
			violation, ok := v.(replication.Violation)
			if !ok {
				panic(v)
			}
			p.differ("assertion of the core: %s", violation.Text)
			err = p.difference()
		}
	}()
	var before Record
	for i, record := range b.States {
		p.at, p.was = i, p.is
		if p.is, err = decodeStep(record, p.was, before); err != nil {
			return fmt.Errorf("%s, step %d: %w", b.Flavour, i, err)
		}
		before = record
		p.said = nil
		if i == 0 {
			p.begin()
		} else {
			p.take(&p.is.Act)
		}
		p.checkNews()
		p.net.hear(&p.is.Net)
		p.passHints()
		p.compare()
		if d := p.difference(); d != nil {
			return d
		}
	}
	return nil
}

// differ notes a difference of this step.
func (p *replayer) differ(format string, args ...any) {
	p.differences = append(p.differences, fmt.Sprintf(format, args...))
}

func (p *replayer) difference() error {
	if len(p.differences) == 0 {
		return nil
	}
	return &Difference{Flavour: p.behaviour.Flavour, Step: p.at, Action: Text(p.behaviour.States[p.at]["act"]), What: p.differences}
}

// begin makes what the specification begins with: the replicas of the first
// ensemble, on disks without an entry, and coordinators that know the document.
func (p *replayer) begin() {
	p.stored = p.document(&p.is.Doc)
	p.documents[key(&p.is.Doc)] = p.stored
	for name, me := range p.is.Rep {
		s := &server{name: name}
		p.servers[name] = s
		if me.Here {
			s.made, s.kept.record.Replica = true, replicaID(name)
			if err := s.open(&p.options); err != nil {
				p.differ("%s: %v", name, err)
			}
		}
	}
	for _, name := range sortedKeys(p.is.Coord) {
		p.coordinators[name] = &coordinator{name: name}
		p.beginElection(p.coordinators[name])
	}
}

// say takes up what was sent.
func (p *replayer) say(messages []replication.Envelope) {
	for _, m := range messages {
		p.coverage.sent(m.Message)
	}
	p.said = append(p.said, messages...)
	p.heard = append(p.heard, messages...)
}

// sentTo returns the newest message that the core sent to a server and that is
// looked for; nil if there is none.
func (p *replayer) sentTo(to string, is func(e replication.Envelope) bool) *replication.Envelope {
	for i := len(p.heard) - 1; i >= 0; i-- {
		if e := &p.heard[i]; e.To == replication.ServerID(to) && is(*e) {
			return e
		}
	}
	return nil
}

// deliver gives a replica the message that the core sent it, if there is one, and
// else the same from the sender.
func (p *replayer) deliver(to, from string, m replication.Message, same func(m replication.Message) bool) {
	e := p.sentTo(to, func(e replication.Envelope) bool {
		return (from == "" || e.From == replication.ServerID(from)) && same(e.Message)
	})
	if e == nil {
		e = &replication.Envelope{
			From: replication.ServerID(from), FromRun: 1, FromReplica: replicaID(from),
			To: replication.ServerID(to), ToReplica: replicaID(to), Shard: shard, Message: m,
		}
		p.coverage.made(m)
	}
	p.receive(to, *e)
}

// passHints hands over what a follower told its leader besides acks: where their
// logs part, and how much of a snapshot it keeps; and what a replica told a
// coordinator that has to do nothing but send on: that it is made, or counts the
// new ensemble alone. To the specification that is
// nothing, so nothing that it has may change by it.
func (p *replayer) passHints() {
	for i := 0; i < len(p.said); i++ {
		e := p.said[i]
		to := p.servers[string(e.To)]
		switch m := e.Message.(type) {
		case replication.ReplicaCreated, replication.ChangeCompleted:
			// What was made here, and not sent by a coordinator, has nobody to answer.
			if c := p.coordinators[string(e.To)]; c != nil {
				p.elect(c, replication.Receive{Envelope: e})
			}
			continue
		case replication.Mismatch:
		case replication.SnapshotAck:
			if m.Installed {
				continue
			}
		default:
			continue
		}
		if to != nil && to.replica != nil && to.replica.Member().Replica == e.ToReplica {
			p.step(to, replication.Receive{Envelope: e})
		}
	}
}

// replicaID is the number in a replica's name; zero for a coordinator's.
func replicaID(name string) replication.ReplicaID {
	if len(name) < 2 || name[0] != 'r' {
		return 0
	}
	return replication.ReplicaID(name[1] - '0')
}

func memberOf(name string) replication.Member {
	return replication.Member{Server: replication.ServerID(name), Replica: replicaID(name)}
}

func nameOf(m replication.Member) string {
	if m == (replication.Member{}) {
		return noOne
	}
	if memberOf(string(m.Server)) != m {
		return m.String()
	}
	return string(m.Server)
}

func namesOf(members []replication.Member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = nameOf(m)
	}
	slices.Sort(names)
	return names
}

// noOne is the specification's name of nobody.
const noOne = "NoOne"

func (p *replayer) termID(t term) replication.TermID {
	return replication.TermID{Term: replication.Term(t.N), Election: p.elections[t]}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
