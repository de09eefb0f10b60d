package raft

import (
	"context"
	"encoding/binary"
)

// read is a call that waits until the state is as new as the call.
type read struct {
	ctx  context.Context
	done chan struct{}
}

// reads asks the leader, for many reads at a time, up to which entry the log was
// committed when it was asked, and waits until that is applied. Answers are to the
// attempt that is named in them: each was begun after its reads had come.
type reads struct {
	waiting []*read
	asked   []*read
	attempt uint64
	ticks   int
	// confirmed wait for an index, ascending.
	confirmed []confirmed
}

type confirmed struct {
	index uint64
	reads []*read
}

func (r *reads) full() bool { return len(r.waiting)+len(r.asked) >= maxReads }

// begin returns the question to ask, if one is due.
func (r *reads) begin() (question []byte) {
	if len(r.asked) > 0 || len(r.waiting) == 0 {
		return nil
	}
	return r.again()
}

// again returns a question for everything that waits, in place of the one before. Who
// does not wait any more is left out.
func (r *reads) again() (question []byte) {
	all := append(r.asked, r.waiting...)
	r.asked, r.waiting, r.ticks = nil, nil, 0
	for _, one := range all {
		if one.ctx.Err() == nil {
			r.asked = append(r.asked, one)
		}
	}
	if len(r.asked) == 0 {
		return nil
	}
	r.attempt++
	return binary.BigEndian.AppendUint64(nil, r.attempt)
}

// answered takes an answer.
func (r *reads) answered(question []byte, index uint64) {
	if len(question) != 8 || binary.BigEndian.Uint64(question) != r.attempt || len(r.asked) == 0 {
		return
	}
	r.confirmed = append(r.confirmed, confirmed{index, r.asked})
	r.asked = nil
}

// applied ends the reads that waited for an index or less.
func (r *reads) applied(index uint64) {
	n := 0
	for ; n < len(r.confirmed) && r.confirmed[n].index <= index; n++ {
		for _, one := range r.confirmed[n].reads {
			close(one.done)
		}
	}
	r.confirmed = r.confirmed[n:]
}

// tick returns the question to ask again, if the answer is overdue.
func (r *reads) tick() (question []byte) {
	if len(r.asked) == 0 {
		return nil
	}
	if r.ticks++; r.ticks < retryTicks {
		return nil
	}
	return r.again()
}
