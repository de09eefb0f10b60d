------------------------------ MODULE Network ------------------------------
(***************************************************************************)
(* The network keeps whatever was ever sent. What it keeps may arrive at   *)
(* any time, in any order, any number of times, or never: so there is      *)
(* nothing to say of loss, delay, repetition and reordering.               *)
(*                                                                         *)
(* Where one message says no less than an earlier one, only the last is    *)
(* kept, and an earlier one may still arrive in its place:                 *)
(*   - An Append is a piece of its leader's log with a commit offset. A    *)
(*     leader's log only grows, so the reign keeps the log and the commit  *)
(*     offset, and any piece with any commit offset up to that may arrive. *)
(*     This is more than the core's cursors ever send, which makes every   *)
(*     way of sending safe that sends pieces of the log.                   *)
(*   - An Ack of n says that all up to n is durable: the highest is kept.  *)
(*   - A Confirm, and its answer, carry the number of a round: likewise.   *)
(*                                                                         *)
(* Messages to whom they cannot matter any more are taken out, so that     *)
(* states which differ in nothing else are one.                            *)
(***************************************************************************)
EXTENDS State

\* What the leader of each term number has said, or could have.
NoReign == [by |-> NoOne, c |-> NoOne, log |-> <<>>, commit |-> 0, round |-> 0,
            to |-> {}, snaps |-> {}]

Quiet == [
  terms    |-> {},   \* NewTerm: the terms that were made
  fenced   |-> {},   \* NewTermReply: [t, r, head]
  choices  |-> {},   \* BecomeLeader: [t, r, cfg, learn]
  ready    |-> {},   \* BecomeLeaderReply: terms whose leader's barrier committed
  declined |-> {},   \* BecomeLeaderReply, refused: [t, n], n the term number of who refused
  higher   |-> {},   \* HigherTerm: the term numbers whose leader is told of a higher one
  reign    |-> [n \in 1..Limit.terms |-> NoReign],
  acks     |-> [n \in 1..Limit.terms |-> [r \in Replica |-> 0]],
  confirmed |-> [n \in 1..Limit.terms |-> [r \in Replica |-> 0]],
  forward  |-> {},   \* CompleteChange: [n, ens]
  completed |-> {},  \* ChangeCompleted: term numbers
  asked    |-> {},   \* AskElection: terms
  answers  |-> {}    \* ProbeReply: [c, round, r, n, a], n the term number of who answers
]

Nobody == [r \in Replica |-> 0]

\* The leader of reign n is gone for good: what was said to it is lost on it.
Over(n, nw) ==
  [nw EXCEPT !.acks[n] = Nobody, !.confirmed[n] = Nobody, !.reign[n].round = 0,
             !.higher = @ \ {n}]

\* What concerns terms below that of every disk can have no effect any more, for
\* a durable term never falls.
Bury(disks, nw) ==
  LET left == {r \in Replica : ~disks[r].gone}
      low == IF \A r \in left : disks[r].made THEN Min({disks[r].term.n : r \in left}) ELSE 0
  IN IF low <= 1 \/ (\A n \in 1..low-1 : nw.reign[n] = NoReign /\ ~\E t \in nw.terms : t.n = n) THEN nw
     ELSE [nw EXCEPT
       !.terms = {t \in @ : t.n >= low}, !.fenced = {a \in @ : a.t.n >= low},
       !.choices = {ch \in @ : ch.t.n >= low}, !.ready = {t \in @ : t.n >= low},
       !.declined = {x \in @ : x.t.n >= low}, !.higher = {n \in @ : n >= low},
       !.forward = {f \in @ : f.n >= low}, !.completed = {n \in @ : n >= low},
       !.reign = [n \in DOMAIN @ |-> IF n < low THEN NoReign ELSE @[n]],
       !.acks = [n \in DOMAIN @ |-> IF n < low THEN Nobody ELSE @[n]],
       !.confirmed = [n \in DOMAIN @ |-> IF n < low THEN Nobody ELSE @[n]]]

\* A leader's log, commit offset and round, as others may come to hear of them.
Reigns(r, me, nw) ==
  IF me.role # "leader" THEN nw
  ELSE LET n == me.term.n
           said == [nw.reign[n] EXCEPT
             !.by = r, !.c = me.term.c, !.log = me.log, !.commit = me.commit,
             !.round = me.round, !.to = @ \cup Voters(me.cfg) \cup me.learn]
       IN [nw EXCEPT !.reign[n] = said,
             !.ready = IF me.commit >= me.barrier THEN @ \cup {me.term} ELSE @]

\* What may arrive where only the newest is kept: any up to it. Models that are to
\* be small let arrive only the newest, and entries one by one: then an older
\* message is one that came before the newer was sent.
\* For the same reason they leave out what would change nothing.
News(changes) == Old \/ changes
UpTo(newest) == IF Old THEN 0..newest ELSE {newest}
Pieces(log) == IF Old THEN {p \in (0..Len(log)) \X (0..Len(log)) : p[1] + p[2] <= Len(log)}
               ELSE {<<Len(log), 0>>} \cup {<<prev, 1>> : prev \in 0..Len(log)-1}

\* May a message of reign n reach replica r as one of its members?
Reaches(n, r) == LET g == net.reign[n] IN g.by # NoOne /\ g.by # r /\ r \in g.to
ReignTerm(n) == [n |-> n, c |-> net.reign[n].c]
=============================================================================
