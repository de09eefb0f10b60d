package sim

import (
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/kv"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// Sessions: clients create them, put records that are theirs, and end them; others end
// them too, as a leader does that has not heard of a client. An ephemeral record is
// there exactly as long as its session.

const (
	// sessionsOf is how many sessions of a shard are in use at a time.
	sessionsOf = 4
	// sessionTimeout is of no consequence: nobody here waits for it.
	sessionTimeout = 10 * time.Second
)

// session is one, from the moment when a client knows that it was created.
type session struct {
	id int64
	// ending is the tick when somebody first asked for its end, and ended that when
	// somebody first knew it ended; zero before.
	ending, ended int64
	records       []*ephemeral
}

// ephemeral is a record of a session, from when its put was asked for. Nobody but that
// put writes its key.
type ephemeral struct {
	key string
	// put is the tick when it was known to be put, zero before.
	put int64
}

// note takes note of the first of what is told more than once.
func note(at *int64, tick int64) {
	if *at == 0 {
		*at = tick
	}
}

// useSessions draws what the client does with the sessions of a shard.
func (c *client) useSessions(shard replication.ShardID) work {
	if c.sessions == nil {
		c.sessions = map[replication.ShardID][]*session{}
	}
	all := c.sessions[shard]
	if len(all) < sessionsOf {
		return c.createSession(shard)
	}
	s := all[c.random.IntN(len(all))]
	switch p := c.random.IntN(100); {
	case p < 40:
		return c.putEphemeral(s)
	case p < 85 && len(s.records) > 0:
		return c.getEphemeral(s, s.records[c.random.IntN(len(s.records))])
	}
	return c.endSession(shard, s)
}

func (c *client) createSession(shard replication.ShardID) work {
	return work{
		kind: replication.RequestWrite, body: kv.CreateSessionPayload(sessionTimeout, strconv.Itoa(c.index)), text: "create a session",
		understand: func(e ending) error {
			if !e.done() {
				return nil
			}
			var res api.CreateSessionResponse
			if err := proto.Unmarshal(e.outcome.Result, &res); err != nil {
				return err
			}
			for _, other := range e.sessions[shard] {
				if other.id == res.GetSessionId() {
					return fmt.Errorf("session %d of shard %d was created twice", other.id, shard)
				}
			}
			e.sessions[shard] = append(e.sessions[shard], &session{id: res.GetSessionId()})
			return nil
		},
	}
}

func (c *client) putEphemeral(s *session) work {
	value, stored := c.value()
	record := &ephemeral{key: fmt.Sprintf("e%d.%d", s.id, value)}
	s.records = append(s.records, record)
	put := &api.PutRequest{Key: record.key, Value: stored, SessionId: &s.id}
	return c.write(0, change{put: put, text: "put " + record.key, understand: func(e ending, answer any) error {
		if !e.done() {
			return nil
		}
		switch status := answer.(*api.PutResponse).GetStatus(); {
		case status == api.Status_OK && s.ended != 0 && s.ended < e.request.called:
			return fmt.Errorf("%s was put in a session that had ended at %d", record.key, s.ended)
		case status == api.Status_OK:
			note(&record.put, e.tick)
		case status != api.Status_SESSION_DOES_NOT_EXIST:
			return fmt.Errorf("answered with %v", status)
		case s.ending == 0:
			return fmt.Errorf("session %d is not there, and nobody asked for its end", s.id)
		default:
			note(&s.ended, e.tick)
		}
		return nil
	}})
}

// getEphemeral reads a record of a session.
func (c *client) getEphemeral(s *session, record *ephemeral) work {
	req := &api.ReadRequest{Gets: []*api.GetRequest{{Key: record.key}}}
	return readWork(storage.QueryRead, req, "get "+record.key, func(e ending) error {
		answers, err := e.answers(1)
		if err != nil || answers == nil {
			return err
		}
		found := answers[0].GetStatus() == api.Status_OK
		switch {
		case found && s.ended != 0 && s.ended < e.request.called:
			return fmt.Errorf("%s is there, and its session had ended at %d", record.key, s.ended)
		case found && answers[0].GetVersion().GetSessionId() != s.id:
			return fmt.Errorf("%s is of session %d", record.key, answers[0].GetVersion().GetSessionId())
		case !found && record.put != 0 && record.put < e.request.called && s.ending == 0:
			return fmt.Errorf("%s is not there, and nobody asked for the end of session %d", record.key, s.id)
		}
		return nil
	})
}

// endSession ends a session, as its client does or as a leader, and lets another take
// its place.
func (c *client) endSession(shard replication.ShardID, s *session) work {
	body, text := kv.CloseSessionsPayload(s.id), "close session "
	if c.random.IntN(2) == 0 {
		body, text = kv.ExpireSessionsPayload(s.id), "expire session "
	}
	note(&s.ending, c.world.tick())
	return work{
		kind: replication.RequestWrite, body: body, text: text + strconv.FormatInt(s.id, 10),
		understand: func(e ending) error {
			if !e.done() {
				return nil
			}
			if _, err := kv.DecodeEndedSessions(e.outcome.Result); err != nil {
				return err
			}
			note(&s.ended, e.tick)
			if all := e.sessions[shard]; len(s.records) > 0 && e.random.IntN(2) == 0 {
				// Some stay in use, for those who do not know yet.
				for i := range all {
					if all[i] == s {
						e.sessions[shard] = append(all[:i:i], all[i+1:]...)
						break
					}
				}
			}
			return nil
		},
	}
}

// sessionsAgree: a replica has the records of its sessions, and no other ephemeral
// ones.
func (w *world) sessionsAgree(shard replication.ShardID, db *kv.DB) error {
	there, err := db.Sessions(kv.ShardID(shard))
	if err != nil {
		return err
	}
	alive := map[int64]bool{}
	for _, s := range there {
		alive[s.ID] = true
	}
	for _, s := range w.clients.sessions[shard] {
		switch {
		case alive[s.id] && s.ended != 0:
			return fmt.Errorf("shard %d: session %d is there, and had ended at %d", shard, s.id, s.ended)
		case !alive[s.id] && s.ending == 0:
			return fmt.Errorf("shard %d: session %d is not there, and nobody asked for its end", shard, s.id)
		}
		for _, record := range s.records {
			res, err := db.Read(kv.ShardID(shard), &api.ReadRequest{Gets: []*api.GetRequest{{Key: record.key}}})
			if err != nil {
				return err
			}
			found := res.GetGets()[0].GetStatus() == api.Status_OK
			if found && !alive[s.id] {
				return fmt.Errorf("shard %d: %s is there without its session", shard, record.key)
			}
			if !found && alive[s.id] && record.put != 0 {
				return fmt.Errorf("shard %d: %s is not there, and its session is", shard, record.key)
			}
		}
	}
	return nil
}
