package anomaly

import (
	"maps"
	"slices"

	"github.com/ostraka-db/ostraka/internal/dependency"
	"github.com/ostraka-db/ostraka/internal/transaction"
)

// register is what is known of a register.
type register struct {
	writers map[int]int   // versions to who wrote them, in the end
	readers map[int][]int // versions to who found them
	later   map[int][]int // versions to some that are later; all from writes that follow reads
	hasPast map[int]bool  // versions that are later than another
}

// judgeRegisters infers what it can of the order of versions.
func (r *record) judgeRegisters(byClock bool) {
	registers := r.registers()
	for _, key := range slices.Sorted(maps.Keys(registers)) {
		reg := registers[key]
		for _, v := range slices.Sorted(maps.Keys(reg.writers)) {
			if !reg.hasPast[v] {
				r.replace(key, reg, transaction.Nothing, v, false)
			}
			for _, newer := range reg.later[v] {
				r.replace(key, reg, v, newer, false)
			}
		}
		if byClock {
			r.orderByClock(key, reg)
		}
	}
}

func (r *record) registers() map[int]*register {
	registers := make(map[int]*register)
	of := func(key int) *register {
		reg := registers[key]
		if reg == nil {
			reg = &register{
				writers: make(map[int]int), readers: make(map[int][]int),
				later: make(map[int][]int), hasPast: make(map[int]bool),
			}
			registers[key] = reg
		}
		return reg
	}
	wrote := make(map[version]int) // a transaction and a key to what it left there
	for _, w := range r.writes() {
		of(w.key).writers[w.last()] = w.txn
		wrote[version{w.key, w.txn}] = w.last()
	}
	for _, s := range r.sightings {
		reg := of(s.key)
		reg.readers[s.last()] = append(reg.readers[s.last()], s.txn)
		if from, took := r.writer(s.key, s.last()); took {
			r.add(dependency.WR, from, s.txn, s.key, s.last(), s.last(), false)
		}
		newer, writes := wrote[version{s.key, s.txn}]
		if _, final := reg.writers[s.last()]; writes && final {
			reg.later[s.last()] = append(reg.later[s.last()], newer)
			reg.hasPast[newer] = true
		}
	}
	return registers
}

// replace adds what follows from one version being older than another: its writer and
// its readers come before the other's writer.
func (r *record) replace(key int, reg *register, older, newer int, byClock bool) {
	to := reg.writers[newer]
	if from, ok := reg.writers[older]; ok {
		r.add(dependency.WW, from, to, key, older, newer, byClock)
	}
	for _, reader := range reg.readers[older] {
		r.add(dependency.RW, reader, to, key, older, newer, byClock)
	}
}

// orderByClock orders versions by when they were surely there. A version was there when
// the first transaction that wrote or read it ended, and was not yet replaced when the
// last one that wrote or read it began.
func (r *record) orderByClock(key int, reg *register) {
	versions := slices.Sorted(maps.Keys(reg.writers))
	intervals := make([]dependency.Interval, len(versions))
	for i, v := range versions {
		writer := r.txns[reg.writers[v]]
		intervals[i] = dependency.Interval{Start: writer.begin, End: writer.end}
		for _, reader := range reg.readers[v] {
			intervals[i].Start = max(intervals[i].Start, r.txns[reader].begin)
			intervals[i].End = min(intervals[i].End, r.txns[reader].end)
		}
	}
	dependency.Before(intervals, func(i, j int) {
		r.replace(key, reg, versions[i], versions[j], true)
	})
}
