package storage

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// The sweeps of a server's disk try one call of the file system in so many; 1 tries
// all.
var (
	sweepEvery  = flag.Int("sweep.every", 3, "how far apart the calls are before which the disk's sweep crashes")
	sweepErrors = flag.Int("sweep.errors", 11, "how far apart the calls are that fail in the disk's sweep")
)

// accident is what is left of a disk at some moment, in three ways.
func (s *sweep) accident(disk *stepper, p *progress, step int) error {
	p.mu.Lock()
	marks := p.shards
	var clones [3]*vfs.MemFS
	for i, percent := range []int{0, 50, 100} {
		clones[i] = disk.crashed(percent, rand.New(rand.NewPCG(uint64(step), uint64(percent))))
	}
	p.mu.Unlock()
	for i, clone := range clones {
		if err := s.check(clone, marks, rand.New(rand.NewPCG(uint64(step), uint64(i)))); err != nil {
			return fmt.Errorf("call %d, with %d %% of what was not synced: %w", step, 50*i, err)
		}
	}
	return nil
}

// A crash of a server at any call of the file system, whatever part of what was not
// synced is left, loses nothing that log or machine acknowledged and invents nothing;
// the two are settled when they are told, and go on to where they would have come.
func TestCrashSweepOfLogAndState(t *testing.T) {
	s := newSweep(t)
	disk := &stepper{mem: vfs.NewCrashableMem(), only: changes}
	r := s.newRun(errorfs.Wrap(disk.mem, disk), nil)
	crashes := 0
	var failed error
	disk.happens = func(step int, _ errorfs.Op) error {
		if failed == nil && step%*sweepEvery == 0 {
			failed = s.accident(disk, r.p, step)
			crashes += 3
		}
		return nil
	}
	if err := r.all(); err != nil {
		t.Fatal(err)
	}
	steps := disk.end()
	if failed == nil {
		failed = s.accident(disk, r.p, steps)
	}
	if failed != nil {
		t.Error(failed)
	}
	t.Logf("%d crashes at %d calls, in %d acts", crashes, steps, len(s.acts))
}
