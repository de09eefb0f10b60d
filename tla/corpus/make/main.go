package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/ostraka-db/ostraka/tla/corpus"
)

func main() {
	simulate := flag.Int("simulate", 50, "behaviours to simulate of each flavour")
	keep := flag.Int("keep", 50, "behaviours to keep of each flavour, at most")
	depth := flag.Int("depth", 150, "steps of each")
	seed := flag.Int64("seed", 1, "TLC's seed")
	dir := flag.String("dir", "tla", "directory of the modules")
	traces := flag.String("traces", "", "directory of TLC's behaviours; made and removed if empty, used as it is if it has some")
	flag.Parse()
	if err := run(*dir, *traces, *simulate, *keep, *depth, *seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(dir, traces string, simulate, keep, depth int, seed int64) error {
	if traces == "" {
		made, err := os.MkdirTemp("", "corpus")
		if err != nil {
			return fmt.Errorf("make: %w", err)
		}
		defer func() { _ = os.RemoveAll(made) }() // a temporary directory
		traces = made
	}
	hash, err := corpus.Hash(dir)
	if err != nil {
		return err
	}
	c := corpus.Corpus{Spec: hash}
	for _, flavour := range corpus.Flavours {
		found, err := behaviours(dir, traces, flavour, simulate, depth, seed)
		if err != nil {
			return err
		}
		picked := corpus.Pick(found, keep)
		fmt.Printf("%s: %d of %d behaviours kept\n", flavour, len(picked), len(found))
		c.Behaviours = append(c.Behaviours, picked...)
	}
	path := filepath.Join(dir, "corpus", "testdata", "corpus.txt.gz")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make: %w", err)
	}
	return c.Write(path)
}

// behaviours reads what TLC simulated of a flavour, and lets it do so if it did not
// yet.
func behaviours(dir, traces, flavour string, simulate, depth int, seed int64) ([]corpus.Behaviour, error) {
	pattern := filepath.Join(traces, flavour+"_*_*")
	files, err := filepath.Glob(pattern)
	if err == nil && len(files) == 0 {
		if err := tlc(dir, traces, flavour, simulate, depth, seed); err != nil {
			return nil, err
		}
		files, err = filepath.Glob(pattern)
	}
	if err != nil {
		return nil, fmt.Errorf("make: %w", err)
	}
	var found []corpus.Behaviour
	for _, file := range files {
		b, err := corpus.ReadTLC(file, flavour)
		if err != nil {
			return nil, err
		}
		found = append(found, b)
	}
	return found, nil
}

// tlc simulates a flavour. One worker makes the same behaviours from the same seed.
func tlc(dir, traces, flavour string, simulate, depth int, seed int64) error {
	jar := os.Getenv("TLA2TOOLS_JAR")
	if jar == "" {
		return errors.New("make: TLA2TOOLS_JAR is not set; remedy: scripts/tlc corpus")
	}
	module := "Corpus.tla"
	if flavour == "Change" {
		module = "CorpusChange.tla"
	}
	run := exec.Command("java", "-XX:+UseSerialGC", "-Xmx2g", "-cp", jar, "tlc2.TLC",
		"-workers", "1", "-noGenerateSpecTE", "-metadir", filepath.Join(traces, "states"),
		"-simulate", fmt.Sprintf("num=%d,file=%s", simulate, filepath.Join(traces, flavour)),
		"-depth", strconv.Itoa(depth), "-seed", strconv.FormatInt(seed, 10), "-aril", "0",
		"-config", "Corpus"+flavour+".cfg", module)
	run.Dir = dir
	if output, err := run.CombinedOutput(); err != nil {
		return fmt.Errorf("make: TLC on %s: %w\n%s", flavour, err, output)
	}
	return nil
}
