package nemesis

import (
	"math/rand/v2"
	"time"
)

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

// Each schedule has random numbers of its own, so that a fault does not come at other
// times because another was asked for, too.
const (
	streamPartitions = 0x706172746974696f
	streamProcesses  = 0x70726f63657373
	streamLoss       = 0x6c6f7373
	streamDuplicates = 0x6475706c6963
	streamSlow       = 0x736c6f77
)

// Plan draws the steps of a run, in the order of their times.
func Plan(cfg Config) []Step {
	kinds := cfg.Partitions
	if len(kinds) == 0 {
		kinds = PartitionKinds()
	}
	var plan []Step
	if has(cfg.Faults, Partition) {
		plan = merge(plan, planPartitions(cfg, kinds, rand.New(rand.NewPCG(cfg.Seed, streamPartitions))))
	}
	if has(cfg.Faults, Kill) || has(cfg.Faults, Pause) {
		plan = merge(plan, planProcesses(cfg, rand.New(rand.NewPCG(cfg.Seed, streamProcesses))))
	}
	for _, b := range bursts {
		if has(cfg.Faults, b.fault) {
			plan = merge(plan, planBursts(cfg, b, rand.New(rand.NewPCG(cfg.Seed, b.stream))))
		}
	}
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

// cures are what ends every fault that was asked for.
func cures(cfg Config) []Step {
	var steps []Step
	for _, f := range Faults() {
		if has(cfg.Faults, f) {
			steps = append(steps, Step{At: cfg.Until, Do: f.cure(), Nodes: f.victims(cfg.Nodes)})
		}
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
