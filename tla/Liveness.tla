----------------------------- MODULE Liveness ------------------------------
(***************************************************************************)
(* What must come about, if those in Alive stay up and connected, and a    *)
(* coordinator too. A crash is over at once here, so one that is up again  *)
(* counts as staying up; all others are down. Models of liveness set       *)
(* Patient: the waits of rule 0 and of elections are longer than what is   *)
(* waited for takes.                                                       *)
(***************************************************************************)
EXTENDS Properties

\* Whatever may still come about by itself among those who are up. What is a
\* choice or a mishap (requests, crashes, trims, wishes) is not in it.
ByItself ==
  \/ \E r \in Alive :
       \/ \E t \in net.terms : NewTerm(r, t)
       \/ \E ch \in net.choices : BecomeLeader(r, ch)
       \/ \E n \in 1..Limit.terms :
            \/ /\ Reaches(n, r) /\ n >= rep[r].term.n
               /\ \E p \in Pieces(net.reign[n].log) : AppendEntries(r, n, p[1], p[2], net.reign[n].commit)
            \/ Stale(r, n)
            \/ Confirm(r, n, net.reign[n].commit)
            \/ \E s \in net.reign[n].snaps : \E part \in 1..Parts : SnapshotChunk(r, n, s, part)
       \/ \E q \in Alive : rep[r].role = "leader" /\
            \/ Ack(r, q, net.acks[rep[r].term.n][q])
            \/ Confirmed(r, q, net.confirmed[rep[r].term.n][q])
            \/ AddFollower(r, q)
       \/ HigherTerm(r)
       \/ LogDone(r)
       \/ Applied(r)
       \/ Export(r)
       \/ Imported(r)
       \/ CompleteChange(r)
       \/ CreateReplica(r)
       \/ DeleteReplica(r)
  \/ \E c \in Coordinator :
       \/ DocumentStored(c)
       \/ Assign(c)
       \/ \E a \in net.fenced : \E r \in Replica \cup {NoOne} : NewTermReply(c, a, r)
       \/ \E r \in Replica : Choose(c, r)
       \/ BecomeLeaderReply(c)
       \/ GiveUp(c)
       \/ Ask(c)
       \/ \E r \in Alive : \E hears \in BOOLEAN : Probe(r, c, hears)
       \/ \E a \in net.answers : ProbeReply(c, a)
       \/ QuestionsOver(c)
       \/ ReplicaDeleted(c)

\* Nothing of this goes round in circles, since messages stay and terms are bounded:
\* so it is enough that something happens as long as something may.
\* One more wait: nobody asks about a leader whose barrier is under way.
Waits ==
  \A c \in Coordinator : coord'[c].round > coord[c].round =>
    \A r \in Alive : rep[r].role = "leader" /\ rep[r].term = doc.term => Serves(rep[r])
Goes == [][Next /\ Waits]_vars /\ WF_vars(ByItself /\ Waits)
Living == Init /\ Goes

-----------------------------------------------------------------------------
Up == {r \in Alive : rep[r].here /\ r \in Members(doc)}

\* There is one leader, it serves and is published, and everybody who is up has
\* applied all that is in its log.
Settled ==
  /\ doc.steady /\ doc.join = {} /\ doc.removed \cap Alive = {}
  /\ \E l \in Up :
       /\ rep[l].term = doc.term /\ Serves(rep[l]) /\ rep[l].cfg = DocConfig(doc)
       /\ \A r \in Up : /\ rep[r].term = doc.term
                        /\ rep[r].log = rep[l].log /\ rep[r].applied = Len(rep[l].log)
SettlesDown == <>[]Settled

ProposalsEnd == <>[](\A v \in DOMAIN seen.proposed : seen.proposed[v].end # "open")
ReadsEnd == <>[](\A q \in DOMAIN reads : reads[q].st \in {"done", "refused"})
ChangesEnd == []((doc.join # {}) => <>(doc.join = {}))
RemovedAreDeleted == []((doc.removed # {}) => <>(doc.removed = {}))
=============================================================================
