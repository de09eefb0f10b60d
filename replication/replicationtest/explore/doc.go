// Package explore explores the replication core exhaustively: breadth first,
// from a known beginning, through every order of events within given bounds, and
// checks the protocol's laws in each state. What it steps is the real core, a
// Replica on each of three servers and an Election on each of two coordinators,
// not a model of them.
//
// # What may happen
//
// Each of these is one action, and any that is possible may come next:
//
//   - a message under way arrives, in any order; or it does, and a copy stays under
//     way (duplicates). It may never arrive, which needs no action.
//   - a server's disk completes its oldest operation, and says so. Each durable
//     step is one operation.
//   - a server crashes and begins another run from what its disk completed
//     (crashes). While it is down nothing happens there, which cannot be told
//     from a server that is up and to which nothing is delivered.
//   - a leader that serves is asked to write or to read (writes, reads).
//   - the state machine completes a batch, the log answers a question: in steps of
//     their own in the configurations that say so, else at once.
//   - a log is trimmed as far as the state machine holds it (trims); the state
//     machine installs a snapshot, which is one part.
//   - a leader stops hearing a server, or hears it again (silences); its earliest
//     timer goes off (ticks).
//   - a coordinator begins an election; its call of the metadata store is carried
//     out and answered; or it is not answered (unknowns), and was carried out, or
//     is later, or never; it waits no longer for the last answers to its fence; it
//     crashes (coordinatorCrashes).
//   - where other servers are wished for, a coordinator goes on with the change of
//     the ensemble, as far as the next call of the metadata store or the next
//     answer that it needs; or it is told that no change is wished (withdrawals).
//     Replicas are made and removed by the messages for it.
//   - the metadata store is restored from an old copy (rollbacks). The protocol
//     promises nothing to operators who do that, and keeps its laws all the same.
//
// What is in parentheses is limited by the configuration's Budget, as is the
// highest term; so each space is finite. [Configurations] are small enough to be
// exhausted by the tests, and large enough that each mutation of the core in
// testdata/mutations breaks a law within them; scripts/explore goes further. A
// broken law is told by a shortest script of actions that leads there, which is
// also a way to begin: given as Start, it leads there again.
//
// # Laws
//
//   - one leader per term: a term is led at most once, by one run
//   - one owner of a term: NewTerm is sent only by the run whose own
//     compare-and-set made the term
//   - one entry per id: a leader never makes two different entries under one id
//   - logs match: logs that hold the same entry are the same before it
//   - committed prefixes agree: nobody ever knows two entries committed at one offset
//   - committed entries stay: the leader of a later term holds them, and whichever
//     quorum were to elect now from what is durable, the head that it had to
//     choose belongs to a log that holds them. Quorums are counted as the stored
//     document says, under both ensembles where it names two, and anew whenever
//     it changes. This shows a lost entry one election before it is missed
//   - members stay: no replica is removed that the stored document names as a
//     voter or a learner
//   - acks, fences, confirmations are durable: what a server tells others of its
//     disk would survive a crash at that moment, and what was acked in a term is
//     not truncated in it
//   - applied is durable and committed, and nothing applied is truncated; what is
//     trimmed is applied, and nothing is while a snapshot is installed
//   - linearizable reads: a released read sees everything that anybody knew
//     committed when it was asked
//   - true outcomes: a proposal that is done is at its offset, one that was refused
//     never commits
//   - no assertion of the core fails
//
// # How it is fast
//
// The state of the world is a few numbers: of the local states of servers and
// coordinators, of the messages under way, of the metadata store's document and
// of the history. Equal things have equal numbers (see intern.go), so the core is
// stepped once for each local state and event, a few thousand times, however
// many millions of worlds they meet in. Worlds are told apart by 128 bits of a
// hash; two that differ and are taken for one are not to be expected in the life
// of the program.
//
// # What is abstracted
//
//   - Time. A state holds which timers are set and in which order they are due,
//     not when. Within a process only timers let time pass, so that timers set
//     between two of them are due together. What this could miss is behaviour that
//     depends on the ratio of two intervals; the protocol's safety depends on none.
//   - Why an election begins (rule 0). Any coordinator may begin one at any time: it
//     is told what makes it do so, in one action. What is missed is the questions
//     themselves, and the finding of a leader that serves unpublished.
//   - The network is a set: two equal messages under way are one, and the budget for
//     duplicates lets it arrive twice. Messages of a term below the one on the
//     receiver's disk, which changes nothing by receiving them, are taken out: the
//     term there never falls, and they stay without effect. As that is itself a
//     guard of the core, a configuration may keep them.
//   - Losing a message has no action: a world in which it is under way for ever can
//     do everything that one without it can. For the same reason a delivery
//     without effect is not followed.
//   - The Node around the core: its requests, and that it does not listen to what an
//     earlier run of a server still has under way. Here such messages do arrive.
//     That a message reaches the replica that it names and no other, and what a
//     server remembers of those that were removed, is done here in its stead
//     (member.go).
//   - Publishing: once exploration begins, coordinators do not hear that a leader is
//     ready, unless the configuration says so.
//   - The parts of a snapshot, which may go missing or be damaged, and a state
//     machine that holds more than it has flushed.
//   - How far learners are: they count as caught up as soon as they are asked, even
//     before they are made. What is missed is the wait for them, on which no
//     safety may rest.
//   - A server that is on another disk than its member (rule 9), and orphans that a
//     late request made. Of a removed replica the state goes with the log.
package explore
