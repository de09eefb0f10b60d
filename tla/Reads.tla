------------------------------- MODULE Reads -------------------------------
(***************************************************************************)
(* Rule 6: linearizable reads by read-index (Ongaro's dissertation,        *)
(* section 6.4). A read notes the leader's commit offset and joins the     *)
(* next round; a quorum's answers to that round, each given after the read *)
(* arrived, say that no higher term had begun. One round is under way at a *)
(* time.                                                                   *)
(***************************************************************************)
EXTENDS Replica

OfRound(r, rd) == {q \in DOMAIN rd : rd[q].r = r /\ rd[q].st = "asked"}
Waiting(r, rd) == {q \in DOMAIN rd : rd[q].r = r /\ rd[q].st = "waiting"}
Turn(S, st, rd) == [q \in DOMAIN rd |-> IF q \in S THEN [rd[q] EXCEPT !.st = st] ELSE rd[q]]

\* The leader's own vote counts at once: it is in its term at this moment.
Begins(r, me) == [me EXCEPT !.round = @ + 1, !.confirmed = {r}]
Confirms(use, me) == Drops("ask_a_quorum") \/ IsQuorum(use, me.cfg, me.confirmed)

\* A round that a quorum confirmed ends, and the next begins for the reads that came
\* meanwhile. An ensemble of one confirms at once.
RECURSIVE Count(_, _, _, _)
Count(r, d, me, rd) ==
  LET asked == OfRound(r, rd)
      waiting == Waiting(r, rd)
      rd2 == Turn(asked, "confirmed", rd)
  IN IF asked = {} \/ ~Confirms("confirm", me) THEN [me |-> me, rd |-> rd]
     ELSE IF waiting = {} THEN [me |-> me, rd |-> rd2]
     ELSE Count(r, d, Begins(r, me), Turn(waiting, "asked", rd2))

\* A leader that serves is asked to read.
ReadIndex(r) ==
  LET me == rep[r]
      read == [st |-> "waiting", r |-> r, index |-> me.commit, floor |-> Len(seen.committed)]
      joins == OfRound(r, reads) = {} \/ Drops("join_only_a_later_round")
      begins == OfRound(r, reads) = {}
      queue == Append(reads, [read EXCEPT !.st = IF joins THEN "asked" ELSE "waiting"])
      now == Count(r, disk[r], IF begins THEN Begins(r, me) ELSE me, queue)
  IN /\ Within("reads") /\ Serves(me)
     /\ Become(r, disk[r], now.me, net, now.rd)
     /\ Spend("reads")
     /\ UNCHANGED <<disk, doc, late, coord>>

\* A voter says that the leader's term stands here, durably, at this moment. It
\* is no promise. The question carries the commit offset, as an Append does.
Confirm(r, n, commit) ==
  LET me == rep[r]
      g == net.reign[n]
      stands == ReignTerm(n) = me.term /\ TermIsDurable(me)
      told == IF me.role = "follower" /\ me.term.n = n
              THEN [me EXCEPT !.commit = Max({@, Min({commit, me.matched})})] ELSE me
  IN /\ me.here /\ Reaches(n, r) /\ g.round > 0 /\ commit <= g.commit
     /\ Guard("confirm_only_the_own_term", stands) /\ n <= me.term.n
     /\ News(net.confirmed[n][r] # g.round \/ told # me)
     /\ Become(r, disk[r], told, [net EXCEPT !.confirmed[n][r] = g.round], reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* The leader counts an answer to the round under way, from a voter, and no other.
Confirmed(r, q, round) ==
  LET me == rep[r]
      told == [me EXCEPT !.confirmed = @ \cup {q}]
      now == Count(r, disk[r], told, reads)
  IN /\ me.here /\ me.role = "leader" /\ q \in (Voters(me.cfg) \cup me.learn) \ {r}
     /\ q \in Voters(me.cfg)
     /\ round > 0 /\ round <= net.confirmed[me.term.n][q] /\ q \notin me.confirmed
     /\ Guard("count_the_round_under_way_only", round = me.round) /\ OfRound(r, reads) # {}
     /\ Become(r, disk[r], now.me, net, now.rd)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>
=============================================================================
