package explore

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// The flags are scripts/explore's.
var (
	only   = flag.String("explore.only", "", "explore this configuration alone")
	within = flag.Duration("explore.within", 25*time.Minute, "how long one configuration may take")
	most   = flag.Int("explore.states", 40_000_000, "how many states to hold, some 150 bytes each")
	larger = flag.Bool("explore.larger", false, "explore the larger configurations")
	breaks = flag.String("explore.breaks", "", "this core is a mutation: expect a configuration to find this law broken")
)

func chosen(configs []Config) []Config {
	return slices.DeleteFunc(slices.Clone(configs), func(c Config) bool { return *only != "" && *only != c.Name })
}

// explored explores a configuration, and logs what came of it.
func explored(t *testing.T, c Config, progress func(Report)) Report {
	t.Helper()
	x, err := New(c)
	var broken BrokenError
	if errors.As(err, &broken) {
		return Report{Name: c.Name, Broken: broken.Law, Script: []string{err.Error()}}
	}
	if err != nil {
		t.Fatal(err)
	}
	r := x.Explore(Limits{Time: *within, States: *most}, progress)
	t.Log(r.String())
	return r
}

// TestIntactCoreKeepsEveryLaw exhausts each configuration.
func TestIntactCoreKeepsEveryLaw(t *testing.T) {
	if *breaks != "" || *larger {
		t.Skip("something else was asked for")
	}
	for _, c := range chosen(Configurations) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			r := explored(t, c, nil)
			if r.Broken != "" {
				t.Errorf("%s; how:\n%s", r.Broken, strings.Join(r.Script, "\n"))
			} else if !r.Exhausted {
				t.Errorf("not exhausted within %v", *within)
			}
		})
	}
}

// TestLarger goes as far as there is time for.
func TestLarger(t *testing.T) {
	if !*larger {
		t.Skip("takes long: scripts/explore")
	}
	for _, c := range chosen(Larger) {
		t.Run(c.Name, func(t *testing.T) {
			r := explored(t, c, func(r Report) { t.Log(r.String()) })
			if r.Broken != "" {
				t.Errorf("%s; how:\n%s", r.Broken, strings.Join(r.Script, "\n"))
			}
		})
	}
}

// TestMutationIsFound runs in a copy of the module to which a mutation was
// applied.
func TestMutationIsFound(t *testing.T) {
	if *breaks == "" {
		t.Skip("this core is no mutation: scripts/explore mutations")
	}
	for _, c := range chosen(Configurations) {
		r := explored(t, c, nil)
		if r.Broken == "" {
			continue
		}
		t.Logf("FOUND by %-15s at depth %2d after %7d states in %4.1f s: %s", r.Name, r.Depth, r.States, r.Took.Seconds(), r.Broken)
		t.Logf("how:\n%s", strings.Join(r.Script, "\n"))
		if !strings.HasPrefix(r.Broken, *breaks) {
			t.Errorf("expected to break: %s", *breaks)
		}
		return
	}
	t.Error("SURVIVED: no configuration found a broken law")
}

// TestMutationsApply: the patches still fit the core that they mutate, and say
// what they drop and break.
func TestMutationsApply(t *testing.T) {
	if *breaks != "" {
		t.Skip("this core is a mutation")
	}
	patches, err := filepath.Glob("testdata/mutations/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("no patches: %v", err)
	}
	for _, patch := range patches {
		text, err := os.ReadFile(patch)
		if err != nil {
			t.Fatal(err)
		}
		if header, _, _ := strings.Cut(string(text), "--- a/"); !strings.HasPrefix(header, "Drops: ") || !strings.Contains(header, "\nBreaks: ") {
			t.Errorf("%s does not begin with what it drops and what it breaks", patch)
		}
		path, err := filepath.Abs(patch)
		if err != nil {
			t.Fatal(err)
		}
		apply := exec.Command("git", "apply", "--check", path)
		apply.Dir = filepath.Join("..", "..", "..")
		if out, err := apply.CombinedOutput(); err != nil {
			t.Errorf("%s does not apply: %v\n%s", patch, err, out)
		}
	}
}

// TestAScriptLeadsWhereItSays: the path to a state, written down as a violation
// would be, leads a second explorer to the same state.
func TestAScriptLeadsWhereItSays(t *testing.T) {
	config := Config{Name: "script", Start: steady, Terms: 2, Coordinators: 1, Budget: Budget{writes: 1, crashes: 1}}
	x, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	x.Explore(Limits{States: 5000}, nil)
	path := x.path(uint32(len(x.steps) - 1))
	if len(path) < 5 {
		t.Fatalf("the last state is %d steps away", len(path))
	}
	lines := x.tell(path)
	y, err := New(Config{Name: "again", Start: slices.Concat(steady, lines), Terms: 2, Coordinators: 1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range servers {
		there, again := x.servers.things[x.end(path).servers[i]].state, y.servers.things[y.start.servers[i]].state
		if !reflect.DeepEqual(there, again) {
			t.Errorf("%s is %v, and was %v", serverName(i), again, there)
		}
	}
}
