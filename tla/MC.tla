-------------------------------- MODULE MC ---------------------------------
(***************************************************************************)
(* The models: bounds by name, for the configurations beside this file.    *)
(***************************************************************************)
EXTENDS Liveness, TLC

CONSTANTS r1, r2, r3, r4, c1, c2

One   == {r1}
Two   == {r1, r2}
Three == {r1, r2, r3}
None  == {}
ToTwo == {{r2}}
ToTwoAndThree == {{r2, r3}}
ToAny == {{r1, r2, r4}, {r4}, {r2, r3, r4}, {r1, r2}}

-----------------------------------------------------------------------------
(* Bounds *)

Nowhere == [terms |-> 1, writes |-> 0, reads |-> 0, crashes |-> 0, unknowns |-> 0, coordinatorCrashes |-> 0,
            flushes |-> 0, trims |-> 0, changes |-> 0, backs |-> 0, wipes |-> 0]
BirthLimit     == [Nowhere EXCEPT !.crashes = 1, !.coordinatorCrashes = 1]
RivalsLimit    == [Nowhere EXCEPT !.terms = 2, !.unknowns = 1]
WriteLimit     == [Nowhere EXCEPT !.terms = 2, !.writes = 1]
CrashReadLimit == [Nowhere EXCEPT !.terms = 2, !.crashes = 1, !.reads = 1]
ReadLimit      == [Nowhere EXCEPT !.terms = 2, !.reads = 2]
OvertakenLimit == [Nowhere EXCEPT !.terms = 3, !.writes = 1]
SwapLimit      == [Nowhere EXCEPT !.terms = 3, !.changes = 1, !.backs = 1]
JointLimit     == [SwapLimit EXCEPT !.reads = 1]
AmnesiaLimit   == [Nowhere EXCEPT !.terms = 2, !.wipes = 1]
TrimLimit      == [Nowhere EXCEPT !.terms = 2, !.writes = 1, !.crashes = 1, !.flushes = 1, !.trims = 1]

DeepElectionLimit  == [Nowhere EXCEPT !.terms = 2, !.writes = 1, !.crashes = 1]
DeepRivalLimit     == [Nowhere EXCEPT !.terms = 3, !.unknowns = 1, !.crashes = 1, !.coordinatorCrashes = 1]
DeepNetworkLimit   == [Nowhere EXCEPT !.terms = 2, !.writes = 2, !.reads = 1, !.crashes = 1]
DeepOvertakenLimit == [Nowhere EXCEPT !.terms = 4, !.writes = 2, !.crashes = 1]
DeepChangeLimit    == [Nowhere EXCEPT !.terms = 4, !.writes = 1, !.reads = 1, !.crashes = 1, !.changes = 1, !.backs = 1]
DeepTrimLimit      == [Nowhere EXCEPT !.terms = 3, !.writes = 2, !.crashes = 2, !.flushes = 2, !.trims = 2]
SimulateLimit      == [terms |-> 8, writes |-> 8, reads |-> 6, crashes |-> 4, unknowns |-> 2, coordinatorCrashes |-> 2,
                       flushes |-> 4, trims |-> 4, changes |-> 2, backs |-> 1, wipes |-> 1]

LivingElectLimit  == [Nowhere EXCEPT !.terms = 2, !.coordinatorCrashes = 1]
LivingCrashLimit  == [Nowhere EXCEPT !.terms = 3, !.writes = 1, !.reads = 1, !.crashes = 1]
LivingChangeLimit == [Nowhere EXCEPT !.terms = 4, !.changes = 1, !.backs = 1]
LivingTrimLimit   == [Nowhere EXCEPT !.terms = 3, !.writes = 1, !.crashes = 1]

-----------------------------------------------------------------------------
(* Beginnings *)

\* A replica with this log, all of it on disk.
Kept(term, log) == [BlankDisk EXCEPT !.made = TRUE, !.term = term, !.log = log]
Follower(d, upTo) == [Begin(d) EXCEPT !.role = "follower", !.commit = upTo, !.applied = upTo, !.applying = upTo,
                                      !.matched = Len(d.log)]
Leader(d, upTo, barrier, match) ==
  [Begin(d) EXCEPT !.role = "leader", !.commit = upTo, !.applied = upTo, !.applying = upTo,
                   !.cfg = Config(First, {}), !.barrier = barrier, !.match = match]
FirstTerm == [n |-> 1, c |-> c1]
Said(by, log, commit) == [NoReign EXCEPT !.by = by, !.c = c1, !.log = log, !.commit = commit, !.to = First]
Agreed(offset) == [r \in Replica |-> IF r \in First \ {r1} THEN offset ELSE 0]
Onlooker(writes, led) ==
  [committed |-> <<[t |-> 1, v |-> Barrier, in |-> 1]>>, proposed |-> writes,
   led |-> [n \in 1..Limit.terms |-> IF n <= led THEN 1 ELSE 0]]
Calm ==
  /\ late = {}
  /\ coord = [c \in Coordinator |-> Watching(Document)]
  /\ reads = <<>>

\* r1 leads term 1, everybody has its barrier and knows it committed, and nothing
\* is under way but what may come again.
Steady ==
  LET log == <<[t |-> 1, v |-> Barrier]>>
      kept == Kept(FirstTerm, log)
  IN /\ disk = [r \in Replica |-> IF r \in First THEN kept ELSE BlankDisk]
     /\ rep = [r \in Replica |-> IF r = r1 THEN Leader(kept, 1, 1, Agreed(1))
                                 ELSE IF r \in First THEN Follower(kept, 1) ELSE Begin(BlankDisk)]
     /\ doc = [Document EXCEPT !.ver = 2, !.term = FirstTerm, !.steady = TRUE, !.leader = r1]
     /\ net = [Quiet EXCEPT !.terms = {FirstTerm}, !.ready = {FirstTerm}, !.reign[1] = Said(r1, log, 1), !.acks[1] = Agreed(1)]
     /\ seen = Onlooker(<<>>, 1)
     /\ spent = [what \in DOMAIN Limit |-> 0]
     /\ Calm

\* r1 led term 1, wrote an entry that nobody else has, and crashed; then r2 was made
\* leader of term 2 by r2 and r3, and crashed when it had its barrier for itself, or
\* when r3 had it too and it had committed; now term 3 is claimed. The former is Raft's
\* figure 8.
Overtaken ==
  LET second == [n |-> 2, c |-> c1]
      third == [n |-> 3, c |-> c1]
      base == <<[t |-> 1, v |-> Barrier]>>
      wrote == Append(base, [t |-> 1, v |-> 1])
      rules == Append(base, [t |-> 2, v |-> Barrier])
      d1 == Kept(FirstTerm, wrote)
      d2 == Kept(second, rules)
      d3(has) == Kept(second, IF has THEN rules ELSE base)
      claimed == [Document EXCEPT !.ver = 4, !.term = third]
  IN \E has \in BOOLEAN :
     /\ disk = [r \in Replica |-> CASE r = r1 -> d1 [] r = r2 -> d2 [] OTHER -> d3(has)]
     /\ rep = [r \in Replica |-> CASE r = r1 -> [Begin(d1) EXCEPT !.commit = 1, !.applied = 1, !.applying = 1]
                                   [] r = r2 -> [Begin(d2) EXCEPT !.commit = 1, !.applied = 1, !.applying = 1]
                                   [] OTHER -> [Begin(d3(has)) EXCEPT !.commit = 1, !.applied = 1, !.applying = 1, !.mayLead = TRUE]]
     /\ doc = claimed
     /\ net = [Quiet EXCEPT !.terms = {third}]
     /\ seen = [Onlooker(<<[r |-> r1, t |-> 1, o |-> 2, end |-> "open"]>>, 2) EXCEPT
                  !.committed = IF has THEN Append(@, [t |-> 2, v |-> Barrier, in |-> 2]) ELSE @]
     /\ spent = [what \in DOMAIN Limit |-> IF what = "writes" THEN Limit.writes ELSE 0]
     /\ coord = [c \in Coordinator |-> [Watching(claimed) EXCEPT !.phase = "fencing", !.mine = third]]
     /\ late = {} /\ reads = <<>>

\* r1 leads term 2 and has trimmed all that it applied; r3 was away since term 1
\* and has an entry that was never committed where the others have a barrier.
Trimmed ==
  LET second == [n |-> 2, c |-> c1]
      base == <<[t |-> 1, v |-> Barrier]>>
      rules == Append(base, [t |-> 2, v |-> Barrier])
      wrote == Append(base, [t |-> 1, v |-> 1])
      d1 == [Kept(second, rules) EXCEPT !.state = rules, !.base = 2]
      d2 == Kept(second, rules)
      d3 == Kept(FirstTerm, wrote)
      holds == [r \in Replica |-> IF r = r2 THEN 2 ELSE 0]
  IN /\ disk = [r \in Replica |-> CASE r = r1 -> d1 [] r = r2 -> d2 [] OTHER -> d3]
     /\ rep = [r \in Replica |-> CASE r = r1 -> Leader(d1, 2, 2, holds)
                                   [] r = r2 -> Follower(d2, 2)
                                   [] OTHER -> [Begin(d3) EXCEPT !.commit = 1, !.applied = 1, !.applying = 1]]
     /\ doc = [Document EXCEPT !.ver = 4, !.term = second, !.steady = TRUE, !.leader = r1]
     /\ net = [Quiet EXCEPT !.terms = {second}, !.ready = {second}, !.acks[2] = holds,
                 !.reign[1] = Said(r3, wrote, 1), !.reign[2] = [Said(r1, rules, 2) EXCEPT !.snaps = {2}]]
     /\ seen = [Onlooker(<<[r |-> r3, t |-> 1, o |-> 2, end |-> "open"]>>, 2)
                  EXCEPT !.committed = @ \o <<[t |-> 2, v |-> Barrier, in |-> 2]>>]
     /\ spent = [what \in DOMAIN Limit |-> IF what = "writes" THEN Limit.writes ELSE 0]
     /\ Calm

\* Both r1, alone the old ensemble, and r2, alone the joining one, have the barrier
\* of term 2, and it is committed; one of the two leads. Its coordinator is about to
\* go forward.
Joint ==
  LET second == [n |-> 2, c |-> c1]
      log == <<[t |-> 1, v |-> Barrier], [t |-> 2, v |-> Barrier]>>
      d == Kept(second, log)
      both == Config({r1}, {r2})
      Other(l) == IF l = r1 THEN r2 ELSE r1
      claimed == [Document EXCEPT !.ver = 4, !.term = second, !.join = {r2}]
  IN \E l \in {r1, r2} :
       LET holds == [r \in Replica |-> IF r = l THEN 0 ELSE 2]
       IN /\ disk = [r \in Replica |-> d]
          /\ rep = [r \in Replica |-> IF r = l THEN [Leader(d, 2, 2, holds) EXCEPT !.cfg = both] ELSE Follower(d, 2)]
          /\ doc = claimed
          /\ coord = [c \in Coordinator |-> [Watching(claimed) EXCEPT !.phase = "starting", !.mine = second, !.chosen = l]]
          /\ net = [Quiet EXCEPT !.terms = {second}, !.ready = {second}, !.acks[2] = holds,
                      !.reign[2] = [Said(l, log, 2) EXCEPT !.to = {r1, r2}]]
          /\ seen = [Onlooker(<<>>, 2) EXCEPT !.committed = @ \o <<[t |-> 2, v |-> Barrier, in |-> 2]>>]
          /\ spent = [what \in DOMAIN Limit |-> IF what = "changes" THEN Limit.changes ELSE 0]
          /\ late = {} /\ reads = <<>>

LivingOn == Steady /\ Goes
LivingTrimmed == Trimmed /\ Goes
FromJoint == Joint /\ [][Next]_vars
FromTrimmed == Trimmed /\ [][Next]_vars
FromOvertaken == Overtaken /\ [][Next]_vars
FromSteady == Steady /\ [][Next]_vars

Symmetry2 == Permutations({r2, r3})
Symmetry3 == Permutations({r1, r2, r3})
=============================================================================
