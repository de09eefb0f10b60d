package storage

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

var killRounds = flag.Int("kill.rounds", 5, "how often the process under a write load is killed")

// A server that is killed in the middle of a write load, again and again, on real
// files, has everything that it acknowledged, and nothing that was not proposed.
func TestKilledServerHasWhatItAcknowledged(t *testing.T) {
	dir := t.TempDir()
	h := killHistory{acknowledged: map[int]int{}, proposed: -1}
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range *killRounds + 1 {
		// Some are killed while they recover; the last one is there to be looked at.
		k := killing{acks: rng.IntN(1500), last: round == *killRounds}
		if !k.last && rng.IntN(5) == 0 {
			k.after = time.Duration(rng.Int64N(int64(100 * time.Millisecond)))
		}
		if err := h.round(t, dir, k); err != nil {
			t.Fatalf("seed %d, round %d, %+v: %v", seed, round, k, err)
		}
	}
	if h.total == 0 || h.looked < *killRounds/2 {
		t.Errorf("%d writes acknowledged, looked at %d times", h.total, h.looked)
	}
	t.Logf("killed %d times: %d writes proposed, %d acknowledged, all records looked at %d times",
		*killRounds, h.proposed+1, h.total, h.looked)
}

// killing says when a process is killed: after so many acknowledged writes, or after
// a time, if that is not zero.
type killing struct {
	acks  int
	after time.Duration
	last  bool
}

// killHistory is what all processes said.
type killHistory struct {
	// acknowledged is the last number of each key.
	acknowledged map[int]int
	proposed     int
	// total counts what was acknowledged, looked how often it was held against what
	// was found.
	total, looked int
}

// round runs one process until it is killed, and takes in what it says.
func (h *killHistory) round(t *testing.T, dir string, k killing) error {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	child := exec.CommandContext(ctx, os.Args[0], "-test.run", "^TestKillProcess$")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%d", killVariable, dir, h.proposed+1))
	out, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	kill := func() { _ = child.Process.Kill() } // it may be over already
	if k.after > 0 {
		defer time.AfterFunc(k.after, kill).Stop()
	}
	err = h.listen(out, k, kill)
	kill()
	_ = child.Wait() // it was killed
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("the process comes to nothing: %w", ctx.Err())
	}
	return err
}

// listen reads what a process says, to its end.
func (h *killHistory) listen(out io.Reader, k killing, kill func()) error {
	found, acks, ready := map[int]string{}, 0, false
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // what was cut off by the kill was not said
			if !ready && k.after == 0 {
				return fmt.Errorf("the process ended before it was killed: %w", err)
			}
			return nil
		}
		words := strings.SplitN(strings.TrimSuffix(line, "\n"), " ", 3)
		if words[0] == "ready" {
			ready = true
			if err := h.check(found); err != nil {
				return err
			}
			if k.last {
				return nil
			}
			continue
		}
		if len(words) < 2 {
			return fmt.Errorf("the process says %q", line)
		}
		number, err := strconv.Atoi(words[1])
		if err != nil {
			return fmt.Errorf("the process says %q", line)
		}
		switch words[0] {
		case "found":
			if found[number], err = strconv.Unquote(words[2]); err != nil {
				return fmt.Errorf("the process says %q", line)
			}
		case "proposed":
			h.proposed = number
		case "acknowledged":
			h.acknowledged[number%killKeys] = number
			h.total++
			if acks++; acks > k.acks && k.after == 0 {
				kill()
			}
		default:
			return fmt.Errorf("the process says %q", line)
		}
	}
}

// check holds the records that were found against what was said before.
func (h *killHistory) check(found map[int]string) error {
	h.looked++
	for key := range killKeys {
		value, there := found[key]
		last, acknowledged := h.acknowledged[key]
		if !there {
			if acknowledged {
				return fmt.Errorf("key %d: write %d was acknowledged, and there is nothing", key, last)
			}
			continue
		}
		word, _, _ := strings.Cut(value, " ")
		number, err := strconv.Atoi(word)
		switch {
		case err != nil || value != killValue(number) || number%killKeys != key || number > h.proposed:
			return fmt.Errorf("key %d: %q was never proposed", key, value)
		case acknowledged && number < last:
			return fmt.Errorf("key %d: write %d was acknowledged, and write %d is there", key, last, number)
		}
	}
	return nil
}
