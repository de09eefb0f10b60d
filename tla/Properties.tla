---------------------------- MODULE Properties -----------------------------
(***************************************************************************)
(* What must hold.                                                         *)
(***************************************************************************)
EXTENDS Ostraka

Here == {r \in Replica : rep[r].here}
Committed == [i \in 1..Len(seen.committed) |-> [t |-> seen.committed[i].t, v |-> seen.committed[i].v]]

-----------------------------------------------------------------------------
(* Types *)

IsTerm(t) == t.n \in 0..Limit.terms /\ t.c \in Coordinator \cup {NoOne}
IsEntry(e) == e.t \in 1..Limit.terms /\ e.v \in 0..Limit.writes
IsLog(log) == \A i \in 1..Len(log) : IsEntry(log[i])
Types ==
  /\ \A r \in Replica :
       LET me == rep[r]
           d == disk[r]
       IN /\ me.here \in BOOLEAN /\ me.mayLead \in BOOLEAN /\ me.owes \in BOOLEAN
          /\ IsTerm(me.term) /\ IsTerm(d.term) /\ d.term.n <= me.term.n
          /\ me.role \in {"fenced", "follower", "leader"}
          /\ IsLog(me.log) /\ IsLog(d.log) /\ IsLog(d.state)
          /\ me.base <= me.applied /\ me.applied <= me.applying /\ me.applying <= me.commit
          /\ me.commit <= Len(me.log)
          /\ me.matched <= Len(me.log)
          /\ me.role # "leader" => me.cfg = NoConfig /\ me.round = 0
          /\ me.role = "leader" => Voters(me.cfg) # {} /\ me.barrier > 0
          /\ \A q \in Replica : me.match[q] <= Len(me.log)
          /\ \A i \in 1..Len(me.log) - 1 : me.log[i].t <= me.log[i+1].t
          /\ HeadOf(me.log).t <= me.term.n
  /\ IsTerm(doc.term) /\ doc.ens # {} /\ doc.steady \in BOOLEAN
  /\ doc.steady => doc.join = {} /\ doc.leader \in Replica
  /\ \A c \in Coordinator : coord[c].phase \in
       {"watching", "questioning", "claiming", "fencing", "starting", "publishing", "changing"}

-----------------------------------------------------------------------------
(* Safety *)

\* A term is led at most once, by one replica in one run of it.
OneLeaderPerTerm == \A n \in 1..Limit.terms : seen.led[n] <= 1

\* A term number belongs to one coordinator, whose own call made it.
OneOwnerPerTerm == \A s, t \in net.terms : s.n = t.n => s = t

\* Every log there is: in memory, on disk, and what leaders have said.
Logs == {rep[r].log : r \in Here} \cup {disk[r].log : r \in Here} \cup {disk[r].state : r \in Here}
        \cup {net.reign[n].log : n \in 1..Limit.terms}

\* No two entries share an id, and logs that hold the same entry are the same
\* before it.
OneEntryPerId ==
  \A a, b \in Logs : \A o \in 1..Min({Len(a), Len(b)}) : a[o].t = b[o].t => a[o].v = b[o].v
LogsMatch ==
  \A a, b \in Logs : \A o \in 1..Min({Len(a), Len(b)}) :
    a[o].t = b[o].t => First0(a, o) = First0(b, o)

\* Nobody ever knows two entries committed at one offset; and so replicas that
\* applied the same offset applied the same entry.
CommittedAgree ==
  \A r \in Here : /\ IsPrefix(First0(rep[r].log, rep[r].commit), Committed)
                  /\ IsPrefix(disk[r].state, Committed)

\* The leader of a term holds whatever was committed in a lower one.
LeadersAreComplete ==
  \A r \in Here : rep[r].role = "leader" =>
    \A i \in 1..Len(seen.committed) : seen.committed[i].in < rep[r].term.n =>
      i <= Len(rep[r].log) /\ rep[r].log[i] = Committed[i]

\* Whichever quorum were to elect now, from what is on disk: the head that has to
\* be chosen belongs to a log that holds everything committed. This shows a lost
\* entry an election before it is missed.
Electable(cfg) == {Q \in SUBSET Voters(cfg) : Majority(cfg.ens, Q) /\ (cfg.join = {} \/ Majority(cfg.join, Q))}
CommittedIsKept ==
  \A Q \in Electable(DocConfig(doc)) :
    (\A r \in Q : disk[r].made) =>
      LET log == [r \in Q |-> Recovered(disk[r]).log]
          best == {r \in Q : \A q \in Q : AtLeast(HeadOf(log[r]), HeadOf(log[q]))}
      IN \A r \in best : IsPrefix(Committed, log[r])

\* What was acked in a term to a leader that may still count it is durable, and
\* the same as the leader's.
AcksAreDurable ==
  \A r \in Here : rep[r].role = "leader" =>
    LET n == rep[r].term.n
    IN \A q \in Replica \ {r} :
         LET kept == Recovered(disk[q]).log
             upTo == net.acks[n][q]
         IN rep[q].here /\ upTo > 0 =>
              /\ disk[q].term.n >= n
              /\ upTo <= Len(rep[r].log)
              /\ rep[q].term.n = n => Len(kept) >= upTo /\ First0(kept, upTo) = First0(rep[r].log, upTo)

\* The answer to a fence tells of a term and a head that a crash does not undo.
FencesAreDurable ==
  [][\A a \in net'.fenced \ net.fenced :
       disk'[a.r].term = a.t /\ HeadOf(Recovered(disk'[a.r]).log) = a.head]_vars

\* Applied is durable and committed.
AppliedIsDurable ==
  \A r \in Here : rep[r].applied <= Durable(disk[r], rep[r])

\* Every read returns what was committed when it was asked, or later.
ReadsAreFresh == \A q \in 1..Len(reads) : reads[q].st # "stale"

\* Rule 7: what is reported done is committed, what is reported refused never is.
OutcomesAreTrue ==
  LET values == {seen.committed[i].v : i \in 1..Len(seen.committed)}
  IN \A v \in 1..Len(seen.proposed) :
       /\ seen.proposed[v].end = "done" => v \in values
       /\ seen.proposed[v].end = "refused" => v \notin values

\* Nothing applied is truncated, and nothing committed is forgotten but by a crash.
AppliedStays ==
  [][\A r \in Replica :
       rep[r].here /\ rep'[r].here /\ spent'.crashes = spent.crashes /\ spent'.wipes = spent.wipes =>
         /\ rep'[r].applied >= rep[r].applied
         /\ First0(rep'[r].log, rep[r].applied) = First0(rep[r].log, rep[r].applied)]_vars
\* A durable term never falls.
TermsRise == [][\A r \in Replica : rep'[r].here /\ disk[r].made => disk'[r].term.n >= disk[r].term.n]_vars
=============================================================================
