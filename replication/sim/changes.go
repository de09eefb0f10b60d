package sim

import (
	"fmt"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
)

// put writes a register, whatever it holds.
func (c *client) put(key string) change {
	value, stored := c.value()
	return change{
		put: &api.PutRequest{Key: key, Value: stored}, text: fmt.Sprintf("put %s=%d", key, value),
		understand: func(e ending, answer any) error {
			e.call(key, callSet, 0, value)
			if answer == nil {
				return nil
			}
			res := answer.(*api.PutResponse)
			if res.GetStatus() != api.Status_OK {
				return fmt.Errorf("a put without condition is answered with %v", res.GetStatus())
			}
			return e.putHappened(key, value, res)
		},
	}
}

// putHappened enters a put that happened.
func (e ending) putHappened(key string, value int, res *api.PutResponse) error {
	s := sighting{value, res.GetVersion().GetVersionId()}
	e.seen[register{e.request.shard, key}] = s
	e.history.happened(e.request.shard, knownPut{
		key: key, value: value, version: s.version, called: e.request.called, ended: e.tick,
	})
	return e.history.versionIs(e.request.shard, s)
}

// conditionalPut writes a register if it is as the client saw it.
func (c *client) conditionalPut(shard replication.ShardID, key string) change {
	value, stored := c.value()
	before := c.seen[register{shard, key}]
	expected := before.version
	if before.value == 0 {
		expected = -1
	}
	return change{
		put:  &api.PutRequest{Key: key, Value: stored, ExpectedVersionId: &expected},
		text: fmt.Sprintf("put %s=%d over %d", key, value, before.value),
		understand: func(e ending, answer any) error {
			if answer == nil {
				e.call(key, callSwap, before.value, value)
				return nil
			}
			switch res := answer.(*api.PutResponse); res.GetStatus() {
			case api.Status_OK:
				e.call(key, callSwap, before.value, value)
				return e.putHappened(key, value, res)
			case api.Status_UNEXPECTED_VERSION_ID:
				e.call(key, callDiffers, before.value, 0)
				delete(e.seen, register{shard, key})
				return nil
			default:
				return fmt.Errorf("a conditional put is answered with %v", res.GetStatus())
			}
		},
	}
}

// remove deletes a register, if it is there.
func (c *client) remove(key string) change {
	return change{
		remove: &api.DeleteRequest{Key: key}, text: "delete " + key,
		understand: func(e ending, answer any) error {
			delete(e.seen, register{e.request.shard, key})
			if answer == nil {
				e.call(key, callSet, 0, 0)
				return nil
			}
			switch res := answer.(*api.DeleteResponse); res.GetStatus() {
			case api.Status_OK:
				e.call(key, callRemove, 0, 0)
				return nil
			case api.Status_KEY_NOT_FOUND:
				e.call(key, callRead, 0, 0)
				return nil
			default:
				return fmt.Errorf("a delete is answered with %v", res.GetStatus())
			}
		},
	}
}

// conditionalRemove deletes a register if it is as the client saw it.
func (c *client) conditionalRemove(shard replication.ShardID, key string) change {
	before := c.seen[register{shard, key}]
	if before.value == 0 {
		return c.remove(key)
	}
	return change{
		remove: &api.DeleteRequest{Key: key, ExpectedVersionId: &before.version},
		text:   fmt.Sprintf("delete %s if %d", key, before.value),
		understand: func(e ending, answer any) error {
			delete(e.seen, register{e.request.shard, key})
			if answer == nil {
				e.call(key, callSwap, before.value, 0)
				return nil
			}
			switch res := answer.(*api.DeleteResponse); res.GetStatus() {
			case api.Status_OK:
				e.call(key, callSwap, before.value, 0)
			case api.Status_UNEXPECTED_VERSION_ID:
				e.call(key, callDiffers, before.value, 0)
			case api.Status_KEY_NOT_FOUND:
				e.call(key, callRead, 0, 0)
			default:
				return fmt.Errorf("a conditional delete is answered with %v", res.GetStatus())
			}
			return nil
		},
	}
}

// removeAll deletes all registers.
func (c *client) removeAll() change {
	return change{
		removeAll: &api.DeleteRangeRequest{StartInclusive: "r", EndExclusive: "s"}, text: "delete all",
		understand: func(e ending, answer any) error {
			for i := range e.world.config.Keys {
				delete(e.seen, register{e.request.shard, registerKey(i)})
				e.call(registerKey(i), callSet, 0, 0)
			}
			if res, answered := answer.(*api.DeleteRangeResponse); answered && res.GetStatus() != api.Status_OK {
				return fmt.Errorf("a range delete is answered with %v", res.GetStatus())
			}
			return nil
		},
	}
}

// several changes up to three different registers in one request.
func (c *client) several(shard replication.ShardID) []change {
	order := c.random.Perm(c.world.config.Keys)
	var changes []change
	for _, i := range order[:min(len(order), 1+c.random.IntN(3))] {
		switch key := registerKey(i); c.random.IntN(4) {
		case 0:
			changes = append(changes, c.remove(key))
		case 1:
			changes = append(changes, c.conditionalPut(shard, key))
		default:
			changes = append(changes, c.put(key))
		}
	}
	return changes
}
