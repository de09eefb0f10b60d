package perf

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Target carries operations out.
type Target interface {
	// Read reports whether there is a record.
	Read(ctx context.Context, key string) (found bool, err error)
	Write(ctx context.Context, key string, value []byte) error
	// Reason returns a few words for an error, the same for errors of one kind.
	Reason(err error) string
}

// Plan is what load to put on.
type Plan struct {
	// Rate is operations per second in an open loop; 0 in a closed one.
	Rate float64
	// Concurrency is the number of workers in a closed loop; 0 in an open one.
	Concurrency int
	// MaxInFlight bounds the operations under way in an open loop.
	MaxInFlight int
	// ReadPercent of the operations are reads, 0 to 100; the others are writes.
	ReadPercent float64
	// Keys is the number of different keys, chosen evenly, named by KeyPrefix and a
	// number.
	Keys      int
	KeyPrefix string
	// ValueSize is the bytes of a value. Random draws each value anew; otherwise all
	// are the same.
	ValueSize int
	Random    bool
	// WarmUp is the time in which operations are issued and not counted. Duration
	// begins after it; 0 is until the context ends.
	WarmUp, Duration time.Duration
	// Seed decides kinds, keys and values of the operations.
	Seed uint64
}

// key returns the key of a number.
func (p *Plan) key(i int) string { return fmt.Sprintf("%s%08d", p.KeyPrefix, i) }

// op is an operation to carry out.
type op struct {
	read  bool
	key   string
	value []byte
}

// source draws operations. It is used by one goroutine.
type source struct {
	plan  *Plan
	rng   *rand.Rand
	fixed []byte
}

func newSource(plan *Plan, stream uint64) *source {
	s := &source{plan: plan, rng: rand.New(rand.NewPCG(plan.Seed, stream))}
	s.fixed = s.draw()
	return s
}

func (s *source) next() op {
	o := op{read: s.rng.Float64()*100 < s.plan.ReadPercent, key: s.plan.key(s.rng.IntN(s.plan.Keys))}
	if !o.read {
		o.value = s.value()
	}
	return o
}

// value returns what the next write is to write.
func (s *source) value() []byte {
	if s.plan.Random {
		return s.draw()
	}
	return s.fixed
}

// draw returns a value that does not compress.
func (s *source) draw() []byte {
	value := make([]byte, s.plan.ValueSize+7)
	for i := 0; i+8 <= len(value); i += 8 {
		word := s.rng.Uint64()
		for j := range 8 {
			value[i+j] = byte(word >> (8 * j))
		}
	}
	return value[:s.plan.ValueSize]
}
