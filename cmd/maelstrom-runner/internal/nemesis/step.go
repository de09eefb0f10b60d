package nemesis

import (
	"fmt"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
)

// Fault is a family of faults that can be asked for.
type Fault string

// The faults.
const (
	Partition Fault = "partition"
	Kill      Fault = "kill"
	Pause     Fault = "pause"
	Loss      Fault = "loss"
	Duplicate Fault = "duplicate"
	Slow      Fault = "slow"
)

// Faults returns every fault, in the order in which they are cured at the end: nodes are
// started last, because that takes longest, and should find all else well.
func Faults() []Fault { return []Fault{Partition, Loss, Duplicate, Slow, Pause, Kill} }

// Action is what a step does.
type Action string

// The actions. Each fault has one that hurts and one that cures.
const (
	StartPartition Action = "start-partition"
	StopPartition  Action = "stop-partition"
	KillNodes      Action = "kill"
	StartNodes     Action = "start"
	PauseNodes     Action = "pause"
	ResumeNodes    Action = "resume"
	StartLoss      Action = "start-loss"
	StopLoss       Action = "stop-loss"
	StartDuplicate Action = "start-duplicate"
	StopDuplicate  Action = "stop-duplicate"
	SlowNodes      Action = "slow"
	HastenNodes    Action = "hasten"
)

// pairs are the actions of each fault.
var pairs = map[Fault]struct{ hurt, cure Action }{
	Partition: {StartPartition, StopPartition},
	Kill:      {KillNodes, StartNodes},
	Pause:     {PauseNodes, ResumeNodes},
	Loss:      {StartLoss, StopLoss},
	Duplicate: {StartDuplicate, StopDuplicate},
	Slow:      {SlowNodes, HastenNodes},
}

func (f Fault) cure() Action { return pairs[f].cure }

// victims are the nodes that a cure names: all of them, if it is done node by node.
func (f Fault) victims(nodes []string) []string {
	if f == Kill || f == Pause || f == Slow {
		return nodes
	}
	return nil
}

// Cures tells whether the action ends a fault.
func (a Action) Cures() bool {
	for _, p := range pairs {
		if p.cure == a {
			return true
		}
	}
	return false
}

// Cure is the action that ends what a hurting action began.
func (a Action) Cure() Action {
	for _, p := range pairs {
		if p.hurt == a {
			return p.cure
		}
	}
	panic(fmt.Sprintf("nemesis: %q is not a fault", a))
}

// Step is one thing to do at one time. Cures concern all nodes.
type Step struct {
	At     time.Duration  `json:"at"`
	Do     Action         `json:"do"`
	Kind   string         `json:"kind,omitempty"`
	Nodes  []string       `json:"nodes,omitempty"`
	Grudge network.Grudge `json:"grudge,omitempty"`
	Share  float64        `json:"share,omitempty"` // of messages that are lost, or come twice
	Extra  time.Duration  `json:"extra,omitempty"` // that messages of slow nodes take
}

func (s Step) String() string {
	switch {
	case s.Grudge != nil:
		return fmt.Sprintf("%s %s %v", s.Do, s.Kind, s.Grudge)
	case s.Share > 0:
		return fmt.Sprintf("%s %.0f %%", s.Do, 100*s.Share)
	case s.Extra > 0:
		return fmt.Sprintf("%s %s %v by %v", s.Do, s.Kind, s.Nodes, s.Extra)
	case s.Kind != "":
		return fmt.Sprintf("%s %s %v", s.Do, s.Kind, s.Nodes)
	}
	return string(s.Do)
}

// Touches tells whether a step that hurts hurts anybody: less than a third of three
// nodes is nobody.
func (s Step) Touches() bool {
	switch s.Do {
	case StartLoss, StartDuplicate:
		return s.Share > 0
	case StartPartition:
		for _, sources := range s.Grudge {
			if len(sources) > 0 {
				return true
			}
		}
		return false
	}
	return len(s.Nodes) > 0
}
