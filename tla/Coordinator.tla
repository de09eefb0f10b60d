---------------------------- MODULE Coordinator ----------------------------
(***************************************************************************)
(* Coordinators elect (rules 0 to 3). Any number may run, and any may      *)
(* crash at any point. What they share is the shard's document, which      *)
(* changes by compare-and-set of its version only.                         *)
(*                                                                         *)
(* A coordinator is in one phase at a time:                                *)
(*   watching     nothing is under way                                     *)
(*   questioning  the ensemble is asked whether it hears its leader        *)
(*   claiming     a document with a higher term is being written           *)
(*   fencing      NewTerm was sent, and heads are collected                *)
(*   starting     BecomeLeader was sent                                    *)
(*   publishing   the leader is being written                              *)
(*   changing     a change of learners or of removed replicas is written   *)
(***************************************************************************)
EXTENDS Snapshots

Watching(d) == [phase |-> "watching", doc |-> d, mine |-> NoTerm, heads |-> {}, chosen |-> NoOne,
                failed |-> NoOne, asked |-> NoTerm, answers |-> {}, round |-> 0, highest |-> 0]

\* A coordinator goes above every term number that it was told of. That matters where
\* its own claim has an unknown outcome, and where questions are not modelled it
\* forgets.
Hears(co, n) == IF Questions THEN [co EXCEPT !.highest = Max({@, n})] ELSE co
\* It knows a document. That the leader of an earlier term asked to be replaced is
\* of no use any more. (A document without a term asks by itself.)
Knows(co, d) == Hears([co EXCEPT !.doc = d, !.asked = IF @ = d.term THEN @ ELSE NoTerm], d.term.n)
Above(co, d) == Max({co.highest, d.term.n}) + 1

\* Back to watching. Where questions are not modelled, what was known is of no use:
\* the document is read anew.
Idle(co, d) == IF Questions THEN Knows([co EXCEPT !.phase = "watching", !.heads = {}, !.chosen = NoOne, !.answers = {},
                                                  !.mine = NoTerm], d)
               ELSE Watching(Document)

\* A phase begins: what the one before had collected is of no more use.
Turns(co, phase) == [co EXCEPT !.phase = phase, !.heads = {}, !.chosen = NoOne, !.answers = {}]
Claims(co, d) == [Hears(Turns(co, "claiming"), d.term.n) EXCEPT !.doc = d, !.mine = NoTerm]

\* The document with a higher term. What a claim changes of the ensembles besides
\* is the business of module EnsembleChange.
Higher(c, co, d) == [d EXCEPT !.ver = @ + 1, !.term = [n |-> Above(co, d), c |-> c], !.steady = FALSE, !.leader = NoOne]
MayClaim(co, d) == Above(co, d) <= Limit.terms

\* The written document is kept as the one that the coordinator knows: its call
\* decides whether it ever was one. So there is one call for each coordinator.
Storing == {"claiming", "publishing", "changing"}

\* A coordinator elects. Where questions are not modelled it may do so at any
\* time: nothing depends on why.
Elect(c) ==
  LET co == coord[c]
  IN /\ ~Questions /\ co.phase \notin Storing /\ MayClaim(co, doc)
     /\ coord' = [coord EXCEPT ![c] = Claims(co, Higher(c, co, doc))]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

-----------------------------------------------------------------------------
(* Rule 1: the metadata store *)

\* The call was carried out, and is answered: the document changed if its version
\* was the one before.
DocumentStored(c) ==
  LET co == coord[c]
      won == co.doc.ver = doc.ver + 1
      forward == co.phase = "publishing" /\ co.doc.ens # doc.ens
      owns == co.phase = "claiming" /\ won
      claimed == [Turns(co, "fencing") EXCEPT !.mine = co.doc.term]
      over == Idle(co, IF won THEN co.doc ELSE doc)
  IN /\ co.phase \in Storing
     /\ doc' = IF won THEN co.doc ELSE doc
     /\ coord' = [coord EXCEPT ![c] = IF owns THEN claimed ELSE over]
     /\ net' = [net EXCEPT !.terms = IF owns THEN @ \cup {co.doc.term} ELSE @,
                           !.forward = IF won /\ forward THEN @ \cup {[n |-> co.doc.term.n, ens |-> co.doc.ens]} ELSE @]
     /\ UNCHANGED <<rep, disk, late, reads, seen, spent>>

\* The answer does not come; the call may have been carried out, or be so later,
\* or never. The term is not used.
StoreUnknown(c) ==
  LET co == coord[c]
      uses == co.phase = "claiming" /\ Drops("own_a_term_by_ones_own_success")
  IN /\ co.phase \in Storing /\ Within("unknowns")
     /\ late' = late \cup {co.doc}
     /\ coord' = [coord EXCEPT ![c] = IF uses THEN [Turns(co, "fencing") EXCEPT !.mine = co.doc.term] ELSE Idle(co, doc)]
     /\ net' = [net EXCEPT !.terms = IF uses THEN @ \cup {co.doc.term} ELSE @]
     /\ Spend("unknowns")
     /\ UNCHANGED <<rep, disk, doc, reads, seen>>

\* A call whose author does not wait for it any more takes effect.
StoreLate(d) ==
  /\ d \in late /\ d.ver = doc.ver + 1
  /\ doc' = d
  /\ late' = {x \in late : x.ver > d.ver}
  /\ net' = [net EXCEPT !.forward = IF d.term = doc.term /\ d.ens # doc.ens
                                    THEN @ \cup {[n |-> d.term.n, ens |-> d.ens]} ELSE @]
  /\ UNCHANGED <<rep, disk, coord, reads, seen, spent>>

CoordinatorCrash(c) ==
  LET co == coord[c]
  IN /\ Within("coordinatorCrashes") /\ co # Watching(co.doc)
     /\ late' = IF co.phase \in Storing /\ co.doc.ver > doc.ver THEN late \cup {co.doc} ELSE late
     /\ coord' = [coord EXCEPT ![c] = Idle(Watching(doc), doc)]
     \* An answer to another run's question is none to this one's.
     /\ net' = [net EXCEPT !.answers = {a \in @ : a.c # c}]
     /\ Spend("coordinatorCrashes")
     /\ UNCHANGED <<rep, disk, doc, reads, seen>>

\* The ensemble is to be asked, by what the coordinator knows of the document.
Asks(co, d) == [Turns(co, "questioning") EXCEPT !.doc = d, !.mine = NoTerm, !.round = @ + 1]

\* A document that another coordinator published. Whatever this one was at is over;
\* but if the leader asked to be replaced, it still does.
Assign(c) ==
  LET co == coord[c]
      knows == Idle(co, doc)
      asks == Questions /\ knows.asked = doc.term
  IN /\ doc.steady /\ doc.ver > co.doc.ver /\ co.phase \notin Storing
     /\ asks => MayClaim(knows, doc)
     /\ coord' = [coord EXCEPT ![c] = IF asks THEN Asks(knows, doc) ELSE knows]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

-----------------------------------------------------------------------------
(* Rules 2 and 3: collecting heads, and the one choice of a term *)

HasAnswered(co) == {a.r : a \in co.heads}
\* Eligible is who belongs to a quorum of which no member has a higher head.
Eligible(co) ==
  LET cfg == DocConfig(co.doc)
      Below(a) == {b.r : b \in {x \in co.heads :
                     IF Drops("choose_by_term_and_offset") THEN a.head.o >= x.head.o ELSE AtLeast(a.head, x.head)}}
      MayLead(a) == IF Drops("choose_from_a_quorum") THEN Below(a) = HasAnswered(co)
                    ELSE Guard("choose_the_eligible", IsQuorum("elect", cfg, Below(a)))
  IN {a.r : a \in {x \in co.heads : x.r \in Voters(cfg) /\ MayLead(x)}}
\* One who failed to become leader is passed over if another may lead; one who
\* will stay during an ensemble change is preferred.
Preferred(co) ==
  LET able == Eligible(co)
      fresh == IF able \ {co.failed} # {} THEN able \ {co.failed} ELSE able
      stay == fresh \cap co.doc.join
  IN IF stay # {} THEN stay ELSE fresh
MayChoose(co) == IsQuorum("elect", DocConfig(co.doc), HasAnswered(co)) \/ (Drops("choose_from_a_quorum") /\ co.heads # {})

Chosen(co, r) == [co EXCEPT !.phase = "starting", !.chosen = r]
Choice(co, r) == [t |-> co.mine, r |-> r, cfg |-> DocConfig(co.doc), learn |-> co.doc.learn]

\* An answer to NewTerm. When everybody has answered, the choice is made at once.
NewTermReply(c, a, r) ==
  LET co == coord[c]
      told == [co EXCEPT !.heads = @ \cup {[r |-> a.r, head |-> a.head]}]
      all == Members(co.doc) \subseteq HasAnswered(told)
  IN /\ co.phase = "fencing" /\ a \in net.fenced /\ a.t = co.mine
     /\ a.r \in Members(co.doc) \ HasAnswered(co)
     /\ IF all
        THEN /\ r \in Preferred(told)
             /\ coord' = [coord EXCEPT ![c] = Chosen(told, r)]
             /\ net' = [net EXCEPT !.choices = @ \cup {Choice(told, r)}]
        ELSE /\ r = NoOne
             /\ coord' = [coord EXCEPT ![c] = told]
             /\ net' = net
     /\ UNCHANGED <<rep, disk, doc, late, reads, seen, spent>>

\* Those who have not answered are waited for no longer, once a quorum has.
Choose(c, r) ==
  LET co == coord[c]
  IN /\ co.phase = "fencing" /\ MayChoose(co)
     /\ Patient => Members(co.doc) \cap Alive \subseteq HasAnswered(co)
     /\ r \in Preferred(co)
     /\ coord' = [coord EXCEPT ![c] = Chosen(co, r)]
     /\ net' = [net EXCEPT !.choices = @ \cup {Choice(co, r)}]
     /\ UNCHANGED <<rep, disk, doc, late, reads, seen, spent>>

\* The chosen replica leads, and its barrier committed: it is published. Where the
\* term was begun under two ensembles, the same step makes the joining one the
\* ensemble (rule 8, forward).
Forward(d) ==
  IF d.join = {} THEN d
  ELSE [d EXCEPT !.ens = d.join, !.join = {}, !.removed = @ \cup (d.ens \ d.join)]
Published(d, r) == [Forward(d) EXCEPT !.ver = @ + 1, !.steady = TRUE, !.leader = r]
Publishes(co, r) == [Turns(co, "publishing") EXCEPT !.doc = Published(co.doc, r), !.mine = NoTerm]
IsReady(co) == co.mine \in net.ready \/ Drops("forward_when_the_barrier_committed")

BecomeLeaderReply(c) ==
  LET co == coord[c]
  IN /\ co.phase = "starting"
     /\ \/ /\ IsReady(co)
           /\ coord' = [coord EXCEPT ![c] = Publishes([co EXCEPT !.failed = NoOne], co.chosen)]
        \* It refused: it restarted meanwhile, or is in a higher term.
        \/ \E x \in net.declined :
             LET told == [Hears(co, x.n) EXCEPT !.failed = co.chosen]
             IN /\ x.t = co.mine /\ MayClaim(told, co.doc)
                /\ coord' = [coord EXCEPT ![c] = Claims(told, Higher(c, told, co.doc))]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* No quorum answers: what is to be done is seen anew. Or the chosen one does not
\* come to lead: there is no second choice in the term, and whether a higher one is
\* needed, the ensemble is asked.
GiveUp(c) ==
  LET co == coord[c]
  IN /\ co.phase \in {"fencing", "starting"}
     /\ Patient => IF co.phase = "fencing" THEN ~MayChoose(co) /\ Members(co.doc) \cap Alive \subseteq HasAnswered(co)
                   ELSE co.chosen \notin Alive
     /\ Questions /\ (IF co.phase = "fencing" THEN ~MayChoose(co) ELSE MayClaim(co, co.doc))
     /\ coord' = [coord EXCEPT ![c] =
          IF co.phase = "fencing" THEN Turns(co, "watching") ELSE Asks([co EXCEPT !.failed = co.chosen], co.doc)]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* A second choice in one term, which nobody makes.
ChooseAgain(c, r) ==
  LET co == coord[c]
  IN /\ Drops("choose_once_in_a_term") /\ co.phase = "starting" /\ r \in Eligible(co) \ {co.chosen}
     /\ coord' = [coord EXCEPT ![c].chosen = r]
     /\ net' = [net EXCEPT !.choices = @ \cup {Choice(co, r)}]
     /\ UNCHANGED <<rep, disk, doc, late, reads, seen, spent>>

-----------------------------------------------------------------------------
(* Rule 0: when to elect *)

\* The leader of a term asks to be replaced: it reaches no quorum, has stepped
\* down, or drains.
AskElection(c) ==
  LET co == coord[c]
  IN /\ Questions /\ co.asked # co.doc.term /\ co.phase = "watching" /\ co.doc.steady
     /\ net.reign[co.doc.term.n].by # NoOne
     /\ Patient => LET by == co.doc.leader IN rep[by].role # "leader" \/ rep[by].term # co.doc.term
     /\ coord' = [coord EXCEPT ![c].asked = co.doc.term]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* Something makes the coordinator doubt: it reads the document and asks its
\* ensemble.
Ask(c) ==
  LET co == coord[c]
      lives == rep[doc.leader].role = "leader" /\ rep[doc.leader].term = doc.term /\ doc.leader \in Alive
  IN /\ Questions /\ co.phase = "watching" /\ MayClaim(co, doc)
     /\ Patient => (doc.steady /\ doc.leader # NoOne => ~lives)
     /\ coord' = [coord EXCEPT ![c] = Asks(Knows(co, doc), doc)]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* A replica tells what it knows of its leader. hears: its server heard the
\* leader's process lately.
Probe(r, c, hears) ==
  LET me == rep[r]
      co == coord[c]
      same == me.term = co.doc.term
      a == [r |-> r, leads |-> same /\ me.role = "leader",
            hears |-> same /\ (me.role = "leader" \/ (me.role = "follower" /\ hears)),
            serves |-> same /\ Serves(me)]
  IN /\ Questions /\ co.phase = "questioning" /\ me.here /\ r \in Members(co.doc)
     /\ r \notin {x.r : x \in co.answers}
     /\ IF same /\ me.role = "follower"
        THEN Patient => hears = (net.reign[me.term.n].by \in Alive)
        ELSE ~hears
     /\ net' = [net EXCEPT !.answers = {x \in @ : x.c # c \/ x.r # r} \cup {[c |-> c, round |-> co.round, r |-> r, n |-> me.term.n, a |-> a]}]
     /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>

\* Without a quorum of answers nobody is deposed. With one, an election is held if
\* the leader says that it does not lead, asked to be replaced, or has left the
\* ensemble, or if no quorum may still hear it; where a leader is found that serves
\* and is not published, it is published instead.
Judge(c, co, timeIsUp) ==
  LET cfg == DocConfig(co.doc)
      answered == {a.r : a \in co.answers}
      disowned == co.doc.steady /\ \E a \in co.answers : a.r = co.doc.leader /\ ~a.leads
      mayHear == {a.r : a \in {x \in co.answers : x.hears}} \cup
                 IF timeIsUp THEN {co.doc.leader} \ answered ELSE Voters(cfg) \ answered
      found == {a.r : a \in {x \in co.answers : x.serves}}
      left == co.doc.steady /\ co.doc.leader \notin Voters(cfg)
  IN IF ~IsQuorum("question", cfg, answered)
     THEN IF timeIsUp THEN [Turns(co, "watching") EXCEPT !.asked = NoTerm] ELSE co
     ELSE IF disowned \/ left \/ co.asked = co.doc.term \/ ~IsQuorum("question", cfg, mayHear) THEN Claims(co, Higher(c, co, co.doc))
     ELSE IF ~co.doc.steady /\ found # {} THEN Publishes(co, CHOOSE r \in found : TRUE)
     ELSE IF timeIsUp THEN Turns(co, "watching") ELSE co

ProbeReply(c, a) ==
  LET co == coord[c]
  IN /\ co.phase = "questioning" /\ a \in net.answers /\ a.c = c /\ a.round = co.round
     /\ a.r \notin {x.r : x \in co.answers} /\ MayClaim(Hears(co, a.n), co.doc)
     /\ coord' = [coord EXCEPT ![c] = Judge(c, [Hears(co, a.n) EXCEPT !.answers = @ \cup {a.a}], FALSE)]
     /\ net' = [net EXCEPT !.answers = @ \ {a}]
     /\ UNCHANGED <<rep, disk, doc, late, reads, seen, spent>>

QuestionsOver(c) ==
  LET co == coord[c]
  IN /\ co.phase = "questioning"
     /\ Patient => Members(co.doc) \cap Alive \subseteq {a.r : a \in co.answers}
     /\ coord' = [coord EXCEPT ![c] = Judge(c, co, TRUE)]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>
=============================================================================
