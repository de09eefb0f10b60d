package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Fault is a kind of harm.
type Fault string

// The faults. Each lasts for a while, and is then undone.
const (
	// KillServer, PauseServer and RestartServer strike a data server: kill -9, SIGSTOP,
	// and SIGTERM as in a rolling restart.
	KillServer    Fault = "kill a server"
	PauseServer   Fault = "pause a server"
	RestartServer Fault = "restart a server"
	// KillMajority kills so many servers at once that no quorum is left.
	KillMajority Fault = "kill a majority"
	// KillCoordinator and PauseCoordinator strike a coordinator.
	KillCoordinator  Fault = "kill a coordinator"
	PauseCoordinator Fault = "pause a coordinator"
	// CutPair cuts both directions between two servers, CutOneWay one of them.
	CutPair   Fault = "cut a pair"
	CutOneWay Fault = "cut one way"
	// IsolateServer cuts a server off from all other processes but clients, and
	// IsolateEntirely from these too.
	IsolateServer   Fault = "isolate a server"
	IsolateEntirely Fault = "isolate a server from clients too"
	// IsolateCoordinator cuts a coordinator off from every server.
	IsolateCoordinator Fault = "isolate a coordinator"
	// CutClients cuts the clients off from one server.
	CutClients Fault = "cut clients off"
)

// Faults are all of them.
func Faults() []Fault {
	return []Fault{
		KillServer, PauseServer, RestartServer, KillMajority, KillCoordinator, PauseCoordinator,
		CutPair, CutOneWay, IsolateServer, IsolateEntirely, IsolateCoordinator, CutClients,
	}
}

// Step is one fault: it strikes at a time after the beginning of the run, and is undone
// after another. Victims are members' names.
type Step struct {
	At, Until time.Duration
	Fault     Fault
	Victims   []string
}

func (s Step) String() string {
	return fmt.Sprintf("%7.3fs to %7.3fs  %s: %s", s.At.Seconds(), s.Until.Seconds(), s.Fault, strings.Join(s.Victims, " "))
}

// PlanOptions say what a plan is for.
type PlanOptions struct {
	Seed                  uint64
	Servers, Coordinators []string
	// Lasts is how long the run is; nothing strikes in its last fifth, in which the
	// cluster is to recover while clients go on.
	Lasts time.Duration
	// Kinds are the faults to choose from; all if empty.
	Kinds []Fault
}

// Times of a plan. A fault outlasts the time by which silence is noticed in some draws
// and not in others.
const (
	firstFault   = time.Second
	shortest     = 200 * time.Millisecond
	longest      = 5 * time.Second
	longestPause = 2 * time.Second
)

// Plan draws what befalls a cluster. Every kind comes once before any comes again, so
// that a run of a minute has most of them.
func Plan(o PlanOptions) []Step {
	draw := rand.New(rand.NewPCG(o.Seed, 0))
	kinds := o.Kinds
	if len(kinds) == 0 {
		kinds = Faults()
	}
	var steps []Step
	var deck []Fault
	end := o.Lasts - o.Lasts/5
	for at := firstFault; ; {
		if len(deck) == 0 {
			deck = slices.Clone(kinds)
			draw.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
		}
		until := at + between(draw, shortest, longest)
		if until > end {
			return steps
		}
		step := Step{At: at, Until: until, Fault: deck[0], Victims: victims(draw, deck[0], o)}
		deck = deck[1:]
		if len(step.Victims) > 0 {
			steps = append(steps, step)
		}
		// Some faults follow at once, before the cluster recovered from the one before.
		at = until + between(draw, 0, longestPause)
	}
}

func between(draw *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(draw.Int64N(int64(to-from)))
}

// victims draws whom a fault strikes, in an order that matters where a direction does.
// Nobody, if there are too few for it.
func victims(draw *rand.Rand, fault Fault, o PlanOptions) []string {
	servers, coordinators := slices.Clone(o.Servers), slices.Clone(o.Coordinators)
	draw.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	draw.Shuffle(len(coordinators), func(i, j int) { coordinators[i], coordinators[j] = coordinators[j], coordinators[i] })
	from, count := servers, 1
	switch fault {
	case KillMajority:
		count = len(servers)/2 + 1
	case CutPair, CutOneWay:
		count = 2
	case KillCoordinator, PauseCoordinator, IsolateCoordinator:
		from = coordinators
	}
	if count > len(from) {
		return nil
	}
	return from[:count]
}
