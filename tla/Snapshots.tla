----------------------------- MODULE Snapshots -----------------------------
(***************************************************************************)
(* Rule 10: logs are trimmed, and a follower whose next entry is gone gets *)
(* the leader's state instead. Its head is then the last entry that the    *)
(* state has seen, never "empty".                                          *)
(***************************************************************************)
EXTENDS Reads

\* The state machine flushes: what it applied would survive a crash.
Flush(r) ==
  /\ rep[r].here /\ Within("flushes") /\ rep[r].install = <<>>
  /\ Len(disk[r].state) < rep[r].applied
  /\ disk' = [disk EXCEPT ![r].state = First0(rep[r].log, rep[r].applied)]
  /\ Spend("flushes")
  /\ UNCHANGED <<rep, doc, late, coord, net, reads, seen>>

\* The log is trimmed, never beyond what the state machine holds durably.
Trim(r, to) ==
  LET me == rep[r]
  IN /\ me.here /\ Within("trims") /\ me.install = <<>>
     /\ to > me.base /\ to <= me.applied
     /\ Guard("trim_only_what_is_flushed", to <= Len(disk[r].state))
     /\ Become(r, disk[r], [me EXCEPT !.base = to, !.ops = Append(@, OpTrim(to))], net, reads)
     /\ Spend("trims")
     /\ UNCHANGED <<disk, doc, late, coord>>

\* The leader begins a snapshot of what it has applied, for a member whose next
\* entry is trimmed.
Export(r) ==
  LET me == rep[r]
      n == me.term.n
  IN /\ me.here /\ me.role = "leader"
     /\ \E q \in (Voters(me.cfg) \cup me.learn) \ {r} : me.match[q] < me.base
     /\ me.applied >= me.base /\ me.applied \notin net.reign[n].snaps
     /\ net' = [net EXCEPT !.reign[n].snaps = @ \cup {me.applied}]
     /\ UNCHANGED <<rep, disk, doc, late, coord, reads, seen, spent>>

\* A part of the snapshot up to entry s of the leader of term number n. Parts are
\* taken in order, one at a time. Where the log holds entry s already, there is
\* nothing to install. The replica's own term must be durable first: the snapshot's
\* entries may be of a higher one than a crash would leave on the disk.
SnapshotChunk(r, n, s, part) ==
  LET me == rep[r]
      d == disk[r]
      term == ReignTerm(n)
      f == Follows(me, term)
      state == First0(net.reign[n].log, s)
      busy == f.install # <<>> \/ f.staged.busy
      holds == s <= f.commit \/ (s <= Len(f.log) /\ f.log[s].t = state[s].t)
      has == [f EXCEPT !.matched = Max({@, s}), !.commit = Max({@, s})]
      kept == IF f.staged.t = n /\ f.staged.o = s THEN f.staged.parts ELSE 0
      takes == part = kept + 1 /\ Guard("install_in_a_durable_term", TermIsDurable(f))
      now == IF busy THEN f
             ELSE IF holds THEN has
             ELSE IF ~takes THEN f
             ELSE IF part = Parts THEN [f EXCEPT !.staged = [t |-> n, o |-> s, parts |-> kept, busy |-> FALSE], !.install = state]
             ELSE [f EXCEPT !.staged = [t |-> n, o |-> s, parts |-> kept, busy |-> TRUE]]
  IN /\ me.here /\ Reaches(n, r) /\ s \in net.reign[n].snaps
     /\ me.role = "leader" => me.term.n < n
     /\ term.n > me.term.n \/ term = me.term
     /\ News(now # me)
     /\ Become(r, d, now, IF ~busy /\ holds /\ Durable(d, now) >= s /\ LastReset(now.ops) = 0
                          THEN AckUpTo(r, s, now, net) ELSE net, reads)
     /\ UNCHANGED <<disk, doc, late, coord, spent>>

\* A part was written, or the whole snapshot put in place, durably. The log is then
\* reset to it: it does not hold the snapshot's last entry, for nothing was taken
\* from a leader meanwhile. The head is that entry, whatever was there before.
Imported(r) ==
  LET me == rep[r]
      part == [me EXCEPT !.staged = IF @.t = me.term.n THEN [@ EXCEPT !.parts = @ + 1, !.busy = FALSE] ELSE Nothing]
      s == Len(me.install)
      d == [disk[r] EXCEPT !.state = me.install]
      reset == [me EXCEPT
        !.log = me.install, !.base = s, !.install = <<>>, !.staged = Nothing,
        !.ops = Append(@, OpReset(me.install)),
        !.commit = s, !.applied = s, !.applying = s,
        !.matched = IF me.role = "follower" /\ me.staged.t = me.term.n THEN s ELSE @]
      now == [reset EXCEPT !.wait = IF me.role = "fenced" THEN Len(reset.ops) ELSE @]
  IN /\ me.here
     /\ \/ /\ me.staged.busy
           /\ Become(r, disk[r], part, net, reads)
           /\ UNCHANGED disk
        \/ /\ me.install # <<>> /\ me.applying = me.applied
           /\ disk' = [disk EXCEPT ![r] = d]
           /\ Become(r, d, now, net, reads)
     /\ UNCHANGED <<doc, late, coord, spent>>
=============================================================================
