---------------------------- MODULE CorpusChange ----------------------------
(***************************************************************************)
(* Behaviours with ensemble changes for the replay on the core: the steps  *)
(* of module Corpus, and those of module EnsembleChange. Where the core    *)
(* does less than a step allows, or does two steps in one, the step is     *)
(* left out here: the replay shows what the core does, and TLC, on other   *)
(* models, that more would do no harm.                                     *)
(***************************************************************************)
EXTENDS Corpus

\* The core looks at the members only while nothing speaks against the leader. It
\* takes learners that nobody wishes for out first, which no step here does.
Calm(c) == coord[c].asked # doc.term /\ doc.leader \in doc.ens

\* If the joining ensemble alone is missing when a wait ends, the core goes back in
\* the same step; here that is the step Back.
JoinersMissing(cfg, there) == cfg.join # {} /\ Majority(cfg.ens, there) /\ ~Majority(cfg.join, there)
EndsInBack(c) ==
  JoinersMissing(DocConfig(coord[c].doc), HasAnswered(coord[c]) \cup {a.r : a \in coord[c].answers})

ChangeOfReplica(r) ==
  \/ CorpusOfReplica(r)
  \/ CreateReplica(r) /\ Did([n |-> "CreateReplica", r |-> r])
  \/ \E q \in Replica : AddFollower(r, q) /\ Did([n |-> "AddFollower", r |-> r, q |-> q])
  \/ CompleteChange(r) /\ Did([n |-> "CompleteChange", r |-> r])
  \/ DeleteReplica(r) /\ Did([n |-> "DeleteReplica", r |-> r])
  \/ Seldom(80) /\ Wipe(r) /\ Did([n |-> "Wipe", r |-> r])

ChangeOfCoordinator(c) ==
  \/ CorpusOfCoordinator(c) /\ (act'.n \in {"GiveUp", "QuestionsOver"} => ~EndsInBack(c))
  \/ Calm(c) /\ \E wish \in Wish :
       /\ doc.learn \subseteq wish
       /\ \/ AddLearners(c, wish) /\ Did([n |-> "AddLearners", c |-> c, wish |-> wish])
          \/ Join(c, wish) /\ Did([n |-> "Join", c |-> c, wish |-> wish])
  \* The core goes back from the document that it works on, which must be the present one.
  \/ /\ coord[c].phase = "watching" \/ coord[c].doc = doc
     /\ Seldom(30) /\ Back(c) /\ Did([n |-> "Back", c |-> c])
  \/ Calm(c) /\ ReplicaDeleted(c) /\ Did([n |-> "ReplicaDeleted", c |-> c])

ChangeNext ==
  \/ \E r \in Replica : ChangeOfReplica(r)
  \/ \E c \in Coordinator : ChangeOfCoordinator(c)
  \/ \E d \in late : StoreLate(d) /\ Did([n |-> "StoreLate", d |-> d])

ChangeSpec == Init /\ act = [n |-> "Init"] /\ [][ChangeNext]_<<vars, act>>

\* Ids are given out in order: no wish asks for r3 without r2. In fewer terms than
\* these the core does not tire of a joining ensemble. The first ensemble is small,
\* so that chance completes a change now and then.
One == {r1}
Wishes == {{r2}, {r1, r2}, {r2, r3}}
ChangeBounds == [Much EXCEPT !.terms = 5, !.writes = 3, !.crashes = 3, !.unknowns = 1, !.coordinatorCrashes = 1,
                             !.changes = 4, !.backs = 2, !.wipes = 1]
=============================================================================
