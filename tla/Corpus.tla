------------------------------- MODULE Corpus -------------------------------
(***************************************************************************)
(* Behaviours for the replay on the core (package tla/corpus): the same    *)
(* next steps as in Ostraka, each of which says what it is; those of       *)
(* ensemble changes are in module CorpusChange. Models of this module are  *)
(* simulated, never exhausted.                                             *)
(*                                                                         *)
(* act names the step just taken, by the name of its action, and gives its *)
(* parameters; those that an action does not have are left out.            *)
(*                                                                         *)
(* Left to chance alone, most steps would repeat what changes nothing, end *)
(* a wait too soon, or crash what had hardly begun. Seldom makes such      *)
(* steps rare; it keeps none away.                                         *)
(***************************************************************************)
EXTENDS Ostraka, TLC

CONSTANTS r1, r2, r3, c1, c2

VARIABLE act

Seldom(n) == RandomElement(1..n) = 1
\* A step that repeats what was said and changes nothing is worth little.
Worth == vars' # vars \/ Seldom(12)
Did(what) == act' = what /\ Worth

\* The pieces that a leader would send to a follower that holds what this one does.
Telling(r, n) ==
  LET me == rep[r]
      log == net.reign[n].log
      from == IF me.role = "follower" /\ me.term.n = n THEN me.matched ELSE Min({Len(me.log), Len(log)})
  IN {<<from, k>> : k \in 0..(Len(log) - from)} \cup {<<prev, Len(log) - prev>> : prev \in 0..from}

\* Where logs are trimmed, one replica is slow, so that it needs a snapshot.
Lags(r) == Limit.trims > 0 /\ r = r3

\* An election is under way: let it come to its end, as a rule.
Busy == \E c \in Coordinator : coord[c].phase \in {"questioning", "claiming", "fencing", "starting", "publishing"}

CorpusOfReplica(r) ==
  \/ \E t \in net.terms : (t = doc.term \/ Seldom(4)) /\ NewTerm(r, t) /\ Did([n |-> "NewTerm", r |-> r, t |-> t])
  \/ \E ch \in net.choices : (ch.t = rep[r].term \/ Seldom(8)) /\ BecomeLeader(r, ch) /\ Did([n |-> "BecomeLeader", r |-> r, t |-> ch.t])
  \/ Propose(r) /\ Did([n |-> "Propose", r |-> r])
  \/ \E n \in 1..Limit.terms :
       /\ Reaches(n, r) /\ n >= rep[r].term.n
       \* The newest commit offset, or any: and pieces that bring something, or any.
       /\ Lags(r) => Seldom(15)
       /\ LET any == Seldom(4)
          IN \E p \in IF any THEN Pieces(net.reign[n].log) ELSE Telling(r, n) :
              \E commit \in IF any THEN UpTo(net.reign[n].commit) ELSE {net.reign[n].commit} :
                /\ AppendEntries(r, n, p[1], p[2], commit)
                /\ Did([n |-> "AppendEntries", r |-> r, t |-> ReignTerm(n), prev |-> p[1], k |-> p[2], commit |-> commit])
  \/ \E n \in 1..Limit.terms : Stale(r, n) /\ Did([n |-> "Stale", r |-> r, t |-> ReignTerm(n)])
  \/ \E n \in 1..Limit.terms : \E commit \in UpTo(net.reign[n].commit) :
       Confirm(r, n, commit) /\ Did([n |-> "Confirm", r |-> r, t |-> ReignTerm(n), round |-> net.reign[n].round, commit |-> commit])
  \/ \E n \in 1..Limit.terms : \E s \in net.reign[n].snaps : \E part \in 1..Parts :
       /\ SnapshotChunk(r, n, s, part)
       /\ Did([n |-> "SnapshotChunk", r |-> r, t |-> ReignTerm(n), s |-> s, part |-> part])
  \/ \E q \in Replica : rep[r].role = "leader" /\
       \E upTo \in UpTo(net.acks[rep[r].term.n][q]) : Ack(r, q, upTo) /\ Did([n |-> "Ack", r |-> r, q |-> q, upTo |-> upTo])
  \/ \E q \in Replica : rep[r].role = "leader" /\
       \E round \in 1..net.confirmed[rep[r].term.n][q] :
         Confirmed(r, q, round) /\ Did([n |-> "Confirmed", r |-> r, q |-> q, round |-> round])
  \/ HigherTerm(r) /\ Did([n |-> "HigherTerm", r |-> r])
  \/ LogDone(r) /\ Did([n |-> "LogDone", r |-> r])
  \/ Applied(r) /\ Did([n |-> "Applied", r |-> r])
  \/ ReadIndex(r) /\ Did([n |-> "ReadIndex", r |-> r])
  \/ Flush(r) /\ Did([n |-> "Flush", r |-> r])
  \/ \E to \in 1..rep[r].applied : Trim(r, to) /\ Did([n |-> "Trim", r |-> r, to |-> to])
  \/ Export(r) /\ Did([n |-> "Export", r |-> r, s |-> rep[r].applied])
  \/ Imported(r) /\ Did([n |-> "Imported", r |-> r])
  \/ (IF Busy THEN Seldom(60) ELSE Seldom(15)) /\ Restart(r) /\ Did([n |-> "Restart", r |-> r])

CorpusOfCoordinator(c) ==
  \/ DocumentStored(c) /\ Did([n |-> "DocumentStored", c |-> c])
  \/ Seldom(6) /\ StoreUnknown(c) /\ Did([n |-> "StoreUnknown", c |-> c])
  \/ Seldom(20) /\ CoordinatorCrash(c) /\ Did([n |-> "CoordinatorCrash", c |-> c])
  \/ Assign(c) /\ Did([n |-> "Assign", c |-> c])
  \/ \E a \in net.fenced : \E r \in Replica \cup {NoOne} :
       NewTermReply(c, a, r) /\ Did([n |-> "NewTermReply", c |-> c, r |-> a.r, head |-> a.head, chosen |-> r])
  \/ \E r \in Replica : Choose(c, r) /\ Did([n |-> "Choose", c |-> c, r |-> r])
  \/ BecomeLeaderReply(c) /\ Did([n |-> "BecomeLeaderReply", c |-> c, phase |-> coord'[c].phase])
  \/ Seldom(25) /\ GiveUp(c) /\ Did([n |-> "GiveUp", c |-> c])
  \/ Seldom(25) /\ AskElection(c) /\ Did([n |-> "AskElection", c |-> c])
  \/ ((doc.steady \/ Busy) => Seldom(25)) /\ Ask(c) /\ Did([n |-> "Ask", c |-> c])
  \/ \E r \in Replica : \E hears \in BOOLEAN : Probe(r, c, hears) /\ Did([n |-> "Probe", c |-> c, r |-> r, hears |-> hears])
  \/ \E a \in net.answers : ProbeReply(c, a) /\ Did([n |-> "ProbeReply", c |-> c, r |-> a.r])
  \/ Seldom(15) /\ QuestionsOver(c) /\ Did([n |-> "QuestionsOver", c |-> c])

CorpusNext ==
  \/ \E r \in Replica : CorpusOfReplica(r)
  \/ \E c \in Coordinator : CorpusOfCoordinator(c)
  \/ \E d \in late : StoreLate(d) /\ Did([n |-> "StoreLate", d |-> d])

CorpusSpec == Init /\ act = [n |-> "Init"] /\ [][CorpusNext]_<<vars, act>>

-----------------------------------------------------------------------------
\* The flavours.
None == {}
Three == {r1, r2, r3}
Much == [terms |-> 6, writes |-> 8, reads |-> 0, crashes |-> 6, unknowns |-> 0, coordinatorCrashes |-> 0,
         flushes |-> 0, trims |-> 0, changes |-> 0, backs |-> 0, wipes |-> 0]
ElectionBounds == [Much EXCEPT !.unknowns = 4, !.coordinatorCrashes = 4]
ReplicationBounds == [Much EXCEPT !.crashes = 10]
ReadBounds == [Much EXCEPT !.reads = 12]
SnapshotBounds == [Much EXCEPT !.flushes = 12, !.trims = 8]
=============================================================================
