package main

import "fmt"

// database is what nodes with transactions keep, as a whole, under one key of the
// linearizable service: keys to values, or to lists.
type database map[string]any

// apply carries out steps one after the other, on a copy.
func (db database) apply(steps []any) (database, []any) {
	after := database{}
	for k, v := range db {
		after[k] = v
	}
	var done []any
	for _, s := range steps {
		f, key, value := s.([]any)[0], s.([]any)[1], s.([]any)[2]
		name := fmt.Sprint(key)
		switch f {
		case "r":
			value = after[name]
		case "w":
			after[name] = value
		case "append":
			list, _ := after[name].([]any)
			after[name] = append(append([]any{}, list...), value)
		}
		done = append(done, []any{f, key, value})
	}
	return after, done
}

func writes(steps []any) bool {
	for _, s := range steps {
		if s.([]any)[0] != "r" {
			return true
		}
	}
	return false
}

// snapshot reads the database.
func (n *testNode) snapshot(then func(database)) {
	n.ask("lin-kv", body{"type": "read", "key": "db"}, func(answer body) {
		db, _ := answer["value"].(map[string]any)
		then(database(db))
	})
}

// swap replaces the database, if it is still the same.
func (n *testNode) swap(from, to database, then func(ok bool)) {
	if from == nil {
		from = database{}
	}
	n.ask("lin-kv", body{"type": "cas", "key": "db", "from": from, "to": to, "create_if_not_exists": true}, func(answer body) {
		then(answer["type"] == "cas_ok")
	})
}

// force carries out steps on the newest database, whatever it is.
func (n *testNode) force(steps []any, then func(done []any)) {
	n.snapshot(func(db database) {
		after, done := db.apply(steps)
		n.swap(db, after, func(ok bool) {
			if !ok {
				n.force(steps, then)
				return
			}
			then(done)
		})
	})
}

// transact is a transaction: all or nothing, on a state that is still the newest when it
// is replaced.
func (n *testNode) transact(steps []any, then func(ok bool, done []any)) {
	n.snapshot(func(db database) {
		after, done := db.apply(steps)
		if !writes(steps) {
			then(true, done)
			return
		}
		n.swap(db, after, func(ok bool) { then(ok, done) })
	})
}

func (n *testNode) answer(m wire, ok bool, done []any) {
	if !ok {
		n.reply(m, body{"type": "error", "code": 30, "text": "somebody else was faster"})
		return
	}
	n.reply(m, body{"type": "txn_ok", "txn": done})
}

// onTxn handles transactions with f.
func (n *testNode) onTxn(f func(m wire, steps []any)) {
	n.handlers["txn"] = func(m wire) { f(m, m.Body["txn"].([]any)) }
}

var txnKinds = map[string]func(*testNode){
	// txn is the reference: it leaves everything to one cas.
	"txn": func(n *testNode) {
		n.onTxn(func(m wire, steps []any) {
			n.transact(steps, func(ok bool, done []any) { n.answer(m, ok, done) })
		})
	},

	// txn-stale answers what only reads from a replica that is behind.
	"txn-stale": func(n *testNode) {
		var replica database
		age := 0
		n.onTxn(func(m wire, steps []any) {
			if writes(steps) {
				n.transact(steps, func(ok bool, done []any) { n.answer(m, ok, done) })
				return
			}
			if age++; age%10 == 0 {
				n.snapshot(func(db database) { replica = db })
			}
			_, done := replica.apply(steps)
			n.answer(m, true, done)
		})
	},

	// txn-committed reads what is committed, and writes at once, but to the state of
	// another time: what was written in between is overwritten unseen.
	"txn-committed": func(n *testNode) {
		n.onTxn(func(m wire, steps []any) {
			n.snapshot(func(db database) {
				_, done := db.apply(steps)
				n.force(steps, func([]any) { n.answer(m, true, done) })
			})
		})
	},

	// txn-lossy acknowledges every fifth transaction and does not carry it out.
	"txn-lossy": func(n *testNode) {
		count := 0
		n.onTxn(func(m wire, steps []any) {
			if count++; count%5 == 0 {
				n.snapshot(func(db database) {
					_, done := db.apply(steps)
					n.answer(m, true, done)
				})
				return
			}
			n.transact(steps, func(ok bool, done []any) { n.answer(m, ok, done) })
		})
	},

	// txn-torn carries out each step for itself.
	"txn-torn": func(n *testNode) {
		var next func(m wire, left, done []any)
		next = func(m wire, left, done []any) {
			if len(left) == 0 {
				n.answer(m, true, done)
				return
			}
			n.force(left[:1], func(one []any) { next(m, left[1:], append(done, one...)) })
		}
		n.onTxn(func(m wire, steps []any) { next(m, steps, nil) })
	},

	// txn-dirty says of every fifth transaction that it failed, after it carried it out.
	"txn-dirty": func(n *testNode) {
		count := 0
		n.onTxn(func(m wire, steps []any) {
			count++
			failing := count%5 == 0
			n.transact(steps, func(ok bool, done []any) { n.answer(m, ok && !failing, done) })
		})
	},

	// txn-other answers another question.
	"txn-other": func(n *testNode) {
		n.onTxn(func(m wire, steps []any) { n.answer(m, true, steps[:len(steps)-1]) })
	},
}
