package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/zeebo/xxh3"
)

// trace is what happened: a hash of every event's content, in order, and the same
// for people, if they want it.
type trace struct {
	hash xxh3.Hasher
	text io.Writer
	now  func() time.Duration
	buf  []byte
}

// kind says what an entry of the trace is. Only the hash knows the numbers.
type kind uint8

const (
	tookMessage kind = iota + 1
	tookEvent
	endedRequest
	metFault
	tookState
)

// note enters numbers and bytes into the hash.
func (t *trace) note(k kind, data []byte, numbers ...uint64) {
	t.buf = append(t.buf[:0], byte(k))
	t.buf = binary.LittleEndian.AppendUint64(t.buf, uint64(t.now()))
	for _, n := range numbers {
		t.buf = binary.LittleEndian.AppendUint64(t.buf, n)
	}
	t.buf = binary.LittleEndian.AppendUint32(t.buf, uint32(len(data)))
	t.buf = append(t.buf, data...)
	_, _ = t.hash.Write(t.buf)
}

// reads reports whether somebody reads the trace: what is only for them is made
// then alone.
func (t *trace) reads() bool { return t.text != nil }

func (t *trace) printf(format string, args ...any) {
	if t.text != nil {
		fmt.Fprintf(t.text, "%12.6f  ", t.now().Seconds())
		fmt.Fprintf(t.text, format+"\n", args...)
	}
}
