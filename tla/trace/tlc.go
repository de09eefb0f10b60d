package trace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// TLC runs the model checker on behaviours.
type TLC struct {
	// Jar is tla2tools.jar, Specs the directory of the specification.
	Jar, Specs string
	// Dir is where a run writes; each needs its own.
	Dir string
	// Workers is how many threads TLC uses.
	Workers int
}

// Verdict is what TLC said of a list of behaviours.
type Verdict struct {
	// Accepted are those that were seen to their end.
	Accepted map[int]bool
	// Taken is how many steps of each were, in a lenient run.
	Taken map[int]int
	// Error is TLC's first complaint, empty if it had none: an invariant that is
	// broken, or a deadlock. Behaviour and Step are where, from 0; Step is that of
	// the action that was not possible, or after which the invariant was broken.
	Error           string
	Behaviour, Step int
	// Output is all that TLC printed.
	Output string
}

// Validate runs TLC until all behaviours have come to their end, or one cannot go
// on. With lenient set none ends the run: each goes as far as it can, and no
// invariant is checked.
func (t TLC) Validate(ctx context.Context, behaviours []*Behaviour, lenient bool) (*Verdict, error) {
	if err := t.prepare(behaviours, lenient); err != nil {
		return nil, err
	}
	args := []string{
		"-Xmx2g", "-Xss64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", t.Jar, "tlc2.TLC", "-workers", strconv.Itoa(t.Workers),
		"-noGenerateSpecTE", "-metadir", filepath.Join(t.Dir, "states"), "-config", "Trace.cfg",
	}
	if lenient {
		args = append(args, "-deadlock")
	}
	cmd := exec.CommandContext(ctx, "java", append(args, "Trace.tla")...)
	cmd.Dir = t.Dir
	output, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		return nil, fmt.Errorf("trace: run TLC: %w", err)
	}
	verdict := read(string(output))
	if verdict.Error == "" && !strings.Contains(verdict.Output, "Model checking completed. No error has been found.") {
		return nil, fmt.Errorf("trace: TLC did not finish: %s", tail(verdict.Output))
	}
	return verdict, nil
}

// prepare copies the specification beside the data.
func (t TLC) prepare(behaviours []*Behaviour, lenient bool) error {
	specs, err := filepath.Glob(filepath.Join(t.Specs, "*.tla"))
	if err != nil || len(specs) == 0 {
		return fmt.Errorf("trace: no specification in %s: %w", t.Specs, errors.Join(err, fs.ErrNotExist))
	}
	for _, path := range append(specs, filepath.Join(t.Specs, "Trace.cfg")) {
		content, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("trace: %w", err)
		}
		if before, _, found := strings.Cut(string(content), "INVARIANTS"); found && lenient && filepath.Base(path) == "Trace.cfg" {
			content = []byte(before)
		}
		if err := os.WriteFile(filepath.Join(t.Dir, filepath.Base(path)), content, 0o644); err != nil {
			return fmt.Errorf("trace: %w", err)
		}
	}
	data, err := os.Create(filepath.Join(t.Dir, "TraceData.tla"))
	if err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	return errors.Join(WriteModule(data, behaviours, lenient), data.Close())
}

var (
	acceptedLine = regexp.MustCompile(`<<"accepted", (\d+)>>`)
	stepLine     = regexp.MustCompile(`<<"step", (\d+), (\d+)>>`)
	whichLine    = regexp.MustCompile(`(?m)^/\\ which = (\d+)`)
	atLine       = regexp.MustCompile(`(?m)^/\\ at = (\d+)`)
	errorLine    = regexp.MustCompile(`(?m)^Error: (.*)`)
)

// read understands TLC's output.
func read(output string) *Verdict {
	v := &Verdict{Accepted: map[int]bool{}, Taken: map[int]int{}, Output: output}
	for _, m := range acceptedLine.FindAllStringSubmatch(output, -1) {
		v.Accepted[atoi(m[1])-1] = true
	}
	for _, m := range stepLine.FindAllStringSubmatch(output, -1) {
		v.Taken[atoi(m[1])-1] = max(v.Taken[atoi(m[1])-1], atoi(m[2]))
	}
	if m := errorLine.FindStringSubmatch(output); m != nil {
		v.Error = m[1]
	}
	if m := whichLine.FindAllStringSubmatch(output, -1); len(m) > 0 {
		v.Behaviour = atoi(m[len(m)-1][1]) - 1
	}
	if m := atLine.FindAllStringSubmatch(output, -1); len(m) > 0 {
		v.Step = atoi(m[len(m)-1][1]) - 1
	}
	if strings.Contains(v.Error, "is violated") {
		v.Step--
	}
	return v
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err) // a pattern let it through
	}
	return n
}

func tail(output string) string { return output[max(0, len(output)-2000):] }
