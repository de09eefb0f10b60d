------------------------------- MODULE Trace -------------------------------
(***************************************************************************)
(* Code to spec: is what the core did a behaviour of the specification?    *)
(*                                                                         *)
(* A trace is a sequence of steps, each an action of the specification     *)
(* with all its parameters, and what the core showed after it: the state   *)
(* of the replica, its durable steps under way, what it sent, what became  *)
(* of requests. So each state has one successor at most. Where the action  *)
(* is not enabled, or leads elsewhere, or something was sent that the      *)
(* network does not hold, there is none: TLC reports a deadlock, and the   *)
(* last state of its error trace is the last step that was accepted.       *)
(*                                                                         *)
(* Module TraceData is written by package trace, which also says how steps *)
(* of the core become steps of a trace. It defines Traces, the bounds      *)
(* (Limit and the sets of names), and nothing else.                        *)
(*                                                                         *)
(* What the core receives without any effect on the abstract state is a    *)
(* step that changes nothing (Still): each operator below begins with the  *)
(* conditions under which the core takes a message for news. They are the  *)
(* protocol's own: were they wrong, what the core shows would not fit.     *)
(***************************************************************************)
EXTENDS Properties, TraceData, TLC

VARIABLES which, at  \* a trace, and its next step

tvars == <<vars, which, at>>
Step == Traces[which].steps[at]
Still == UNCHANGED vars

-----------------------------------------------------------------------------
(* What the specification leaves to others, and a trace knows *)

\* The specification hands over everything that may be applied; the core hands
\* over batches of a limited size, and later, where they are read from the log.
\* The trace tells up to where: never further than the specification would.
TraceHandOver(d, me) ==
  LET limit == Min({me.commit, Durable(d, me)})
  IN IF /\ Step.hand > me.applied /\ Step.hand <= limit
        /\ me.applying = me.applied /\ me.install = <<>>
     THEN [me EXCEPT !.applying = Step.hand] ELSE me

\* What concerns terms below that of every disk was taken out of the network.
Low ==
  LET left == {r \in Replica : ~disk[r].gone}
  IN IF \A r \in left : disk[r].made THEN Min({disk[r].term.n : r \in left}) ELSE 0

\* The document's versions that only name disks are no steps of the specification
\* (rule 9 without incarnations); so the core's are maybe higher than by one.
Abstract(d) == [d EXCEPT !.ver = 0]

-----------------------------------------------------------------------------
(* Steps of replicas *)

Of(n, c) == [n |-> n, c |-> c]

FencedBy(r, t) ==
  LET me == rep[r]
  IN IF t.n > me.term.n \/ (t = me.term /\ me.role = "fenced" /\ HeadOf(me.log).t # t.n)
     THEN NewTerm(r, t) ELSE Still

ToldToLead(r, ch) ==
  LET me == rep[r]
  IN IF (me.role = "leader" /\ me.term = ch.t) \/ (ch.t.n < Low /\ ch \notin net.choices)
     THEN Still ELSE BecomeLeader(r, ch)

\* The sender of a lower term's message is told, if it still leads.
ToldHigher(r, n) ==
  LET by == net.reign[n].by
  IN IF by # NoOne /\ rep[by].role = "leader" /\ rep[by].term.n = n /\ Reaches(n, r)
     THEN Stale(r, n) ELSE Still

\* Of a message of the own term, or of a higher one, that carries nothing that is
\* taken, only the sender matters.
Follow(r, n) ==
  LET me == rep[r]
  IN /\ me.here /\ Reaches(n, r)
     /\ me.role = "leader" => me.term.n < n
     /\ Become(r, disk[r], Follows(me, ReignTerm(n)), net, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* The entries of a message are a piece of its leader's log.
IsPiece(log, prev, entries) ==
     /\ prev.o + Len(entries) <= Len(log)
     /\ TermAt(log, prev.o) = prev.t
     /\ \A i \in 1..Len(entries) : log[prev.o + i].t = entries[i][1] /\ log[prev.o + i].v = entries[i][2]

\* While a snapshot is installed nothing is taken: what comes then, comes again.
Appended(r, t, prev, entries, commit) ==
  LET me == rep[r]
  IN IF t.n < me.term.n THEN ToldHigher(r, t.n)
     ELSE IF t.n = me.term.n /\ t # me.term THEN Still
     ELSE /\ ReignTerm(t.n) = t
          /\ IsPiece(net.reign[t.n].log, prev, entries)
          /\ IF me.install # <<>> THEN Follow(r, t.n)
             ELSE AppendEntries(r, t.n, prev.o, Len(entries), commit)

Acked(r, q, t, upTo) ==
  LET me == rep[r]
  IN IF me.role = "leader" /\ t = me.term /\ q \in (Voters(me.cfg) \cup me.learn) \ {r} /\ upTo > me.match[q]
     THEN Ack(r, q, upTo) ELSE Still

HeardOfHigher(r, n) ==
  IF rep[r].role = "leader" /\ n > rep[r].term.n THEN HigherTerm(r) ELSE Still

\* The specification answers for the newest round whatever was asked; here the
\* answer is to be seen to name the round of the question.
AskedToConfirm(r, t, round, commit) ==
  LET me == rep[r]
  IN IF t.n < me.term.n THEN ToldHigher(r, t.n)
     ELSE IF t # me.term \/ ~TermIsDurable(me) THEN Still
     ELSE /\ Reaches(t.n, r) /\ round > 0 /\ commit <= net.reign[t.n].commit
          \* What a leader asked may arrive after its end, when its rounds are forgotten.
          /\ round <= net.reign[t.n].round \/ rep[net.reign[t.n].by].role # "leader" \/ rep[net.reign[t.n].by].term # t
          /\ Become(r, disk[r],
               IF me.role = "follower" THEN [me EXCEPT !.commit = Max({@, Min({commit, me.matched})})] ELSE me,
               [net EXCEPT !.confirmed[t.n][r] = Max({@, round})], reads)
          /\ UNCHANGED <<disk, doc, late, coord, spent>>

CountedRound(r, q, t, round) ==
  LET me == rep[r]
  IN IF /\ me.role = "leader" /\ t = me.term /\ round = me.round /\ OfRound(r, reads) # {}
        /\ q \in Voters(me.cfg) \ ({r} \cup me.confirmed)
     THEN Confirmed(r, q, round) ELSE Still

\* A batch that was read from the log is handed over.
HandsOver(r) ==
  /\ Become(r, disk[r], rep[r], net, reads)
  /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* When the state machine flushes is its own business, and seen when the log is
\* trimmed, or after a crash. It may have flushed less than it has applied by now.
Flushed(r, to) ==
  IF to <= Len(disk[r].state) THEN Still
  ELSE /\ rep[r].here /\ to <= rep[r].applied
       /\ disk' = [disk EXCEPT ![r].state = First0(rep[r].log, to)]
       /\ UNCHANGED <<rep, doc, late, coord, net, reads, seen, spent>>

\* A snapshot is of the state as it was when its first part was asked for.
Exported(r, s) ==
  LET n == rep[r].term.n
  IN /\ rep[r].role = "leader" /\ s <= rep[r].applied
     /\ net' = [net EXCEPT !.reign[n].snaps = @ \cup {s}]
     /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>

\* The final part of a snapshot. That the parts before it are all there is seen to
\* by their positions, which the state machine checks.
FinalPart(r, t, s) ==
  LET me == rep[r]
  IN IF t.n < me.term.n THEN ToldHigher(r, t.n)
     ELSE IF t.n = me.term.n /\ t # me.term THEN Still
     ELSE /\ ReignTerm(t.n) = t /\ s.o \in net.reign[t.n].snaps
          /\ TermAt(net.reign[t.n].log, s.o) = s.t
          /\ SnapshotChunk(r, t.n, s.o, Parts)

\* A part that is not the last, or that is not taken.
EarlierPart(r, t) ==
  LET me == rep[r]
  IN IF t.n < me.term.n THEN ToldHigher(r, t.n)
     ELSE IF t.n = me.term.n /\ t # me.term THEN Still
     ELSE ReignTerm(t.n) = t /\ Follow(r, t.n)

\* A snapshot that is complete turns out to be damaged, and is dropped; who waited
\* for its end, waits no longer.
Damaged(r) ==
  LET me == rep[r]
      dropped == [me EXCEPT !.install = <<>>, !.staged = Nothing]
  IN /\ me.here /\ me.install # <<>>
     /\ Become(r, disk[r], Answered(dropped), Answers(r, dropped, net), reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* A leader begins to send to a learner that it did not know.
Learns(r, q, t) ==
  LET me == rep[r]
  IN IF me.role = "leader" /\ t = me.term /\ q \notin Voters(me.cfg) \cup me.learn \cup {r}
     THEN /\ Become(r, disk[r], [me EXCEPT !.learn = @ \cup {q}], net, reads)
          /\ UNCHANGED <<disk, doc, late, coord, spent>>
     ELSE Still

ToldForward(r, t, ens) ==
  LET me == rep[r]
  IN IF me.role = "leader" /\ t = me.term /\ ens # {} /\ me.cfg.join = ens THEN CompleteChange(r) ELSE Still

\* A request to make a replica may come after the replica left the shard, which
\* the specification leaves out: it is made then, and is nobody's member. Once
\* says that the document did name it.
Made(r, once) ==
  IF r \in Members(doc) THEN CreateReplica(r)
  ELSE /\ once /\ ~rep[r].here /\ ~disk[r].gone
       /\ rep' = [rep EXCEPT ![r] = [Begin(disk[r]) EXCEPT !.here = TRUE, !.ops = <<OpTerm(NoTerm)>>]]
       /\ UNCHANGED <<disk, doc, late, coord, net, reads, seen, spent>>

\* A replica is gone when its log's deletion is durable; until then it answers
\* nobody. Where the document does not name it any more, it was forgotten before.
Deleted(r, byHand) ==
  /\ rep[r].here
  /\ byHand \/ r \notin Members(doc)
  /\ Gone(r)
  /\ UNCHANGED <<doc, late, coord, spent>>

-----------------------------------------------------------------------------
(* Steps of coordinators *)

\* A claim by the document that the coordinator knows. Its number is above every
\* one that the coordinator heard of, which may be more than one above. A claim on
\* an older document cannot win, and is not looked at.
MayFollow(d) ==
  /\ d.ver <= doc.ver + 1
  /\ d.ver = doc.ver + 1 =>
       /\ d.term.n > doc.term.n
       /\ LET higher == [Abstract(doc) EXCEPT !.term = d.term, !.steady = FALSE, !.leader = NoOne]
              joins == [higher EXCEPT !.join = d.join, !.learn = @ \ d.join]
              back == [higher EXCEPT !.join = {}, !.removed = @ \cup (doc.join \ doc.ens)]
          IN \/ Abstract(d) = higher
             \* Rule 8: members that the shard has, or learners, are asked to vote too.
             \/ doc.steady /\ d.join # {} /\ d.join \subseteq doc.ens \cup doc.learn /\ Abstract(d) = joins
             \/ doc.join # {} /\ Abstract(d) = back

Claimed(c, d) ==
  /\ coord[c].phase \notin Storing /\ d.term.c = c /\ MayFollow(d)
  /\ coord' = [coord EXCEPT ![c] = Claims(@, d)]
  /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* Learners are named, or given up; replicas that are gone are forgotten.
Changed(c, d) ==
  /\ coord[c].phase \notin Storing /\ d.ver <= doc.ver + 1
  /\ d.ver = doc.ver + 1 =>
       /\ doc.steady /\ Abstract(d) = [Abstract(doc) EXCEPT !.learn = d.learn, !.removed = d.removed]
       /\ \A r \in d.learn \ doc.learn : ~disk[r].made /\ ~disk[r].gone
       /\ doc.learn \ d.learn \subseteq d.removed
       /\ \A r \in doc.removed \ d.removed : ~rep[r].here
       /\ d.removed \ doc.removed \subseteq doc.learn
  /\ coord' = [coord EXCEPT ![c] = [Turns(@, "changing") EXCEPT !.doc = d, !.mine = NoTerm]]
  /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* An answer to NewTerm; that everybody has answered does not make the choice at
\* once, for a disk may have to be written down first.
Collected(c, a) ==
  LET co == coord[c]
  IN IF co.phase # "fencing" \/ a.t # co.mine \/ a.r \notin Members(co.doc) \ HasAnswered(co) THEN Still
     ELSE /\ a \in net.fenced \/ a.t.n < Low
          /\ coord' = [coord EXCEPT ![c].heads = @ \cup {[r |-> a.r, head |-> a.head]}]
          /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* Which of the eligible is chosen is a matter of health and load.
Chooses(c, r) ==
  LET co == coord[c]
  IN /\ co.phase = "fencing" /\ MayChoose(co) /\ r \in Eligible(co)
     /\ coord' = [coord EXCEPT ![c] = Chosen(co, r)]
     /\ net' = [net EXCEPT !.choices = @ \cup {Choice(co, r)}]
     /\ UNCHANGED <<rep, disk, doc, late, reads, seen, spent>>

\* A leader is published by who made it leader, or by whoever finds it serving.
Publishing(c, d) ==
  LET co == coord[c]
      own == co.phase = "starting" /\ co.doc.term = d.term
      base == IF own THEN co.doc ELSE doc
  IN /\ co.phase \notin Storing
     /\ d.term \in net.ready \/ d.term.n < Low
     /\ d.term.n >= Low => d.leader = net.reign[d.term.n].by
     /\ own \/ d.ver = doc.ver + 1 => Abstract(d) = Abstract(Published(base, d.leader))
     /\ d.ver <= doc.ver + 1
     /\ coord' = [coord EXCEPT ![c] = [Turns(co, "publishing") EXCEPT !.doc = d, !.mine = NoTerm]]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* The call was carried out. Whether it changed the document is known.
CallAnswered(c, won) ==
  /\ (coord[c].doc.ver = doc.ver + 1) = won
  /\ DocumentStored(c)

Lost(c) == IF coord[c].phase \in Storing THEN StoreUnknown(c) ELSE Still
Died(c) == IF coord[c] # Watching(coord[c].doc) THEN CoordinatorCrash(c) ELSE Still

\* Disks are written down: nothing that the specification speaks of changes.
DisksNamed(ver) ==
  /\ doc.ver + 1 = ver
  /\ doc' = [doc EXCEPT !.ver = ver]
  /\ UNCHANGED <<rep, disk, late, coord, net, reads, seen, spent>>

\* Somebody beside the specification's coordinators fences and chooses, as scripts
\* do whose subject is the replica: what it sends, may arrive.
HandFences(t) ==
  /\ net' = [net EXCEPT !.terms = @ \cup {t}]
  /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>
HandTells(n) ==
  /\ net' = [net EXCEPT !.higher = @ \cup {n}]
  /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>
HandForwards(n, ens) ==
  /\ net' = [net EXCEPT !.forward = @ \cup {[n |-> n, ens |-> ens]}]
  /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>
HandChooses(ch) ==
  /\ net' = [net EXCEPT !.choices = @ \cup {ch}]
  /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>

-----------------------------------------------------------------------------
Acts(s) ==
  CASE s.a = "Still"         -> Still
    [] s.a = "NewTerm"       -> FencedBy(s.r, s.t)
    [] s.a = "BecomeLeader"  -> ToldToLead(s.r, s.ch)
    [] s.a = "Propose"       -> Propose(s.r)
    [] s.a = "Append"        -> Appended(s.r, s.t, s.prev, s.es, s.commit)
    [] s.a = "Ack"           -> Acked(s.r, s.q, s.t, s.upTo)
    [] s.a = "HigherTerm"    -> HeardOfHigher(s.r, s.n)
    [] s.a = "LogDone"       -> LogDone(s.r)
    [] s.a = "Applied"       -> Applied(s.r)
    [] s.a = "HandOver"      -> HandsOver(s.r)
    [] s.a = "ReadIndex"     -> ReadIndex(s.r)
    [] s.a = "Confirm"       -> AskedToConfirm(s.r, s.t, s.round, s.commit)
    [] s.a = "Confirmed"     -> CountedRound(s.r, s.q, s.t, s.round)
    [] s.a = "Trim"          -> Trim(s.r, s.to)
    [] s.a = "Flush"         -> Flushed(s.r, s.to)
    [] s.a = "Export"        -> Exported(s.r, s.to)
    [] s.a = "FinalPart"     -> FinalPart(s.r, s.t, s.last)
    [] s.a = "EarlierPart"   -> EarlierPart(s.r, s.t)
    [] s.a = "Imported"      -> Imported(s.r)
    [] s.a = "Damaged"       -> Damaged(s.r)
    [] s.a = "Learn"         -> Learns(s.r, s.q, s.t)
    [] s.a = "Forward"       -> ToldForward(s.r, s.t, s.ens)
    [] s.a = "Delete"        -> Deleted(s.r, s.byHand)
    [] s.a = "Restart"       -> Restart(s.r)
    [] s.a = "CreateReplica" -> Made(s.r, s.once)
    [] s.a = "Wipe"          -> Wipe(s.r)
    [] s.a = "Claim"         -> Claimed(s.c, s.d)
    [] s.a = "Change"        -> Changed(s.c, s.d)
    [] s.a = "Stored"        -> CallAnswered(s.c, s.won)
    [] s.a = "Lost"          -> Lost(s.c)
    [] s.a = "Late"          -> StoreLate(s.d)
    [] s.a = "Died"          -> Died(s.c)
    [] s.a = "DisksNamed"    -> DisksNamed(s.ver)
    [] s.a = "Told"          -> Collected(s.c, s.reply)
    [] s.a = "Choose"        -> Chooses(s.c, s.r)
    [] s.a = "Publish"       -> Publishing(s.c, s.d)
    [] s.a = "HandFences"    -> HandFences(s.t)
    [] s.a = "HandTells"     -> HandTells(s.n)
    [] s.a = "HandForwards"  -> HandForwards(s.n, s.ens)
    [] s.a = "HandChooses"   -> HandChooses(s.ch)

-----------------------------------------------------------------------------
(* What was seen after a step *)

\* The state that the replica shows, its durable steps under way, and what of the
\* log it has handed over.
Shows(r, o) ==
  LET me == rep'[r]
  IN /\ me.here
     /\ me.term = o.term /\ me.role = o.role
     /\ HeadOf(me.log) = o.head /\ me.base = o.base
     /\ Durable(disk'[r], me) = o.durable
     /\ me.commit = o.commit /\ me.applied = o.applied /\ me.applying = o.applying
     /\ (me.install # <<>>) = o.installing
     /\ o.serving => Serves(me)
     /\ me.role = "follower" => net'.reign[me.term.n].by = o.leader
     /\ [i \in 1..Len(me.ops) |-> me.ops[i].k] = o.ops

\* The coordinator's term, as long as it fences or has chosen in it.
CoordinatorShows(c, o) ==
  LET co == coord'[c]
  IN o.phase \in {"fencing", "starting"} => co.phase = o.phase /\ co.mine = o.mine

\* Proposals and reads end as the specification says, and no others do; unknown is
\* always true.
OutcomesFit(r, o) ==
  /\ \A v \in 1..Len(seen.proposed) :
       seen'.proposed[v].end # seen.proposed[v].end =>
         <<v, seen'.proposed[v].end>> \in o.ended \/ <<v, "unknown">> \in o.ended \/ o.forgets
  /\ \A e \in o.ended : e[2] # "unknown" => seen'.proposed[e[1]].end = e[2]
  /\ \A q \in 1..Len(reads) :
       reads'[q].st # reads[q].st /\ reads'[q].st \in {"done", "refused", "stale"} => <<q, reads'[q].st>> \in o.answered \/ o.forgets
  /\ \A e \in o.answered : reads'[e[1]].st = e[2]

\* What was sent is what the network holds now.
Sent(r, m) ==
  LET n == rep'[r].term.n
      t == rep'[r].term
  IN CASE m.m = "NewTermReply" -> [t |-> t, r |-> r, head |-> m.head] \in net'.fenced /\ m.t = t
       [] m.m = "Ready"        -> t = m.t /\ rep'[r].role = "leader" /\ (m.ready => t \in net'.ready)
       [] m.m = "Declined"     -> [t |-> m.t, n |-> n] \in net'.declined \/ m.t.n < Low'
       [] m.m = "Append"       -> /\ m.t = t /\ rep'[r].role = "leader" /\ m.commit <= net'.reign[n].commit
                                  /\ IsPiece(net'.reign[n].log, m.prev, m.es)
       [] m.m = "Ack"          -> m.t = t /\ m.upTo <= net'.acks[n][r]
       [] m.m = "Confirm"      -> m.t = t /\ m.round <= net'.reign[n].round /\ m.commit <= net'.reign[n].commit
       [] m.m = "Confirmed"    -> m.t = t /\ m.round <= net'.confirmed[n][r]
       [] m.m = "HigherTerm"   -> m.t = t
       [] m.m = "Part"         -> m.t = t /\ m.last.o \in net'.reign[n].snaps /\ TermAt(rep'[r].log, m.last.o) = m.last.t
       [] m.m = "AskElection"  -> m.t = t
       [] m.m = "ProbeReply"   -> m.t = t /\ m.role = rep'[r].role /\ m.head = HeadOf(rep'[r].log) /\ (m.serving => Serves(rep'[r]))
       [] m.m = "Created"      -> disk'[r].made
       [] m.m = "Mismatch"     -> m.t = t /\ rep'[r].role = "follower"

CoordinatorSent(c, m) ==
  CASE m.m = "NewTerm"      -> m.t \in net'.terms \/ m.t.n < Low'
    [] m.m = "BecomeLeader" -> m.ch \in net'.choices \/ m.ch.t.n < Low'
    [] m.m = "Assign"       -> /\ m.d.ver <= doc'.ver
                               /\ m.d.ver = doc'.ver => m.d = doc'
       \* The head is a hint from where to send: a learner's is that of an answer.
       [] m.m = "AddFollower"  -> m.reply \in net'.fenced \/ m.reply.t.n < Low' \/ m.reply.r \in Members(doc')
    [] m.m = "Create"       -> m.r \in Members(doc')

Seen(s) ==
  CASE s.see = "none"        -> TRUE
    [] s.see = "replica"     -> /\ Shows(s.r, s.o) /\ OutcomesFit(s.r, s.o)
                                /\ \A i \in 1..Len(s.sent) : Sent(s.r, s.sent[i])
    [] s.see = "coordinator" -> /\ CoordinatorShows(s.c, s.o)
                                /\ \A i \in 1..Len(s.sent) : CoordinatorSent(s.c, s.sent[i])

-----------------------------------------------------------------------------
TraceInit ==
  /\ which \in 1..Len(Traces)
  /\ at = 1
  /\ LET t == Traces[which]
     IN /\ disk = [r \in Replica |-> [BlankDisk EXCEPT !.made = r \in t.made, !.gone = r \notin t.members]]
        /\ doc = [Document EXCEPT !.ens = t.first, !.ver = t.ver]
        /\ seen = [committed |-> <<>>, proposed |-> <<>>, led |-> [n \in 1..Limit.terms |-> 0]]
  /\ rep = [r \in Replica |-> Begin(disk[r])]
  /\ late = {}
  /\ coord = [c \in Coordinator |-> Watching(Document)]
  /\ net = Quiet
  /\ reads = <<>>
  /\ spent = [what \in DOMAIN Limit |-> 0]

\* A trace that came to its end says so; where all are to go as far as they can,
\* each step does.
Ends == /\ at = Len(Traces[which].steps) => PrintT(<<"accepted", which>>)
        /\ TellsSteps => PrintT(<<"step", which, at>>)

TraceNext ==
  \/ /\ at <= Len(Traces[which].steps)
     /\ Acts(Step)
     /\ Seen(Step)
     /\ Ends
     /\ at' = at + 1
     /\ UNCHANGED which
  \/ at > Len(Traces[which].steps) /\ UNCHANGED tvars

TraceSpec == TraceInit /\ [][TraceNext]_tvars

-----------------------------------------------------------------------------
(* Safety along the way. *)

\* As LogsMatch and OneEntryPerId, but quick for long logs: where two logs hold the
\* same entry, the last such place says all.
LogsAgree ==
  \A a, b \in Logs :
    LET same == {o \in 1..Min({Len(a), Len(b)}) : a[o].t = b[o].t}
    IN same = {} \/ LET o == CHOOSE x \in same : x + 1 \notin same /\ \A y \in same : y <= x IN First0(a, o) = First0(b, o)
=============================================================================
