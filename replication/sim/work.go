package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// work is one request to a shard, and what its outcome means.
type work struct {
	kind replication.RequestKind
	body []byte
	text string
	// understand enters the outcome into the history. The result is of a request that
	// is done.
	understand func(e ending) error
}

// ending is the end of a request.
type ending struct {
	*client
	request *request
	outcome replication.Outcome
	tick    int64
}

func (w work) String() string { return w.text }

func (w work) ended(c *client, r *request, o replication.Outcome, tick int64) error {
	if err := w.understand(ending{c, r, o, tick}); err != nil {
		return fmt.Errorf("request #%d of client %d (%s): %w", r.id, c.index, w.text, err)
	}
	return nil
}

func (e ending) done() bool    { return e.outcome.Kind == replication.OutcomeDone }
func (e ending) unknown() bool { return e.outcome.Kind == replication.OutcomeUnknown }

// call enters an operation on a register.
func (e ending) call(key string, kind callKind, a, b int) {
	c := call{kind: kind, a: a, b: b, called: e.request.called, ended: e.tick, client: e.index}
	if e.unknown() {
		c.unknown, c.ended = true, forever
	}
	e.history.add(register{e.request.shard, key}, c)
}

// draw draws what the client asks next.
func (c *client) draw(shard replication.ShardID) work {
	if c.world.config.Sessions && c.random.IntN(4) == 0 {
		return c.useSessions(shard)
	}
	key := c.key()
	switch p := c.random.IntN(100); {
	case p < 25:
		return c.get(key)
	case p < 45:
		return c.write(shard, c.put(key))
	case p < 57:
		return c.write(shard, c.conditionalPut(shard, key))
	case p < 62:
		return c.write(shard, c.remove(key))
	case p < 66:
		return c.write(shard, c.conditionalRemove(shard, key))
	case p < 74:
		return c.write(shard, c.several(shard)...)
	case p < 76:
		return c.write(shard, c.removeAll())
	case p < 82:
		return c.swap(shard, key)
	case p < 90:
		return c.scan()
	}
	return c.transact(shard)
}

func registerKey(i int) string { return "r" + strconv.Itoa(i) }

func (c *client) key() string { return registerKey(c.random.IntN(c.world.config.Keys)) }

// value draws a value that no other write has, and how it is stored: with a tail of
// some length.
func (c *client) value() (int, []byte) {
	c.values++
	return c.values, storedValue(c.values, c.random, c.world.config.ValueBytes)
}

func storedValue(value int, random *rand.Rand, most int) []byte {
	tail := 0
	if most > 0 {
		tail = random.IntN(most)
	}
	return []byte(strconv.Itoa(value) + ":" + strings.Repeat("x", tail))
}

func parseValue(stored []byte) (int, error) {
	number, _, _ := strings.Cut(string(stored), ":")
	value, err := strconv.Atoi(number)
	if err != nil {
		return 0, fmt.Errorf("a record holds %q, which nobody wrote", stored)
	}
	return value, nil
}

// readWork is a read of package api.
func readWork(tag byte, req proto.Message, text string, understand func(ending) error) work {
	body, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend([]byte{tag}, req)
	if err != nil {
		panic(fmt.Sprintf("sim: a request does not encode: %v", err))
	}
	return work{kind: replication.RequestRead, body: body, text: text, understand: understand}
}

func encode(req proto.Message) []byte {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(req)
	if err != nil {
		panic(fmt.Sprintf("sim: a request does not encode: %v", err))
	}
	return body
}

// get reads one register.
func (c *client) get(key string) work {
	req := &api.ReadRequest{Gets: []*api.GetRequest{{Key: key, IncludeValue: true}}}
	return readWork(storage.QueryRead, req, "get "+key, func(e ending) error {
		seen, err := e.answers(1)
		if err != nil || seen == nil {
			return err
		}
		return e.saw(key, seen[0])
	})
}

// answers decodes the result of a read; nil if there is none.
func (e ending) answers(count int) ([]*api.GetResponse, error) {
	if !e.done() {
		return nil, nil
	}
	var res api.ReadResponse
	if err := proto.Unmarshal(e.outcome.Result, &res); err != nil || len(res.GetGets()) != count {
		return nil, fmt.Errorf("%d answers, %v", len(res.GetGets()), err)
	}
	return res.GetGets(), nil
}

// saw enters that a register was read.
func (e ending) saw(key string, res *api.GetResponse) error {
	seen, err := e.sighting(res)
	if err != nil {
		return err
	}
	e.seen[register{e.request.shard, key}] = seen
	e.call(key, callRead, seen.value, 0)
	return nil
}

func (e ending) sighting(res *api.GetResponse) (sighting, error) {
	switch res.GetStatus() {
	case api.Status_KEY_NOT_FOUND:
		return sighting{}, nil
	case api.Status_OK:
		value, err := parseValue(res.GetValue())
		if err != nil {
			return sighting{}, err
		}
		s := sighting{value, res.GetVersion().GetVersionId()}
		return s, e.history.versionIs(e.request.shard, s)
	}
	return sighting{}, fmt.Errorf("answered with %v", res.GetStatus())
}

// scan reads all registers at one moment, and asks the same in another way.
func (c *client) scan() work {
	count := c.world.config.Keys
	req := &api.ReadRequest{}
	for i := range count {
		req.Gets = append(req.Gets, &api.GetRequest{Key: registerKey(i), IncludeValue: true})
	}
	for i := range count {
		req.Gets = append(req.Gets, &api.GetRequest{
			Key: registerKey(i), IncludeValue: true, ComparisonType: api.KeyComparisonType_CEILING,
		})
	}
	return readWork(storage.QueryRead, req, "scan", func(e ending) error { return e.scanned(count) })
}

func (e ending) scanned(count int) error {
	answers, err := e.answers(2 * count)
	if err != nil || answers == nil {
		return err
	}
	s := scan{shard: e.request.shard, request: e.request.id}
	for i := range count {
		seen, err := e.sighting(answers[i])
		if err != nil {
			return err
		}
		s.keys, s.seen = append(s.keys, registerKey(i)), append(s.seen, seen)
		if err := e.saw(registerKey(i), answers[i]); err != nil {
			return err
		}
	}
	for i := range count {
		next := i
		for next < count && s.seen[next].value == 0 {
			next++
		}
		if found := answers[count+i]; next < count &&
			(found.GetKey() != registerKey(next) || found.GetVersion().GetVersionId() != s.seen[next].version) {
			return fmt.Errorf("the first record from %s on is %s, and %s was there at the same moment",
				registerKey(i), found.GetKey(), registerKey(next))
		}
	}
	e.history.scans = append(e.history.scans, s)
	return nil
}

// change is one operation of a write. Its answer is understood by itself.
type change struct {
	put        *api.PutRequest
	remove     *api.DeleteRequest
	removeAll  *api.DeleteRangeRequest
	text       string
	understand func(e ending, answer any) error
}

// write makes one request of changes of different registers.
func (c *client) write(_ replication.ShardID, changes ...change) work {
	req := &api.WriteRequest{}
	texts := make([]string, len(changes))
	for i, ch := range changes {
		texts[i] = ch.text
		switch {
		case ch.put != nil:
			req.Puts = append(req.Puts, ch.put)
		case ch.remove != nil:
			req.Deletes = append(req.Deletes, ch.remove)
		default:
			req.DeleteRanges = append(req.DeleteRanges, ch.removeAll)
		}
	}
	return work{
		kind: replication.RequestWrite, body: kv.WritePayload(encode(req)), text: strings.Join(texts, ", "),
		understand: func(e ending) error { return e.wrote(changes) },
	}
}

func (e ending) wrote(changes []change) error {
	if e.outcome.Kind == replication.OutcomeRefused {
		return nil
	}
	var res api.WriteResponse
	if e.done() {
		if err := proto.Unmarshal(e.outcome.Result, &res); err != nil {
			return err
		}
	}
	var puts, removes int
	for _, ch := range changes {
		var answer any
		if e.done() {
			switch {
			case ch.put != nil && puts < len(res.GetPuts()):
				answer = res.GetPuts()[puts]
				puts++
			case ch.remove != nil && removes < len(res.GetDeletes()):
				answer = res.GetDeletes()[removes]
				removes++
			case ch.removeAll != nil && len(res.GetDeleteRanges()) == 1:
				answer = res.GetDeleteRanges()[0]
			default:
				return fmt.Errorf("no answer for %s", ch.text)
			}
		}
		if err := ch.understand(e, answer); err != nil {
			return err
		}
	}
	return nil
}
