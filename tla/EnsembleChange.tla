-------------------------- MODULE EnsembleChange ---------------------------
(***************************************************************************)
(* Rule 8, ensemble change, and rule 9, who is a replica at all.           *)
(*                                                                         *)
(* New replicas are learners first. A claim then names the wished ensemble *)
(* as joining, and from there on both decide (module Coordinator: forward  *)
(* is a part of publishing). The way back, as long as nobody went forward, *)
(* is a higher term with the old ensemble alone. What left is deleted      *)
(* last.                                                                   *)
(***************************************************************************)
EXTENDS Coordinator

Changes(co, d) == [Turns(co, "changing") EXCEPT !.doc = [d EXCEPT !.ver = @ + 1], !.mine = NoTerm]

\* New replica ids are given to those that the wish lacks: as learners.
AddLearners(c, wish) ==
  LET new == wish \ (doc.ens \cup doc.learn)
  IN /\ coord[c].phase = "watching" /\ doc.steady /\ doc.removed = {}
     /\ wish \in Wish /\ new # {} /\ Within("changes")
     /\ \A r \in new : ~disk[r].made /\ ~disk[r].gone
     /\ coord' = [coord EXCEPT ![c] = Changes(@, [doc EXCEPT !.learn = @ \cup new])]
     /\ Spend("changes")
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen>>

\* Rule 9: a replica is made only where the document names it, once, on the disk
\* that the document names. That it exists is durable before it answers anything.
CreateReplica(r) ==
  /\ ~rep[r].here
  /\ \/ r \in Members(doc) /\ ~disk[r].gone
     \/ Drops("a_deleted_replica_stays_deleted") /\ disk[r].gone
  /\ rep' = [rep EXCEPT ![r] = [Begin(BlankDisk) EXCEPT !.here = TRUE, !.ops = <<OpTerm(NoTerm)>>]]
  /\ UNCHANGED <<disk, doc, late, coord, net, reads, seen, spent>>

\* A leader begins to send to a learner.
AddFollower(r, q) ==
  LET me == rep[r]
  IN /\ me.here /\ me.role = "leader" /\ doc.term = me.term
     /\ q \in doc.learn \ (me.learn \cup Voters(me.cfg))
     /\ Become(r, disk[r], [me EXCEPT !.learn = @ \cup {q}], net, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* A claim names the wished ensemble as joining. That learners have caught up is a
\* matter of speed; that both ensembles decide from here on is what keeps entries.
Join(c, wish) ==
  LET co == coord[c]
      higher == Higher(c, co, doc)
      alone == [higher EXCEPT !.ens = wish, !.learn = @ \ wish, !.removed = @ \cup (doc.ens \ wish)]
  IN /\ co.phase = "watching" /\ doc.steady /\ doc.removed = {} /\ MayClaim(co, doc)
     /\ wish \in Wish /\ wish # doc.ens /\ wish \subseteq doc.ens \cup doc.learn
     /\ coord' = [coord EXCEPT ![c] = Claims(co,
          IF Drops("change_by_both_ensembles") THEN alone
          ELSE [higher EXCEPT !.join = wish, !.learn = @ \ wish])]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* Back, any time before forward: a higher term with the old ensemble alone.
Back(c) ==
  LET co == coord[c]
      alone == [doc EXCEPT !.join = {}, !.removed = @ \cup (doc.join \ doc.ens)]
  IN /\ co.phase \notin Storing /\ doc.join # {} /\ MayClaim(co, doc) /\ Within("backs")
     /\ coord' = [coord EXCEPT ![c] = Claims(co, Higher(c, co, alone))]
     /\ Spend("backs")
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen>>

\* The leader of the term in which the change went forward hears that the joining
\* ensemble decides alone. If it is not a member itself it leads no more.
CompleteChange(r) ==
  LET me == rep[r]
      n == me.term.n
      alone == [me EXCEPT !.cfg = Config(me.cfg.join, {}),
                          !.match = [q \in Replica |-> IF q \in me.cfg.join \cup me.learn THEN @[q] ELSE 0]]
      settled == Advance(r, disk[r], alone)
      counted == Count(r, disk[r], settled, reads)
  IN /\ me.here /\ me.role = "leader" /\ me.cfg.join # {}
     /\ \/ [n |-> n, ens |-> me.cfg.join] \in net.forward
        \/ Drops("complete_after_forward")
     /\ LET nw == [net EXCEPT !.completed = @ \cup {n}]
        IN IF r \in me.cfg.join
           THEN Become(r, disk[r], counted.me, nw, counted.rd)
           ELSE Become(r, disk[r], StepsDown(me), nw, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* What the document says to be removed is deleted, for good: a record of the id
\* stays, lest a late request make it anew.
Gone(r) ==
  /\ rep' = [rep EXCEPT ![r] = Begin(BlankDisk)]
  /\ disk' = [disk EXCEPT ![r] = [BlankDisk EXCEPT !.gone = TRUE]]
  /\ net' = IF rep[r].role = "leader" THEN Over(rep[r].term.n, net) ELSE net
  /\ reads' = Refuse(r, reads)
  /\ seen' = [seen EXCEPT !.proposed =
       [v \in DOMAIN @ |-> IF @[v].r = r THEN [r |-> NoOne, t |-> 0, o |-> 0, end |-> "unknown"] ELSE @[v]]]
DeleteReplica(r) ==
  /\ rep[r].here /\ r \in doc.removed
  /\ Gone(r)
  /\ UNCHANGED <<doc, late, coord, spent>>

\* The deleted ones are taken out of the document.
ReplicaDeleted(c) ==
  LET gone == {r \in doc.removed : ~rep[r].here}
  IN /\ coord[c].phase = "watching" /\ doc.steady /\ gone # {}
     /\ coord' = [coord EXCEPT ![c] = Changes(@, [doc EXCEPT !.removed = @ \ gone])]
     /\ UNCHANGED <<rep, disk, doc, late, net, reads, seen, spent>>

\* A server loses its disk. Its replica is gone: the id never comes back, and the
\* server answers for it with NotMember, which counts for nothing.
Wipe(r) ==
  /\ rep[r].here /\ Within("wipes")
  /\ IF Drops("a_lost_disk_is_another_replica")
     THEN /\ rep' = [rep EXCEPT ![r] = [Begin(BlankDisk) EXCEPT !.here = TRUE]]
          /\ disk' = [disk EXCEPT ![r] = [BlankDisk EXCEPT !.made = TRUE]]
          /\ net' = IF rep[r].role = "leader" THEN Over(rep[r].term.n, net) ELSE net
          /\ reads' = Refuse(r, reads)
          /\ seen' = seen
     ELSE Gone(r)
  /\ Spend("wipes")
  /\ UNCHANGED <<doc, late, coord>>
=============================================================================
