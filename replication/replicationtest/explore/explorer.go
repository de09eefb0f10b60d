package explore

import (
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/replication"
)

// shard is the one shard of every world.
const shard replication.ShardID = 1

// Explorer explores one configuration, in one goroutine.
type Explorer struct {
	config           Config
	options          replication.Options
	limit            Budget
	names            []replication.ServerID
	coordinatorNames []replication.ServerID

	servers      table[*server]
	coordinators table[*coordinator]
	messages     table[message]
	histories    table[*history]
	shapes       table[struct{}]
	documents    table[replication.Document]
	states       table[[]replication.Entry]
	// electorates are those of the documents, by the same numbers.
	electorates []electorate
	results     map[localStep]*result
	errands     map[coordinatorStep]*result

	// form, next and net are reused from step to step.
	form []byte
	next world
	net  []uint32

	start world
	steps []step

	// recorder, if set, is told the steps of the actions that are taken; landed is
	// the result of the action that was last expanded.
	recorder Recorder
	landed   *result
}

// step is how a state was first reached.
type step struct {
	from   uint32
	action action
}

// Report is what came of an exploration.
type Report struct {
	Name        string
	States      int
	Transitions int
	Depth       int
	Took        time.Duration
	// Locals is how many local states of servers there are; each was stepped once
	// for each event that it met.
	Locals int
	// Exhausted says that there is no state that was not found.
	Exhausted bool
	// Broken is the law that is broken, and Script how; empty if none is.
	Broken string
	Script []string
}

func (r *Report) String() string {
	text := fmt.Sprintf("%-12s %9d states %10d transitions depth %3d %6.1fs %8.0f/s %6d local states",
		r.Name, r.States, r.Transitions, r.Depth, r.Took.Seconds(), float64(r.States)/r.Took.Seconds(), r.Locals)
	switch {
	case r.Broken != "":
		text += " BROKEN"
	case r.Exhausted:
		text += " exhausted"
	}
	return text
}

// New prepares the exploration of a configuration, and leads it to its start.
func New(config Config) (*Explorer, error) { return newExplorer(config, nil) }

func newExplorer(config Config, recorder Recorder) (*Explorer, error) {
	x := &Explorer{
		recorder: recorder,
		config:   config, options: replication.DefaultOptions(),
		servers: newTable[*server](), coordinators: newTable[*coordinator](), messages: newTable[message](),
		histories: newTable[*history](), shapes: newTable[struct{}](), documents: newTable[replication.Document](),
		states:  newTable[[]replication.Entry](),
		results: map[localStep]*result{}, errands: map[coordinatorStep]*result{},
	}
	x.options.Barrier = []byte("barrier")
	if config.OneEntry {
		x.options.MaxAppendBytes = 1
	}
	for i := range servers {
		x.names = append(x.names, replication.ServerID(serverName(i)))
	}
	members := x.firstMembers()
	for i := range coordinators {
		x.coordinatorNames = append(x.coordinatorNames, replication.ServerID(fmt.Sprintf("c%d", i+1)))
	}
	// Document 0 is none, so that zero means that no call is late.
	x.internDocument(replication.Document{})
	w := &x.start
	w.doc = x.internDocument(replication.Document{
		Version: 1, Status: replication.StatusElecting, Ensemble: members, LastReplica: replication.ReplicaID(len(members)),
	})
	x.recordBeginning()
	for i := range w.servers {
		s := server{run: 1, now: replication.Instant(time.Second)}
		if i < len(members) {
			s = x.newServer(members[i].Member)
		}
		w.servers[i] = x.internServer(&s)
	}
	for i := range w.coordinators {
		c := x.newCoordinator(x.coordinatorNames[i], 1)
		w.coordinators[i] = x.internCoordinator(&c)
	}
	w.history = x.internHistory(&history{})
	if err := x.begins(config.Start); err != nil {
		return nil, err
	}
	for i := range x.limit {
		x.limit[i] = w.spent[i] + config.Budget[i]
	}
	return x, nil
}

// firstMembers are the members at the beginning, s1 first.
func (x *Explorer) firstMembers() []replication.DocumentMember {
	var members []replication.DocumentMember
	for i, name := range x.names {
		if x.config.Ensemble == 0 || i < x.config.Ensemble {
			members = append(members, replication.DocumentMember{
				Member: replication.Member{Server: name, Replica: replication.ReplicaID(i + 1)}, Incarnation: 1,
			})
		}
	}
	return members
}

func (x *Explorer) serverIndex(id replication.ServerID) int {
	if len(id) == 2 && id[0] == 's' {
		return int(id[1] - '1')
	}
	return -1
}

func (x *Explorer) coordinatorIndex(id replication.ServerID) int {
	if len(id) == 2 && id[0] == 'c' {
		return int(id[1] - '1')
	}
	return -1
}
