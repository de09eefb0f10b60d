------------------------------ MODULE Ostraka ------------------------------
(***************************************************************************)
(* One shard: how it begins, and all that may happen next.                 *)
(***************************************************************************)
EXTENDS EnsembleChange

\* The replicas of the first ensemble are made, and nothing was ever elected.
Init ==
  /\ disk = [r \in Replica |-> [BlankDisk EXCEPT !.made = r \in First]]
  /\ rep = [r \in Replica |-> Begin([BlankDisk EXCEPT !.made = r \in First])]
  /\ doc = Document
  /\ late = {}
  /\ coord = [c \in Coordinator |-> Watching(Document)]
  /\ net = Quiet
  /\ reads = <<>>
  /\ seen = [committed |-> <<>>, proposed |-> <<>>, led |-> [n \in 1..Limit.terms |-> 0]]
  /\ spent = [what \in DOMAIN Limit |-> 0]

OfReplica(r) ==
  \/ \E t \in net.terms : NewTerm(r, t)
  \/ \E ch \in net.choices : BecomeLeader(r, ch)
  \/ Propose(r)
  \/ \E n \in 1..Limit.terms :
       \/ /\ Reaches(n, r) /\ n >= rep[r].term.n
          /\ \E p \in Pieces(net.reign[n].log) : \E commit \in UpTo(net.reign[n].commit) :
               AppendEntries(r, n, p[1], p[2], commit)
       \/ Stale(r, n)
       \/ \E commit \in UpTo(net.reign[n].commit) : Confirm(r, n, commit)
       \/ \E s \in net.reign[n].snaps : \E part \in 1..Parts : SnapshotChunk(r, n, s, part)
  \/ \E q \in Replica : rep[r].role = "leader" /\
       \/ \E upTo \in UpTo(net.acks[rep[r].term.n][q]) : Ack(r, q, upTo)
       \/ \E round \in 1..net.confirmed[rep[r].term.n][q] : Confirmed(r, q, round)
       \/ AddFollower(r, q)
  \/ HigherTerm(r)
  \/ LogDone(r)
  \/ Applied(r)
  \/ ReadIndex(r)
  \/ Flush(r)
  \/ \E to \in 1..rep[r].applied : Trim(r, to)
  \/ Export(r)
  \/ Imported(r)
  \/ CompleteChange(r)
  \/ CreateReplica(r)
  \/ DeleteReplica(r)
  \/ Wipe(r)
  \/ Restart(r)

OfCoordinator(c) ==
  \/ Elect(c)
  \/ DocumentStored(c)
  \/ StoreUnknown(c)
  \/ CoordinatorCrash(c)
  \/ Assign(c)
  \/ \E a \in net.fenced : \E r \in Replica \cup {NoOne} : NewTermReply(c, a, r)
  \/ \E r \in Replica : Choose(c, r) \/ ChooseAgain(c, r)
  \/ BecomeLeaderReply(c)
  \/ GiveUp(c)
  \/ AskElection(c)
  \/ Ask(c)
  \/ \E r \in Replica : \E hears \in BOOLEAN : Probe(r, c, hears)
  \/ \E a \in net.answers : ProbeReply(c, a)
  \/ QuestionsOver(c)
  \/ \E wish \in Wish : AddLearners(c, wish) \/ Join(c, wish)
  \/ Back(c)
  \/ ReplicaDeleted(c)

Next ==
  \/ \E r \in (IF Patient THEN Alive ELSE Replica) : OfReplica(r)
  \/ \E c \in Coordinator : OfCoordinator(c)
  \/ \E d \in late : StoreLate(d)

Spec == Init /\ [][Next]_vars
=============================================================================
