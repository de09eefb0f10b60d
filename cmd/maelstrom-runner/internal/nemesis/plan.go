package nemesis

import (
	"fmt"
	"math/rand/v2"
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
)

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
)

// Cures tells whether the action ends a fault.
func (a Action) Cures() bool {
	return a == StopPartition || a == StartNodes || a == ResumeNodes
}

// Step is one thing to do at one time. Cures concern all nodes.
type Step struct {
	At     time.Duration  `json:"at"`
	Do     Action         `json:"do"`
	Kind   string         `json:"kind,omitempty"`
	Nodes  []string       `json:"nodes,omitempty"`
	Grudge network.Grudge `json:"grudge,omitempty"`
}

// Config describes what a run is to suffer.
type Config struct {
	Nodes      []string
	Faults     []Fault
	Partitions []PartitionKind // kinds to choose from; all if empty
	Interval   time.Duration   // mean time between steps of one schedule
	Until      time.Duration   // no step at or after this
	Seed       uint64
	HealAtEnd  bool // cure everything at Until
}

const (
	streamPartitions = 0x706172746974696f
	streamProcesses  = 0x70726f63657373
)

// Plan draws the steps of a run, in the order of their times.
func Plan(cfg Config) []Step {
	kinds := cfg.Partitions
	if len(kinds) == 0 {
		kinds = PartitionKinds()
	}
	var partitions, processes []Step
	if has(cfg.Faults, Partition) {
		partitions = planPartitions(cfg, kinds, rand.New(rand.NewPCG(cfg.Seed, streamPartitions)))
	}
	if has(cfg.Faults, Kill) || has(cfg.Faults, Pause) {
		processes = planProcesses(cfg, rand.New(rand.NewPCG(cfg.Seed, streamProcesses)))
	}
	plan := merge(partitions, processes)
	if cfg.HealAtEnd {
		plan = append(plan, cures(cfg)...)
	}
	return plan
}

func planPartitions(cfg Config, kinds []PartitionKind, rng *rand.Rand) []Step {
	var steps []Step
	cut := false
	for at := time.Duration(0); at < cfg.Until; at += stagger(cfg.Interval, rng) {
		if cut {
			steps = append(steps, Step{At: at, Do: StopPartition})
		} else {
			kind := kinds[rng.IntN(len(kinds))]
			grudge := MakeGrudge(kind, cfg.Nodes, rng)
			steps = append(steps, Step{At: at, Do: StartPartition, Kind: string(kind), Grudge: grudge})
		}
		cut = !cut
	}
	return steps
}

func planProcesses(cfg Config, rng *rand.Rand) []Step {
	type mode struct {
		hurt, cure Action
		hurting    bool
	}
	var modes []*mode
	if has(cfg.Faults, Pause) {
		modes = append(modes, &mode{hurt: PauseNodes, cure: ResumeNodes})
	}
	if has(cfg.Faults, Kill) {
		modes = append(modes, &mode{hurt: KillNodes, cure: StartNodes})
	}
	var steps []Step
	for at := time.Duration(0); at < cfg.Until; at += stagger(cfg.Interval, rng) {
		m := modes[rng.IntN(len(modes))]
		if m.hurting {
			steps = append(steps, Step{At: at, Do: m.cure, Nodes: cfg.Nodes})
		} else {
			kind, nodes := drawNodes(cfg.Nodes, rng)
			steps = append(steps, Step{At: at, Do: m.hurt, Kind: kind, Nodes: nodes})
		}
		m.hurting = !m.hurting
	}
	return steps
}

// drawNodes picks victims in one of Jepsen's ways. Less than a third of three nodes
// is none, and then the step hurts nobody.
func drawNodes(nodes []string, rng *rand.Rand) (kind string, victims []string) {
	n, shuffled := len(nodes), shuffle(nodes, rng)
	switch rng.IntN(6) {
	case 0:
		return "some", shuffled[:1+rng.IntN(n)]
	case 1:
		return "one", shuffled[:1]
	case 2:
		return "minority-third", shuffled[:minorityThird(n)]
	case 3:
		return "minority", shuffled[:majority(n)-1]
	case 4:
		return "majority", shuffled[:majority(n)]
	default:
		return "all", shuffled
	}
}

func cures(cfg Config) []Step {
	var steps []Step
	if has(cfg.Faults, Partition) {
		steps = append(steps, Step{At: cfg.Until, Do: StopPartition})
	}
	if has(cfg.Faults, Pause) {
		steps = append(steps, Step{At: cfg.Until, Do: ResumeNodes, Nodes: cfg.Nodes})
	}
	if has(cfg.Faults, Kill) {
		steps = append(steps, Step{At: cfg.Until, Do: StartNodes, Nodes: cfg.Nodes})
	}
	return steps
}

// shortestGap keeps a plan finite however small the interval.
const shortestGap = time.Millisecond

func stagger(interval time.Duration, rng *rand.Rand) time.Duration {
	return max(shortestGap, time.Duration(rng.Float64()*2*float64(interval)))
}

func merge(a, b []Step) []Step {
	out := make([]Step, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].At < a[0].At {
			out, b = append(out, b[0]), b[1:]
		} else {
			out, a = append(out, a[0]), a[1:]
		}
	}
	return append(append(out, a...), b...)
}

func has(faults []Fault, f Fault) bool {
	for _, have := range faults {
		if have == f {
			return true
		}
	}
	return false
}

func (s Step) String() string {
	switch {
	case s.Grudge != nil:
		return fmt.Sprintf("%s %s %v", s.Do, s.Kind, s.Grudge)
	case s.Kind != "":
		return fmt.Sprintf("%s %s %v", s.Do, s.Kind, s.Nodes)
	}
	return string(s.Do)
}

// Touches tells whether a step that hurts hurts anybody: less than a third of three
// nodes is nobody.
func (s Step) Touches() bool {
	if s.Do != StartPartition {
		return len(s.Nodes) > 0
	}
	for _, sources := range s.Grudge {
		if len(sources) > 0 {
			return true
		}
	}
	return false
}

// Cure is the action that ends what a hurting action began.
func (a Action) Cure() Action {
	switch a {
	case StartPartition:
		return StopPartition
	case KillNodes:
		return StartNodes
	case PauseNodes:
		return ResumeNodes
	}
	panic(fmt.Sprintf("nemesis: %q is not a fault", a))
}
