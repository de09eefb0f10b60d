------------------------------ MODULE Replica ------------------------------
(***************************************************************************)
(* A replica: fencing (rule 2), leading (3), the barrier (4), replication  *)
(* (5), outcomes (7), and crashes. Reads (rule 6) hang on its leadership   *)
(* and are in module Reads; what of them a replica's own step settles is   *)
(* here.                                                                   *)
(*                                                                         *)
(* In what follows r is the replica, d its disk, me what it holds in       *)
(* memory, each as the step leaves them so far.                            *)
(***************************************************************************)
EXTENDS Network

-----------------------------------------------------------------------------
\* How much of the log as it is now would survive a crash. An entry that was
\* asked to be truncated does not count, whatever comes back after it.
LastReset(ops) == Max({0} \cup {i \in 1..Len(ops) : ops[i].k = "reset"})
Durable(d, me) ==
  Min({Len(Recovered(d).log)} \cup
      {me.ops[i].n : i \in {j \in LastReset(me.ops)+1..Len(me.ops) : me.ops[j].k = "truncate"}})
TermIsDurable(me) == \A i \in 1..Len(me.ops) : me.ops[i].k # "term"

\* Rule 5: applied is what is committed and durable in one's own log, one batch at
\* a time; and nothing while a snapshot takes the state's place.
HandOver(d, me) ==
  LET limit == IF Drops("apply_when_durable") THEN me.commit ELSE Min({me.commit, Durable(d, me)})
  IN IF me.install # <<>> \/ me.applying > me.applied \/ me.applied >= limit THEN me
     ELSE IF LazyApply THEN [me EXCEPT !.applying = limit]
     ELSE [me EXCEPT !.applying = limit, !.applied = limit]

\* Rule 6: confirmed reads are answered once what they must see is applied. One
\* that sees less than was committed when it was asked is stale.
Ended(how) == [st |-> how, r |-> NoOne, index |-> 0, floor |-> 0]
Release(r, me, rd) ==
  [q \in DOMAIN rd |->
    IF rd[q].r = r /\ rd[q].st = "confirmed" /\ Guard("release_reads_when_applied", rd[q].index <= me.applied)
    THEN Ended(IF me.applied >= rd[q].floor THEN "done" ELSE "stale")
    ELSE rd[q]]

\* Leadership ends: the reads that wait are refused.
Refuse(r, rd) == [q \in DOMAIN rd |-> IF rd[q].r = r THEN Ended("refused") ELSE rd[q]]

\* Rule 7: a proposal ends where it, or another entry in its place, is applied, or
\* one of a higher term before it. A snapshot tells what the state became, not what
\* became of a proposal.
Outcome(r, me, p) ==
  LET End(how) == [r |-> NoOne, t |-> 0, o |-> 0, end |-> how]
      installed == rep[r].install # <<>> /\ me.install = <<>>
  IN IF p.end # "open" \/ p.r # r THEN p
     ELSE IF me.applied >= p.o /\ installed THEN End("unknown")
     ELSE IF me.applied >= p.o
          THEN End(IF me.log[p.o].t = p.t \/ Drops("done_by_id") THEN "done" ELSE "refused")
     ELSE IF TermAt(me.log, me.applied) > p.t THEN End("refused")
     ELSE p

\* The onlooker notes what anybody knows committed, and in which term that was
\* first known; how proposals ended; and how often each term was led.
Witness(r, me) ==
  LET known == Len(seen.committed)
      more == [i \in 1..(Max({me.commit, known}) - known) |->
                 [t |-> me.log[known + i].t, v |-> me.log[known + i].v, in |-> me.term.n]]
      leads == me.role = "leader" /\ rep[r].role # "leader"
  IN [seen EXCEPT
        !.committed = @ \o more,
        !.proposed = [v \in DOMAIN @ |-> Outcome(r, me, @[v])],
        !.led = IF leads THEN [@ EXCEPT ![me.term.n] = @ + 1] ELSE @]

\* Every step of a replica ends so. Where it ceases to lead, what was said to it
\* is lost.
Become(r, d, me, nw, rd) ==
  LET a == HandOver(d, me)
      ends == rep[r].role = "leader" /\ (a.role # "leader" \/ a.term # rep[r].term)
  IN /\ rep' = [rep EXCEPT ![r] = a]
     /\ net' = Reigns(r, a, IF ends THEN Over(rep[r].term.n, nw) ELSE nw)
     /\ reads' = Release(r, a, IF ends THEN Refuse(r, rd) ELSE rd)
     /\ seen' = Witness(r, a)

\* What only a leader or a follower has.
Roleless(me) ==
  [me EXCEPT !.matched = 0, !.cfg = NoConfig, !.learn = {}, !.match = Nobody, !.barrier = 0,
             !.round = 0, !.confirmed = {}, !.mayLead = FALSE, !.owes = FALSE, !.wait = 0,
             !.staged = IF @.busy THEN @ ELSE Nothing]

\* Rule 2: a higher term ends whatever the replica was, at once, and the term
\* record is asked for.
Enter(me, term) ==
  [Roleless(me) EXCEPT !.term = term, !.role = "fenced", !.ops = Append(@, OpTerm(term))]

-----------------------------------------------------------------------------
(* Rule 2 *)

\* The answer waits until the term and everything asked of the log before it are
\* done: the head that it tells is one that a crash cannot lower.
MayAnswer(me) == me.role = "fenced" /\ me.owes /\ me.wait = 0 /\ me.install = <<>>
Told(me) == IF Drops("head_of_a_trimmed_log") /\ Len(me.log) = me.base THEN HeadOf(<<>>) ELSE HeadOf(me.log)
Answers(r, me, nw) ==
  IF MayAnswer(me) THEN [nw EXCEPT !.fenced = @ \cup {[t |-> me.term, r |-> r, head |-> Told(me)]}] ELSE nw
Answered(me) == IF MayAnswer(me) THEN [me EXCEPT !.owes = FALSE] ELSE me

NewTerm(r, t) ==
  LET me == rep[r]
      entered == Enter(me, t)
      fenced == [entered EXCEPT
        !.mayLead = TRUE, !.owes = TRUE,
        !.wait = IF Drops("fence_when_the_term_is_durable") THEN 0
                 ELSE IF Drops("fence_when_appends_are_durable") THEN 1
                 ELSE Len(entered.ops),
        !.ops = IF Drops("fence_when_appends_are_durable") THEN <<OpTerm(t)>> \o me.ops ELSE @]
      again == [me EXCEPT !.owes = TRUE]
  IN /\ me.here /\ t \in net.terms
     /\ \/ /\ t.n > me.term.n
           /\ Become(r, disk[r], Answered(fenced), Answers(r, fenced, net), reads)
        \* Repeated, it is answered only while there is no entry of the term: later
        \* the head would not be what the choice of the leader relies on.
        \/ /\ t = me.term /\ me.role = "fenced" /\ HeadOf(me.log).t # t.n
           /\ News(~me.owes /\ [t |-> t, r |-> r, head |-> HeadOf(me.log)] \notin net.fenced)
           /\ Become(r, disk[r], Answered(again), Answers(r, again, net), reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

-----------------------------------------------------------------------------
(* Rules 3 and 4 *)

\* What a quorum holds: the leader, what is durable in its own log.
HeldByQuorum(r, d, me) ==
  LET own == IF Drops("vote_when_durable") THEN Len(me.log) ELSE Durable(d, me)
      Holds(q, o) == IF q = r THEN own >= o ELSE me.match[q] >= o
      held == {o \in 1..Len(me.log) : IsQuorum("commit", me.cfg, {q \in Voters(me.cfg) \cup me.learn \cup {r} : Holds(q, o)})}
  IN Max({0} \cup held)

\* Rule 4: only entries of its own term commit by counting.
Advance(r, d, me) ==
  LET held == HeldByQuorum(r, d, me)
  IN IF me.role = "leader" /\ held > me.commit /\ Guard("count_own_term_only", held >= me.barrier)
     THEN [me EXCEPT !.commit = held] ELSE me

\* Nothing is under way but trimming, which changes nothing that anybody is told.
Quiescent(me) == \A i \in 1..Len(me.ops) : me.ops[i].k = "trim"

\* A fenced replica leads its term once, and only in the run in which it moved to
\* it: after a restart it could write another entry under an id that it had
\* sent before.
BecomeLeader(r, ch) ==
  LET me == rep[r]
      entry == [t |-> me.term.n, v |-> Barrier]
      leads == [Roleless(me) EXCEPT
        !.role = "leader", !.cfg = ch.cfg, !.learn = ch.learn, !.barrier = Len(me.log) + 1,
        !.log = Append(@, entry), !.ops = Append(@, OpAppend(<<entry>>))]
  IN /\ me.here /\ ch \in net.choices /\ ch.r = r
     /\ me.role # "leader" \/ me.term # ch.t
     /\ News([t |-> ch.t, n |-> me.term.n] \notin net.declined)
     /\ IF me.term = ch.t /\ me.role = "fenced" /\ Guard("lead_in_the_run_of_the_fence", me.mayLead)
           /\ Quiescent(me) /\ me.install = <<>>
        THEN Become(r, disk[r], leads, net, reads)
        ELSE Become(r, disk[r], me, [net EXCEPT !.declined = @ \cup {[t |-> ch.t, n |-> me.term.n]}], reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* A leader that serves appends what it is asked to write.
Serves(me) == me.here /\ me.role = "leader" /\ Guard("serve_after_the_barrier", me.commit >= me.barrier)
Propose(r) ==
  LET me == rep[r]
      entry == [t |-> me.term.n, v |-> Len(seen.proposed) + 1]
      wrote == [me EXCEPT !.log = Append(@, entry), !.ops = Append(@, OpAppend(<<entry>>))]
  IN /\ Within("writes") /\ Serves(me)
     /\ rep' = [rep EXCEPT ![r] = wrote]
     /\ net' = Reigns(r, wrote, net)
     /\ seen' = [seen EXCEPT !.proposed =
                   Append(@, [r |-> r, t |-> me.term.n, o |-> Len(wrote.log), end |-> "open"])]
     /\ Spend("writes")
     /\ UNCHANGED <<disk, doc, late, coord, reads>>

-----------------------------------------------------------------------------
(* Rule 5: the follower *)

\* What the follower tells: all that is durable here and the same as the leader's.
AckUpTo(r, upTo, me, nw) ==
  LET n == me.term.n
  IN IF me.role = "follower" /\ Guard("ack_when_the_term_is_durable", TermIsDurable(me)) /\ upTo > nw.acks[n][r]
     THEN [nw EXCEPT !.acks[n][r] = upTo] ELSE nw
Acks(r, d, me, nw) ==
  LET durable == IF Drops("ack_when_durable") THEN Len(me.log) ELSE Durable(d, me)
  IN AckUpTo(r, Min({durable, me.matched}), me, nw)

\* Does this log hold the entry before the piece? What is committed agrees with
\* every leader's log.
Agrees(me, log, prev) ==
  IF prev > Len(me.log) THEN Drops("refuse_a_gap")
  ELSE prev <= me.commit \/ Guard("agree_by_term", prev >= me.base /\ TermAt(me.log, prev) = TermAt(log, prev))

\* Takes a piece of the leader's log whose beginning agrees. What is here
\* already stays: messages repeat and overtake each other, and a shorter one is
\* no truncation.
Accept(me, log, prev, k, commit) ==
  LET Here(o) == o <= Len(me.log) /\ (me.log[o].t = log[o].t \/ Drops("truncate_what_conflicts"))
      new == {o \in prev+1..prev+k : ~Here(o) /\ o > me.commit}
      from == IF Drops("truncate_only_what_conflicts") THEN Max({prev, me.commit}) + 1
              ELSE Min(new \cup {prev + k + 1})
      piece == SubSeq(log, from, prev + k)
      cuts == from <= Len(me.log) /\ (piece # <<>> \/ Drops("truncate_only_what_conflicts"))
      took == [me EXCEPT
        !.log = (IF cuts THEN First0(@, from - 1) ELSE @) \o piece,
        !.ops = @ \o (IF cuts THEN <<OpTruncate(from - 1)>> ELSE <<>>)
                  \o (IF piece = <<>> THEN <<>> ELSE <<OpAppend(piece)>>)]
      matched == Max({me.matched, prev + k})
      told == Min({commit, IF Drops("commit_only_what_matched") THEN Len(took.log) ELSE matched})
  IN [took EXCEPT !.matched = matched, !.commit = Max({me.commit, told})]

\* The replica as a follower of a leader of its own term, or of a higher one,
\* whose fence did not reach it: the quorum that chose that leader was fenced.
Follows(me, term) ==
  LET entered == IF term.n > me.term.n THEN Enter(me, term) ELSE me
  IN IF entered.role = "follower" THEN entered ELSE [Roleless(entered) EXCEPT !.role = "follower"]

\* A piece of k entries after prev, from the leader of term number n. Nothing is
\* acked before it is durable; what is not, is acked when it is.
AppendEntries(r, n, prev, k, commit) ==
  LET me == rep[r]
      d == disk[r]
      term == ReignTerm(n)
      log == net.reign[n].log
      f == Follows(me, term)
      \* What comes while a snapshot is installed comes again.
      took == IF f.install = <<>> /\ Agrees(f, log, prev) THEN Accept(f, log, prev, k, commit) ELSE f
      acks == Drops("ack_when_durable") \/ Durable(d, took) >= took.matched
  IN /\ me.here /\ Reaches(n, r) /\ (me.role = "leader" => me.term.n < n)
     /\ term.n > me.term.n \/ term = me.term
     /\ prev + k <= Len(log) /\ commit <= net.reign[n].commit
     /\ Patient => prev >= rep[net.reign[n].by].base
     /\ News(\/ n > me.term.n \/ me.role # "follower"
             \/ (prev + k > me.matched /\ prev <= Len(me.log))
             \/ Min({commit, me.matched}) > me.commit)
     /\ Become(r, d, took, IF acks THEN Acks(r, d, took, net) ELSE net, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* A message of a lower term's leader is answered with the higher one.
Stale(r, n) ==
  LET me == rep[r]
      by == net.reign[n].by
  IN /\ me.here /\ Reaches(n, r) /\ n < me.term.n
     /\ rep[by].role = "leader" /\ rep[by].term.n = n
     /\ News(n \notin net.higher)
     /\ net' = [net EXCEPT !.higher = @ \cup {n}]
     /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>

-----------------------------------------------------------------------------
(* Rule 5: the leader *)

Ack(r, q, upTo) ==
  LET me == rep[r]
  IN /\ me.here /\ me.role = "leader" /\ q \in (Voters(me.cfg) \cup me.learn) \ {r}
     /\ upTo > me.match[q] /\ upTo <= net.acks[me.term.n][q]
     /\ Become(r, disk[r], Advance(r, disk[r], [me EXCEPT !.match[q] = upTo]), net, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* A leader that hears of a higher term leads no more, and asks for an election.
\* It does not take the term, in which it was not fenced.
StepsDown(me) == [Roleless(me) EXCEPT !.role = "fenced"]
HigherTerm(r) ==
  LET me == rep[r]
  IN /\ me.here /\ me.role = "leader" /\ me.term.n \in net.higher
     /\ Become(r, disk[r], StepsDown(me), net, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

-----------------------------------------------------------------------------
(* Durable steps, applying, crashes *)

\* The disk has done the oldest step that was asked, and says so. Fences, acks and
\* the leader's own vote wait for it.
LogDone(r) ==
  LET me == rep[r]
      d == Carry(disk[r], Head(me.ops))
      done == [me EXCEPT !.ops = Tail(@), !.wait = Max({0, @ - 1})]
  IN /\ me.here /\ me.ops # <<>>
     /\ disk' = [disk EXCEPT ![r] = d]
     /\ Become(r, d, Advance(r, d, Answered(done)),
               Bury(disk', Acks(r, d, done, Answers(r, done, net))), reads)
     /\ UNCHANGED <<doc, late, coord, spent>>

\* The state machine has applied a batch.
Applied(r) ==
  LET me == rep[r]
  IN /\ me.here /\ me.applying > me.applied
     /\ Become(r, disk[r], [me EXCEPT !.applied = me.applying], net, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* A crash, and another run from what the disk holds, once the log there is made to
\* agree with the state. That a replica is down for a while is no different from
\* its being up and nothing reaching it.
Restart(r) ==
  LET begun == Begin(disk[r])
      ends == rep[r].role = "leader"
  IN /\ rep[r].here /\ Within("crashes")
     /\ rep' = [rep EXCEPT ![r] = begun]
     /\ disk' = [disk EXCEPT ![r].log = begun.log, ![r].base = begun.base]
     /\ net' = IF ends THEN Over(rep[r].term.n, net) ELSE net
     /\ reads' = IF ends THEN Refuse(r, reads) ELSE reads
     /\ seen' = [seen EXCEPT !.proposed =
          [v \in DOMAIN @ |-> IF @[v].r = r THEN [r |-> NoOne, t |-> 0, o |-> 0, end |-> "unknown"] ELSE @[v]]]
     /\ Spend("crashes")
     /\ UNCHANGED <<doc, late, coord>>
=============================================================================
