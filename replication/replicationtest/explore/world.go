package explore

import (
	"math/bits"
	"slices"
)

const (
	servers      = 3
	coordinators = 2
	// words before those of the network.
	fixed = servers + coordinators + 5
)

// world is a state of everything: numbers of interned local states, and the set
// of messages under way. Equal worlds are equal states and the reverse.
type world struct {
	servers      [servers]uint32
	coordinators [coordinators]uint32
	// doc is what the metadata store holds, late a call of unknown outcome that
	// may yet take effect (zero if none), history what happened.
	doc, late, history uint32
	spent              Budget
	// net is the set of messages under way, ascending.
	net []uint32
}

func (w *world) encode(buf []uint32) []uint32 {
	buf = append(buf, w.servers[:]...)
	buf = append(buf, w.coordinators[:]...)
	low, high := w.spent.pack()
	buf = append(buf, w.doc, w.late, w.history, low, high)
	return append(buf, w.net...)
}

func decode(words []uint32, w *world) {
	copy(w.servers[:], words)
	copy(w.coordinators[:], words[servers:])
	rest := words[servers+coordinators:]
	w.doc, w.late, w.history = rest[0], rest[1], rest[2]
	w.spent = unpack(rest[3], rest[4])
	w.net = append(w.net[:0], words[fixed:]...)
}

// with returns the set with other messages added.
func with(net []uint32, sent []uint32) []uint32 {
	for _, m := range sent {
		if i, found := slices.BinarySearch(net, m); !found {
			net = slices.Insert(net, i, m)
		}
	}
	return net
}

// fingerprint is 128 bits of a canonical form.
type fingerprint struct{ low, high uint64 }

// hash mixes words by multiplication, in two lanes that start and go on
// differently (the construction of wyhash; no adversary chooses the states).
func hash(words []uint32) fingerprint {
	f := fingerprint{low: 0x9e3779b97f4a7c15 ^ uint64(len(words)), high: 0xc2b2ae3d27d4eb4f}
	for i := 0; i < len(words); i += 2 {
		v := uint64(words[i])
		if i+1 < len(words) {
			v |= uint64(words[i+1]) << 32
		}
		f.low = mix(f.low^v, 0xa0761d6478bd642f)
		f.high = mix(f.high+v, 0xe7037ed1a0b428db) ^ bits.RotateLeft64(f.low, 29)
	}
	f.low, f.high = mix(f.low^f.high, 0x8ebc6af09c88c6e3), mix(f.high^bits.RotateLeft64(f.low, 17), 0x589965cc75374cc3)
	return f
}

func mix(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	return high ^ low ^ bits.RotateLeft64(a, 31)
}

// seen is the set of the fingerprints of all states found, an open hash table.
type seen struct {
	slots []fingerprint
	count int
}

func newSeen() *seen { return &seen{slots: make([]fingerprint, 1<<16)} }

// add reports whether the fingerprint was not there before.
func (s *seen) add(f fingerprint) bool {
	if f == (fingerprint{}) {
		f.low = 1
	}
	if 4*s.count >= 3*len(s.slots) {
		s.grow()
	}
	i := s.find(f)
	if s.slots[i] == f {
		return false
	}
	s.slots[i] = f
	s.count++
	return true
}

func (s *seen) find(f fingerprint) uint64 {
	mask := uint64(len(s.slots) - 1)
	i := f.low & mask
	for s.slots[i] != (fingerprint{}) && s.slots[i] != f {
		i = (i + 1) & mask
	}
	return i
}

func (s *seen) grow() {
	old := s.slots
	s.slots = make([]fingerprint, 2*len(old))
	for _, f := range old {
		if f != (fingerprint{}) {
			s.slots[s.find(f)] = f
		}
	}
}
