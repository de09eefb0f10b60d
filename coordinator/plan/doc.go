// Package plan compares what is wanted of a cluster with what it is, and says what to
// do next: which namespaces and servers there are to be, where replicas go, and who is to
// lead. It is pure: the same desires and observations give the same plan. Time is one of
// the observations.
//
// # What the caller is promised
//
//  1. Plan returns actions that, applied to the status in order, bring it nearer to what
//     is wanted. What cannot be done is told in notes, each with its reason. Decision.Again
//     is when time alone may change that.
//  2. Plan is idempotent: for a status to which its actions were applied, with its
//     transfers among those that were enacted, it returns none. It gives no shard id
//     twice, whatever was deleted meanwhile.
//  3. The shards of a namespace tile the hash space. No two replicas of a shard are
//     brought together on one server, nor on servers that a strict anti-affinity keeps
//     apart. Relaxed ones, and the servers' zones where they are labelled, are heeded as far
//     as they can be.
//  4. A step moves at most one replica of a shard, and only while nothing else of the shard
//     is under way. None is planned that would put a majority out of reach, of those who
//     decide now or of those who are to.
//  5. What is under way at a time is limited (Options), in all and for each server. A change
//     that does not get on is given up, wanted back where the shard is, and the shard
//     left alone for a while. It takes up nobody's place meanwhile: one shard that is stuck
//     blocks no other.
//  6. The balancer comes to rest: while nothing else changes, each of its moves brings
//     the servers closer to each other, and no replica that it moved for the sake of
//     numbers goes back to a server that it left. At rest, with servers that may hold
//     anything, their replicas differ by one at most, in each namespace and in all. For its
//     load nothing of a shard is moved twice within Options.LoadRest. Each move tells its
//     figures.
//
// What is wanted comes in this order: servers that leave are emptied, shards get as many
// replicas as they are to have, those that must be apart are, then those that should be; and
// only then are numbers balanced, and after them loads.
//
// # What it does not do
//
// It does not replace the replicas of a server that is merely gone. A server that comes
// back in an hour catches up from its own disk; copying all that it holds elsewhere in
// the meantime costs more, and takes from those that are left when they have least to
// spare. Worse, a coordinator that is itself cut off would set it all in motion. Whoever
// knows that a server will not return removes it from the configuration, or drains it, and
// it is emptied.
//
// # What the caller owes
//
// The configuration is valid (package config). A status that was handed over is not
// changed; Apply returns another. The status is stored before anything is done that it
// tells, so that whoever goes on after a crash knows of it. What Observed says of time comes
// from one clock; moments in the status may come from another coordinator's, and those in the
// future count as now.
//
// # Concurrency
//
// The functions keep no state, and may be called by anybody at any time.
//
// # Where things are
//
//	status.go      what is stored: the status
//	change.go      the last change of a shard, and the mark of a recovery
//	actions.go     what can be done
//	observed.go    what is known
//	options.go     how much at a time, and how soon
//	plan.go        the order in which things are planned
//	servers.go     servers that come and go
//	namespaces.go  namespaces that come and go, and place.go where their shards begin
//	picture.go     the cluster by number, with what each server has
//	rules.go       who is kept apart from whom
//	limits.go      what may be under way, and planning a move
//	repair.go      moves that must be
//	balance.go     moves by numbers, load.go by what replicas cost
//	leaders.go     who leads
//	settle.go      what need not be remembered any more
//	notes.go       why something cannot be
//	explain.go     what would come next
package plan
