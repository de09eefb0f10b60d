package options

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/nemesis"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/network"
	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/workload"
)

// Options is what a run is to be.
type Options struct {
	Workload     string
	Bin          string
	Args         []string // of the node
	Nodes        int
	Threads      int
	Rate         float64
	TimeLimit    time.Duration
	RecoveryTime time.Duration // without faults, after TimeLimit
	RecoveryGoal time.Duration // by when every node must answer with success
	Latency      network.Latency
	Loss         float64
	Faults       []nemesis.Fault
	Partitions   []nemesis.PartitionKind
	Interval     time.Duration
	FirstFaults  int     // how many of the plan's faults to inject; all if negative
	Availability float64 // least share of operations that must succeed
	Seed         uint64
	CheckTimeout time.Duration
	Store        string // empty: choose by workload and time

	Transactions workload.Transactions
	Campaign     Campaign

	Failovers     int
	LeaderPattern *regexp.Regexp
	// ExpectLog is what some node must print to standard error; nil if nothing is
	// expected.
	ExpectLog *regexp.Regexp

	LogStderr, LogSend, LogRecv bool
}

// Flags are the raw values of the command line.
type Flags struct {
	set *pflag.FlagSet

	workload, bin, concurrency, latencyDist, nemesis string
	partitionKinds, availability, models, store      string
	leaderPattern, expectLog                         string
	nodes, failovers                                 int
	rate, timeLimit, latency, interval, loss         float64
	recovery, recoveryGoal, checkTimeout             float64
	firstFaults                                      int
	txn                                              txnFlags
	campaign                                         campaignFlags
	seed                                             uint64
	logStderr, logSend, logRecv                      bool
}

// Define adds the flags to a set.
func Define(set *pflag.FlagSet) *Flags {
	f := &Flags{set: set}
	set.StringVarP(&f.workload, "workload", "w", "lin-kv", "what to test: "+strings.Join(workload.Names(), ", "))
	set.StringVar(&f.bin, "bin", "", "program that runs a node (its arguments follow --)")
	set.IntVar(&f.nodes, "node-count", 5, "how many nodes to run")
	set.StringVar(&f.concurrency, "concurrency", "", "how many clients to run; 4n means four per node (default 2n for lin-kv, else 1n)")
	set.Float64Var(&f.rate, "rate", 5, "operations per second, of all clients together")
	set.Float64Var(&f.timeLimit, "time-limit", 60, "seconds to run")
	set.Float64Var(&f.latency, "latency", 0, "mean latency between servers in milliseconds")
	set.StringVar(&f.latencyDist, "latency-dist", "constant", "distribution of latencies: constant, uniform, exponential")
	set.Float64Var(&f.loss, "p-loss", 0, "probability that a message is lost, 0 to 1")
	set.StringVar(&f.nemesis, "nemesis", "", "faults, separated by commas: "+faultNames())
	set.Float64Var(&f.interval, "nemesis-interval", 10, "mean seconds between steps of a fault")
	set.StringVar(&f.partitionKinds, "partition-kinds", "", "kinds of partitions to choose from, separated by commas (default all): "+kindNames())
	set.IntVar(&f.firstFaults, "first-faults", -1, "inject only so many faults of those that the seed gives (default all)")
	set.StringVar(&f.availability, "availability", "", "share of operations that must succeed: a number from 0 to 1, or total")
	set.StringVar(&f.models, "consistency-models", "strict-serializable", "what to check for: strict-serializable; linearizable (the same, of lin-kv's single registers); serializable (of transactions)")
	f.txn.define(set)
	set.Uint64Var(&f.seed, "seed", 0, "seed of generator, nemesis and network (default random)")
	set.Float64Var(&f.recovery, "recovery-time", 0, "seconds to go on without faults after the time limit; clients that still wait then give up")
	set.Float64Var(&f.recoveryGoal, "recovery-goal", 2, "seconds after the last fault by which every node must have answered with success, if there is a --recovery-time")
	set.Float64Var(&f.checkTimeout, "check-timeout", 120, "seconds the checker may take before the verdict is unknown")
	set.StringVar(&f.store, "store", "", "directory for history, logs and results (default store/<workload>/<time>)")
	f.campaign.define(set)
	set.IntVar(&f.failovers, "failover", 0, "instead of a workload, kill the leader this many times and measure until writes go on")
	set.StringVar(&f.leaderPattern, "leader-pattern", "", "regular expression; the last node to print a matching line to standard error leads (default: try every node)")
	set.StringVar(&f.expectLog, "expect-log", "", "regular expression; unless a node prints a matching line to standard error, the verdict is unknown: what was to be tested did not happen")
	set.BoolVar(&f.logStderr, "log-stderr", false, "show what nodes print to standard error")
	set.BoolVar(&f.logSend, "log-net-send", false, "show messages as they are sent")
	set.BoolVar(&f.logRecv, "log-net-recv", false, "show messages as they are received")
	return f
}

func faultNames() string {
	var names []string
	for _, f := range nemesis.Faults() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

func kindNames() string {
	var names []string
	for _, k := range nemesis.PartitionKinds() {
		names = append(names, string(k))
	}
	return strings.Join(names, ", ")
}

// Options checks the flags. The seed is drawn if none was given.
func (f *Flags) Options(nodeArgs []string) (Options, error) {
	o := Options{
		Workload: f.workload, Bin: f.bin, Args: nodeArgs, Nodes: f.nodes, Rate: f.rate, Loss: f.loss,
		Seed: f.seed, Store: f.store, Failovers: f.failovers, FirstFaults: f.firstFaults,
		LogStderr: f.logStderr, LogSend: f.logSend, LogRecv: f.logRecv,
		TimeLimit: seconds(f.timeLimit), RecoveryTime: seconds(f.recovery), RecoveryGoal: seconds(f.recoveryGoal),
		Interval: seconds(f.interval), CheckTimeout: seconds(f.checkTimeout),
		Latency: network.Latency{
			Mean: time.Duration(f.latency * float64(time.Millisecond)), Dist: network.Distribution(f.latencyDist),
		},
	}
	if !f.set.Changed("seed") {
		o.Seed = uint64(time.Now().UnixNano()) % 1e9
	}
	for _, check := range []func(*Options) error{
		f.checkProgram, f.checkNumbers, f.checkConcurrency, f.checkFaults, f.checkGoals, f.checkModels, f.checkTransactions, f.checkFailover, f.checkPatterns, f.checkCampaign,
	} {
		if err := check(&o); err != nil {
			return Options{}, err
		}
	}
	return o, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func wrong(flag, value, remedy string) error {
	return fmt.Errorf("--%s %s: %s", flag, value, remedy)
}

func (f *Flags) checkProgram(*Options) error {
	if !slices.Contains(workload.Names(), f.workload) {
		return wrong("workload", f.workload, "use one of "+strings.Join(workload.Names(), ", "))
	}
	if f.bin == "" {
		return fmt.Errorf("--bin is missing: give the program that runs a node, such as --bin ./maelstrom-node")
	}
	info, err := os.Stat(f.bin)
	switch {
	case err != nil:
		return wrong("bin", f.bin, "there is no such file: build the node first, and give its path")
	case info.IsDir() || info.Mode()&0o111 == 0:
		return wrong("bin", f.bin, "it is not a program: give the path of one, or make it executable with chmod +x")
	}
	return nil
}

// limits keep numbers within what the bench can honour.
const (
	maxNodes   = 100
	maxThreads = 10_000
	maxRate    = 100_000
	maxSeconds = 7 * 24 * 3600
	maxLatency = 60_000
	maxFaults  = 1_000_000
)

// number is a flag's value with the least and the greatest that make sense.
type number struct {
	flag             string
	value, low, high float64
}

func within(numbers []number) error {
	for _, n := range numbers {
		if !(n.value >= n.low && n.value <= n.high) { // also refuses NaN
			return wrong(n.flag, fmt.Sprint(n.value), fmt.Sprintf("use a number from %v to %v", n.low, n.high))
		}
	}
	return nil
}

func (f *Flags) checkNumbers(o *Options) error {
	if err := within([]number{
		{"node-count", float64(f.nodes), 1, maxNodes},
		{"rate", f.rate, 0, maxRate},
		{"time-limit", f.timeLimit, 0.001, maxSeconds},
		{"latency", f.latency, 0, maxLatency},
		{"p-loss", f.loss, 0, 1},
		{"nemesis-interval", f.interval, 0.001, maxSeconds},
		{"recovery-time", f.recovery, 0, maxSeconds},
		{"recovery-goal", f.recoveryGoal, 0.001, maxSeconds},
		{"first-faults", float64(f.firstFaults), -1, maxFaults},
		{"check-timeout", f.checkTimeout, 0.001, maxSeconds},
		{"failover", float64(f.failovers), 0, 10_000},
	}); err != nil {
		return err
	}
	if err := o.Latency.Validate(); err != nil {
		return wrong("latency-dist", f.latencyDist, "use constant, uniform or exponential")
	}
	return nil
}

var concurrencyForm = regexp.MustCompile(`^(\d+)(n?)$`)

func (f *Flags) checkConcurrency(o *Options) error {
	given := f.concurrency
	if given == "" {
		if given = "1n"; f.workload == "lin-kv" {
			given = "2n"
		}
	}
	parts := concurrencyForm.FindStringSubmatch(given)
	if parts == nil {
		return wrong("concurrency", given, "use a number of clients, such as 12, or a number per node, such as 4n")
	}
	n, err := strconv.Atoi(parts[1])
	if parts[2] == "n" {
		n *= f.nodes
	}
	if err != nil || n < 1 || n > maxThreads {
		return wrong("concurrency", given, fmt.Sprintf("use 1 to %d clients", maxThreads))
	}
	if size := 2 * f.nodes; f.workload == "lin-kv" && n%size != 0 {
		return wrong("concurrency", given, fmt.Sprintf(
			"lin-kv works in groups of 2n = %d clients: use a multiple, such as 2n or 4n", size))
	}
	o.Threads = n
	return nil
}

func (f *Flags) checkFaults(o *Options) error {
	for _, name := range list(f.nemesis) {
		fault := nemesis.Fault(name)
		if !slices.Contains(nemesis.Faults(), fault) {
			return wrong("nemesis", f.nemesis, "use "+faultNames()+", or several separated by commas")
		}
		o.Faults = append(o.Faults, fault)
	}
	for _, name := range list(f.partitionKinds) {
		kind := nemesis.PartitionKind(name)
		if !slices.Contains(nemesis.PartitionKinds(), kind) {
			return wrong("partition-kinds", f.partitionKinds, "use some of "+kindNames())
		}
		o.Partitions = append(o.Partitions, kind)
	}
	return nil
}

func list(s string) []string {
	return strings.FieldsFunc(s, func(c rune) bool { return c == ',' || c == ' ' })
}

func (f *Flags) checkGoals(o *Options) error {
	switch f.availability {
	case "":
	case "total":
		o.Availability = 1
	default:
		a, err := strconv.ParseFloat(f.availability, 64)
		if err != nil || !(a >= 0 && a <= 1) {
			return wrong("availability", f.availability, "use a number from 0 to 1, or total")
		}
		o.Availability = a
	}
	return nil
}

func (f *Flags) checkFailover(o *Options) error {
	if f.failovers > 0 {
		if f.workload != "lin-kv" {
			return wrong("failover", strconv.Itoa(f.failovers), "failovers are measured with writes of lin-kv: leave out --workload "+f.workload)
		}
		if f.nodes < 2 {
			return wrong("failover", strconv.Itoa(f.failovers), "somebody must take over: use --node-count 3")
		}
		if f.nemesis != "" {
			return wrong("failover", strconv.Itoa(f.failovers), "other faults would spoil the measurement: leave out --nemesis")
		}
	}
	return nil
}

func (f *Flags) checkPatterns(o *Options) error {
	for _, p := range []struct {
		flag, text string
		to         **regexp.Regexp
	}{
		{"leader-pattern", f.leaderPattern, &o.LeaderPattern},
		{"expect-log", f.expectLog, &o.ExpectLog},
	} {
		if p.text == "" {
			continue
		}
		pattern, err := regexp.Compile(p.text)
		if err != nil {
			return wrong(p.flag, p.text, "it is not a regular expression of Go: "+err.Error())
		}
		*p.to = pattern
	}
	return nil
}
