package trace

import (
	"github.com/ostraka-db/ostraka/replication"
)

// electionStep converts a step of an election. What it asks of whom, and why it
// doubts a leader, is rule 0 and changes nothing.
func (c *converter) electionStep(l *Line) error {
	key := runKey{server: l.Server, run: l.Run}
	before := c.phases[key]
	c.phases[key] = l.Election.Phase
	first := len(c.steps)
	if err := c.evidence(l); err != nil {
		return err
	}
	name := field{"c", text(c.names.coordinator(key))}
	if err := c.storeAnswered(l, key, name); err != nil {
		return err
	}
	if reply, ok := messageOf[replication.NewTermReply](l.Event); ok && reply.Refused == 0 {
		c.told(l, name, reply)
	}
	if before != "starting" && l.Election.Phase == "starting" {
		c.chooses(l, name)
	}
	if doc := l.Effects.Store; doc != nil {
		c.stores(l, name, doc)
	}
	sent := c.sentByCoordinator(l)
	if len(c.steps) == first && len(sent) == 0 && before == l.Election.Phase {
		return nil
	}
	// What was seen hangs on an action of the coordinator's own.
	c.emit("Still", name)
	c.seen("coordinator", field{"o", record(
		field{"phase", text(l.Election.Phase)}, field{"mine", c.names.term(l.Election.Mine)},
	)}, field{"sent", tuple(sent...)})
	return nil
}

func messageOf[M replication.Message](event replication.Event) (M, bool) {
	receive, ok := event.(replication.Receive)
	if !ok {
		var none M
		return none, false
	}
	m, ok := receive.Envelope.Message.(M)
	return m, ok
}

// evidence: what a step shows of the document was stored before it.
func (c *converter) evidence(l *Line) error {
	if loaded, ok := l.Event.(replication.DocumentLoaded); ok && loaded.Found {
		if err := c.placeUpTo(loaded.Document.Version); err != nil {
			return err
		}
	}
	if learned := l.Effects.Learned; learned != nil {
		return c.placeUpTo(learned.Version)
	}
	return nil
}

// storeAnswered: the author of a call learns what became of it, or waits for it no
// longer.
func (c *converter) storeAnswered(l *Line, key runKey, name field) error {
	if answered := c.calls.answered[c.line]; answered != nil {
		switch answered.outcome {
		case replication.StoreDone, replication.StoreConflict:
			// A conflict shows that somebody else made this version.
			if err := c.placeUpTo(answered.doc.Version); err != nil {
				return err
			}
			if answered.flying && !answered.namesDisks() {
				c.emit("Stored", name, field{"won", boolean(false)})
			}
		case replication.StoreUnknown:
			if answered.flying && !answered.namesDisks() {
				c.emit("Lost", name)
			}
		}
		answered.flying = false
	}
	if storing(l.Election.Phase) && l.Effects.Store == nil {
		return nil
	}
	for _, made := range c.calls.all {
		if made.by == key && made.flying && !made.namesDisks() {
			made.flying = false
			c.emit("Lost", name)
		}
	}
	return nil
}

func (c *converter) told(l *Line, name field, reply replication.NewTermReply) {
	from := l.Event.(replication.Receive).Envelope
	of := replication.Member{Server: from.From, Replica: from.FromReplica}
	c.emit("Told", name, field{"reply", c.names.fenceAnswer(reply.Term, of, reply.Head)})
}

func (c *converter) chooses(l *Line, name field) {
	for _, e := range l.Effects.Messages {
		if _, ok := e.Message.(replication.BecomeLeader); ok {
			c.emit("Choose", name, field{"r", text(memberName(replication.Member{Server: e.To, Replica: e.ToReplica}))})
		}
	}
}

// stores is the beginning of a call.
func (c *converter) stores(l *Line, name field, doc *replication.Document) {
	c.calls.made[c.line].flying = true
	switch l.Election.Phase {
	case "claiming":
		c.emit("Claim", name, field{"d", c.names.document(doc)})
	case "changing":
		c.emit("Change", name, field{"d", c.names.document(doc)})
	case "publishing":
		c.emit("Publish", name, field{"d", c.names.document(doc)})
	}
}

// coordinatorDied ends a run that may have a call under way.
func (c *converter) coordinatorDied(key runKey) {
	if _, ran := c.phases[key]; !ran {
		return
	}
	c.emit("Died", field{"c", text(c.names.coordinator(key))})
	for _, made := range c.calls.all {
		if made.by == key {
			made.flying = false
		}
	}
}

func (c *converter) sentByCoordinator(l *Line) []value {
	var sent []value
	add := func(kind string, fields ...field) {
		sent = append(sent, record(append([]field{{"m", text(kind)}}, fields...)...))
	}
	for _, e := range l.Effects.Messages {
		to := replication.Member{Server: e.To, Replica: e.ToReplica}
		switch m := e.Message.(type) {
		case replication.NewTerm:
			add("NewTerm", field{"t", c.names.term(m.Term)})
		case replication.BecomeLeader:
			add("BecomeLeader", field{"ch", c.names.choice(m, to)})
		case replication.Assign:
			add("Assign", field{"d", c.names.document(&m.Document)})
		case replication.AddFollower:
			add("AddFollower", field{"reply", c.names.fenceAnswer(m.Term, m.Member.Member, m.Member.Head)})
		case replication.CreateReplica:
			add("Create", field{"r", text(memberName(to))})
		}
	}
	return sent
}
