// Package host runs one server's replicas: it drives a [replication.Node] against
// the disk of package storage and a transport, and lets many goroutines give it
// requests.
//
// # What the caller is promised
//
//  1. A [Call] ends once: with a result, as refused, which is to say that it did not
//     happen and never will, or with [ErrUnknown]. It ends by its deadline, and
//     when the host is closed.
//  2. Calls for one shard that one goroutine submits one after the other are
//     proposed in that order.
//  3. A confirmed read may be answered from the database by whoever asked, at leisure,
//     through [Host.View]: the view has everything that was committed before the
//     read began. Where the state was dropped meanwhile, it is refused, never
//     answered from what is not there.
//  4. Nothing that is slow holds up the protocol: syncs of the log, reads of its
//     files and the state machine each have a goroutine of their own, and no
//     request waits for another shard's quorum.
//  5. Everything that waits is bounded, by the constants of limits.go. What a
//     transport delivers beyond them is dropped, as a network may drop it; what
//     clients ask beyond them waits ([Host.Submit]) or is refused.
//  6. When the disk fails, the host ends by itself: Done is closed, and Err says
//     why. What was promised is on the disk.
//
// # What the caller owes
//
//  1. Start is called once, and Close once after it; the disk is the caller's, and
//     closed after the host.
//  2. Observers are called by the host's goroutines, and neither block nor call back.
//  3. What was handed over (payloads, envelopes) is not changed afterwards.
//
// All methods may be called from any goroutine at any time between Start and Close,
// and Deliver and PeerGone before Start too.
//
// # Where things are
//
//	host.go                 starting and ending
//	loop.go, mailbox.go     the goroutine that decides, and what it is sent
//	call.go, room.go        requests of clients, and where they wait for room
//	replica.go              what the replicas are at, for who watches them
//	log.go, state.go        the goroutines that sync, read, and apply
//	view.go, notice.go      reading the database, and learning when it changed
//	retention.go            what the log lets go of
//	limits.go               every bound
//
// Why it is so is in ../DESIGN.md.
package host
