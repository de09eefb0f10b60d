package sim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/internal/anomaly"
	"github.com/ostraka-db/ostraka/internal/checker"
	"github.com/ostraka-db/ostraka/internal/history"
	"github.com/ostraka-db/ostraka/internal/transaction"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// Transactions append to lists and read them. A list is a record whose value is its
// elements, with a comma after each.

const (
	// listKeys is how many lists of a shard are in use at a time, listLength how many
	// elements are appended to one before another takes its place.
	listKeys   = 3
	listLength = 12
	// txnSteps is the most steps of a transaction.
	txnSteps = 4
)

// lists are the lists of a shard: how many elements each was to be appended.
type lists struct {
	inUse    [listKeys]int
	last     int
	elements map[int]int
}

func listKey(key int) string { return "t" + strconv.Itoa(key) }

// transactionWork makes a request of a transaction.
func transactionWork(req *api.TransactionRequest, text string, understand func(ending, *api.TransactionResponse) error) work {
	decode := func(e ending) error {
		if !e.done() {
			return understand(e, nil)
		}
		var res api.TransactionResponse
		if err := proto.Unmarshal(e.outcome.Result, &res); err != nil {
			return err
		}
		return understand(e, &res)
	}
	if kv.ReadsOnly(req) {
		return readWork(storage.QueryTransaction, req, text, decode)
	}
	return work{
		kind: replication.RequestWrite, body: kv.TransactionPayload(encode(req)), text: text, understand: decode,
	}
}

// swap writes a register by a transaction, if it is as the client saw it.
func (c *client) swap(shard replication.ShardID, key string) work {
	value, stored := c.value()
	before := c.seen[register{shard, key}]
	condition := &api.TransactionCondition{Key: key, Expectation: &api.TransactionCondition_VersionId{VersionId: before.version}}
	if before.value == 0 {
		condition.Expectation = &api.TransactionCondition_Exists{Exists: false}
	}
	req := &api.TransactionRequest{
		Conditions: []*api.TransactionCondition{condition},
		Operations: []*api.TransactionOperation{{Operation: &api.TransactionOperation_Put{
			Put: &api.TransactionPut{Key: key, Value: stored},
		}}},
	}
	text := fmt.Sprintf("swap %s from %d to %d", key, before.value, value)
	return transactionWork(req, text, func(e ending, res *api.TransactionResponse) error {
		switch {
		case e.unknown() || res.GetStatus() == api.TransactionResponse_COMMITTED:
			e.call(key, callSwap, before.value, value)
		case !e.done():
		case res.GetStatus() == api.TransactionResponse_CONDITION_FAILED:
			e.call(key, callDiffers, before.value, 0)
			delete(e.seen, register{shard, key})
		default:
			return fmt.Errorf("a transaction ended with %v", res.GetStatus())
		}
		return nil
	})
}

// transact draws a transaction over lists.
func (c *client) transact(shard replication.ShardID) work {
	asked := transaction.Txn{Data: transaction.Lists}
	l := c.listsOf(shard)
	for range 1 + c.random.IntN(txnSteps) {
		place := c.random.IntN(listKeys)
		step := transaction.Step{F: transaction.Read, Key: l.inUse[place]}
		if c.random.IntN(2) == 0 {
			step.F, step.Value = transaction.Append, l.append(place)
		}
		asked.Steps = append(asked.Steps, step)
	}
	return transactionWork(requestOf(asked), "txn "+asked.String(), func(e ending, res *api.TransactionResponse) error {
		return e.transacted(asked, res)
	})
}

func (c *clients) listsOf(shard replication.ShardID) *lists {
	if c.lists == nil {
		c.lists = map[replication.ShardID]*lists{}
	}
	if c.lists[shard] == nil {
		c.lists[shard] = &lists{inUse: [listKeys]int{1, 2, 3}, last: listKeys, elements: map[int]int{}}
	}
	return c.lists[shard]
}

// append numbers the next element of a list, and puts another list in its place when
// it is long enough.
func (l *lists) append(place int) int {
	key := l.inUse[place]
	l.elements[key]++
	if l.elements[key] == listLength {
		l.last++
		l.inUse[place] = l.last
	}
	return l.elements[key]
}

func requestOf(t transaction.Txn) *api.TransactionRequest {
	req := &api.TransactionRequest{}
	for _, s := range t.Steps {
		op := &api.TransactionOperation{}
		if s.F == transaction.Read {
			op.Operation = &api.TransactionOperation_Get{Get: &api.TransactionGet{Key: listKey(s.Key), IncludeValue: true}}
		} else {
			element := strconv.Itoa(s.Value) + ","
			op.Operation = &api.TransactionOperation_Append{Append: &api.TransactionAppend{Key: listKey(s.Key), Value: []byte(element)}}
		}
		req.Operations = append(req.Operations, op)
	}
	return req
}

// transacted enters a transaction into the history.
func (e ending) transacted(asked transaction.Txn, res *api.TransactionResponse) error {
	completed := asked
	ended := history.Fail
	switch {
	case e.unknown():
		ended = history.Info
	case e.done():
		if res.GetStatus() != api.TransactionResponse_COMMITTED || len(res.GetResults()) != len(asked.Steps) {
			return fmt.Errorf("a transaction ended with %v and %d results", res.GetStatus(), len(res.GetResults()))
		}
		ended = history.OK
		completed.Steps = slices.Clone(asked.Steps)
		for i, record := range res.GetResults() {
			if asked.Steps[i].F != transaction.Read {
				continue
			}
			found, err := parseList(record.GetValue())
			if err != nil {
				return err
			}
			completed.Steps[i].Found = found
		}
	}
	e.history.transacted(e.request.shard, history.Operation{
		Invoke:   &history.Event{Index: int(e.request.called), Type: history.Invoke, Process: history.Process(e.index), Value: asked},
		Complete: &history.Event{Index: int(e.tick), Type: ended, Process: history.Process(e.index), Value: completed},
	})
	return nil
}

func parseList(stored []byte) ([]int, error) {
	var list []int
	for word := range strings.SplitSeq(strings.TrimSuffix(string(stored), ","), ",") {
		if word == "" {
			continue
		}
		element, err := strconv.Atoi(word)
		if err != nil {
			return nil, fmt.Errorf("a list holds %q, which nobody appended", stored)
		}
		list = append(list, element)
	}
	return list, nil
}

// transacted enters a transaction.
func (h *histories) transacted(shard replication.ShardID, op history.Operation) {
	if h.txns == nil {
		h.txns = map[replication.ShardID][]history.Operation{}
	}
	h.txns[shard] = append(h.txns[shard], op)
}

// txnsAreSerial: there is an order of a shard's transactions, one after the other and
// none before one that had ended when it began, that explains what they read.
func (h *histories) txnsAreSerial() error {
	for shard, ops := range h.txns {
		slices.SortFunc(ops, func(a, b history.Operation) int { return a.Invoke.Index - b.Invoke.Index })
		result := anomaly.Check(ops, anomaly.Config{Data: transaction.Lists, RealTime: true})
		if result.Verdict != checker.Valid {
			return fmt.Errorf("transactions of shard %d: %s", shard, strings.Join(result.Reasons, "\n"))
		}
	}
	return nil
}
