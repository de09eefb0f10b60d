package kv

import (
	"errors"
	"fmt"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// once carries a named request out, unless it was carried out before. Then it gives the
// answer of that time, or says that this is not known any more.
func (a *applier) once(entry *Entry, body []byte, result *Result) error {
	req, known := parseOnce(body)
	switch {
	case !known:
		result.Outcome = Malformed
		return nil
	case req.refused():
		result.Outcome = Refused
		return nil
	}
	if err := a.dropIdle(entry.Timestamp); err != nil {
		return err
	}
	c := &client{name: [onceClientBytes]byte(req.name.GetClient())}
	remembered, err := a.readClient(c)
	if err != nil {
		return err
	}
	sequence := req.name.GetSequence()
	if sequence < c.low || (!remembered && req.name.GetLow() > 1) {
		// Of a client that had a request answered before, and that nobody knows, more was
		// forgotten than can be told.
		result.Outcome = Forgotten
		return nil
	}
	before := *c
	if err := a.dropAnswers(c, req.name.GetLow()); err != nil {
		return err
	}
	repeated, err := a.repeat(c, sequence, result)
	if err == nil && !repeated {
		err = a.first(entry, &req, c, result)
	}
	if err != nil {
		return err
	}
	c.last, c.high, c.idle = max(c.last, entry.Timestamp), max(c.high, sequence), false
	if !remembered {
		if err := a.makeRoom(); err != nil {
			return err
		}
		a.state.clients++
	}
	return a.keepClient(c, &before, remembered)
}

// first carries a request out, and keeps its answer if there is room.
func (a *applier) first(entry *Entry, req *onceRequest, c *client, result *Result) (err error) {
	var answer []byte
	if req.write != nil {
		result.Response, err = a.carryOut(entry.Timestamp, req.write)
		answer = append([]byte{onceWrite}, encode(result.Response)...)
	} else {
		result.Transaction, err = a.transaction(entry.Timestamp, req.transaction)
		answer = append([]byte{onceTransaction}, encode(result.Transaction)...)
	}
	if err != nil {
		return err
	}
	if c.kept+uint64(len(answer)) > onceKeptBytes {
		answer = []byte{onceUnknown}
	}
	c.kept += uint64(len(answer))
	return a.set(appendAnswerKey(nil, a.shard, c, req.name.GetSequence()), answer)
}

// repeat gives the answer that is kept for a request, and reports whether it was
// carried out before.
func (a *applier) repeat(c *client, sequence uint64, result *Result) (bool, error) {
	value, closer, err := a.batch.Get(appendAnswerKey(nil, a.shard, c, sequence))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read answer: %w", err)
	}
	defer closer.Close()
	write, transaction, err := decodeAnswer(value)
	if err != nil {
		return false, a.clientCorruption(c, fmt.Sprintf("answer %d of", sequence), err)
	}
	result.Response, result.Transaction, result.Repeated = write, transaction, true
	if write == nil && transaction == nil {
		result.Outcome = Forgotten
	}
	return true, nil
}

// readClient reads what is remembered of a client, if anything is.
func (a *applier) readClient(c *client) (bool, error) {
	value, closer, err := a.batch.Get(appendClientKey(nil, a.shard, c))
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read client: %w", err)
	}
	defer closer.Close()
	read, err := decodeClient(c.name[:], value)
	if err != nil {
		return false, a.clientCorruption(c, "", err)
	}
	*c = read
	return true, nil
}

func (a *applier) clientCorruption(c *client, what string, err error) error {
	return &CorruptionError{Shard: a.shard, Row: fmt.Sprintf("%sclient %x", what, c.name), Detail: err.Error()}
}

// keepClient writes down what is remembered of a client, and its place among all of
// them. Before is what was remembered, if anything was.
func (a *applier) keepClient(c, before *client, remembered bool) error {
	moved := before.last != c.last || before.idle != c.idle
	if remembered && moved {
		if err := a.unset(appendAgeKey(nil, a.shard, before)); err != nil {
			return err
		}
	}
	if !remembered || moved {
		if err := a.set(appendAgeKey(nil, a.shard, c), nil); err != nil {
			return err
		}
	}
	a.value = appendClient(a.value[:0], c)
	return a.set(appendClientKey(nil, a.shard, c), a.value)
}

// dropAnswers drops the answers below a sequence, and remembers that nothing below it is
// carried out any more.
func (a *applier) dropAnswers(c *client, low uint64) (err error) {
	if low <= c.low {
		return nil
	}
	it, err := a.batch.NewIter(&pebble.IterOptions{
		LowerBound: appendAnswerKey(nil, a.shard, c, c.low), UpperBound: appendAnswerKey(nil, a.shard, c, low),
	})
	if err != nil {
		return fmt.Errorf("walk answers: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid(); it.Next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return fmt.Errorf("walk answers: %w", err)
		}
		c.kept -= min(c.kept, uint64(len(value)))
		if err := a.unset(it.Key()); err != nil {
			return err
		}
	}
	c.low = low
	return nil
}

// dropIdle drops the answers to clients that have not written for long, those first that
// have been idle for longest.
func (a *applier) dropIdle(now uint64) error {
	if a.state.clients == 0 || now < onceIdleMs {
		return nil
	}
	idle, err := a.oldest(standingActive, onceIdled, now-onceIdleMs)
	for _, c := range idle {
		if err := a.setIdle(c); err != nil {
			return err
		}
	}
	return err
}

// setIdle drops the answers to a client. What it repeats from now on is refused, and
// what it asks for the first time is not.
func (a *applier) setIdle(c *client) error {
	if _, err := a.readClient(c); err != nil {
		return err
	}
	before := *c
	if err := a.dropAnswers(c, c.high+1); err != nil {
		return err
	}
	c.idle = true
	return a.keepClient(c, &before, true)
}

// makeRoom forgets a client, if there may be no more.
func (a *applier) makeRoom() error {
	if a.state.clients < onceClients {
		return nil
	}
	oldest, err := a.oldest(standingIdle, 1, math.MaxUint64)
	for _, c := range oldest {
		if err := a.forget(c); err != nil {
			return err
		}
	}
	return err
}

// oldest returns so many of the clients of a standing, or of those that come after it,
// which have been idle for longest and have not written since a time, with no more than
// their places.
func (a *applier) oldest(standing byte, most int, since uint64) (clients []*client, err error) {
	it, err := a.batch.NewIter(&pebble.IterOptions{
		LowerBound: append(appendSpan(nil, a.shard, spanAges), standing), UpperBound: appendSpan(nil, a.shard, spanAges+1),
	})
	if err != nil {
		return nil, fmt.Errorf("walk clients: %w", err)
	}
	defer func() { err = errors.Join(err, it.Close()) }()
	for it.First(); it.Valid() && len(clients) < most; it.Next() {
		c, known := parseAge(it.Key()[prefixBytes:])
		if !known {
			return nil, &CorruptionError{Shard: a.shard, Row: fmt.Sprintf("age %x", it.Key()[prefixBytes:]), Detail: errClientKey.Error()}
		}
		if c.last > since {
			break
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// parseAge reads the own key of a row of ages.
func parseAge(own []byte) (c *client, known bool) {
	f := fields{rest: own}
	standing := f.byte()
	last := f.uint64()
	if f.err != nil || len(f.rest) != onceClientBytes || standing > standingActive {
		return nil, false
	}
	return &client{name: [onceClientBytes]byte(f.rest), last: last, idle: standing == standingIdle}, true
}

// forget removes all that there is of a client.
func (a *applier) forget(c *client) error {
	if _, err := a.readClient(c); err != nil {
		return err
	}
	if err := a.dropAnswers(c, c.high+1); err != nil {
		return err
	}
	if err := a.unset(appendAgeKey(nil, a.shard, c)); err != nil {
		return err
	}
	a.state.clients--
	return a.unset(appendClientKey(nil, a.shard, c))
}
