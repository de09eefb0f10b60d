package grpc

// Stats is what a transport did since it was made, and what it holds, summed over
// its peers.
type Stats struct {
	Control, Data, Snapshots LaneStats

	// Peers are those known, Links the links that live: at most two for each peer, one
	// made by either end.
	Peers, Links int
	// Dials counts attempts to make a link, DialFailures those that came to nothing,
	// Refused those of them that were refused by the peer's machine.
	Dials, DialFailures, Refused uint64
	// GreetingsRefused counts links that this process refused, Linked all that were
	// made, by either end.
	GreetingsRefused, Linked uint64
	// Gone counts how often a peer was said to be gone.
	Gone uint64
}

// LaneStats are those of one lane.
type LaneStats struct {
	// Envelopes, Frames and Bytes in each direction.
	Sent, SentFrames, SentBytes             uint64
	Received, ReceivedFrames, ReceivedBytes uint64
	// DroppedFull counts envelopes for which there was no room, DroppedUnlinked those
	// for which there was no link, DroppedInvalid those that no peer would take, Lost
	// those that were being sent when their link broke.
	DroppedFull, DroppedUnlinked, DroppedInvalid, Lost uint64
	// Passed counts envelopes that came with a message of another release, Refused
	// those that were not well-formed.
	Passed, Refused uint64
	// Waiting and WaitingBytes are what waits to be sent.
	Waiting, WaitingBytes int
}

// Stats returns a picture. Its numbers are not of one instant.
func (t *Transport) Stats() Stats {
	s := Stats{
		Dials: t.events.dials.Load(), DialFailures: t.events.dialFailures.Load(), Refused: t.events.refused.Load(),
		GreetingsRefused: t.events.greetingsRefused.Load(), Linked: t.events.linked.Load(), Gone: t.events.gone.Load(),
	}
	lanes := [laneKinds]*LaneStats{&s.Control, &s.Data, &s.Snapshots}
	for kind, lane := range lanes {
		*lane = t.counters[kind].stats()
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	s.Peers = len(t.peers)
	for _, p := range t.peers {
		for _, l := range []*link{p.own, p.accepted} {
			if l != nil {
				s.Links++
			}
		}
		for kind, lane := range lanes {
			envelopes, bytes := p.lanes[kind].waiting()
			lane.Waiting += envelopes
			lane.WaitingBytes += bytes
		}
	}
	return s
}

func (c *laneCounters) stats() LaneStats {
	return LaneStats{
		Sent: c.sent.Load(), SentFrames: c.sentFrames.Load(), SentBytes: c.sentBytes.Load(),
		Received: c.received.Load(), ReceivedFrames: c.receivedFrames.Load(), ReceivedBytes: c.receivedBytes.Load(),
		DroppedFull: c.full.Load(), DroppedUnlinked: c.unlinked.Load(), DroppedInvalid: c.invalid.Load(),
		Lost: c.lost.Load(), Passed: c.passed.Load(), Refused: c.refused.Load(),
	}
}
