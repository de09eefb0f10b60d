------------------------------- MODULE State -------------------------------
(***************************************************************************)
(* What there is: one shard of Ostraka, its replicas, their disks, the     *)
(* coordinators and the metadata store. Later modules say what happens:    *)
(* Network (what is under way), Replica (rules 2 to 5 and 7), Reads        *)
(* (rule 6), Snapshots (rule 10), Coordinator (rules 0 to 3),              *)
(* EnsembleChange (rules 8 and 9). Ostraka puts them together, Properties  *)
(* says what must hold.                                                    *)
(*                                                                         *)
(* One action is one Step of the core (package replication), under the     *)
(* same name. There is no clock: what the core does when a timer goes off, *)
(* may happen here at any time.                                            *)
(***************************************************************************)
EXTENDS Integers, Sequences, FiniteSets

CONSTANTS
  Replica,      \* replica ids; each is given out once, so none comes back
  Coordinator,  \* those who may elect
  NoOne,        \* not a replica, not a coordinator
  First,        \* the replicas of the first ensemble
  Wish,         \* the ensembles that an ensemble change may lead to
  Limit,        \* how often things may happen, and how high terms may rise
  LazyApply,    \* TRUE: applying takes steps of its own
  Questions,    \* TRUE: elections begin with questions (rule 0)
  Patient,      \* TRUE: no wait ends as long as what is waited for may come
  Alive,        \* who stays up and connected, where liveness is at stake
  Parts,        \* how many messages a snapshot takes
  Old,          \* TRUE: any earlier message may arrive in place of the newest that is kept
  Dropped       \* guards that are left out, to see that they are missed

VARIABLES
  rep,    \* replica -> what it holds in memory; lost when it crashes
  disk,   \* replica -> what would survive a crash now
  doc,    \* the shard's document in the metadata store
  late,   \* changes of the document that may yet take effect, unknown to their authors
  coord,  \* coordinator -> what it holds in memory
  net,    \* what may arrive
  reads,  \* the reads that were asked, in order
  seen,   \* what an onlooker remembers; no action's guard but limits looks at it
  spent   \* how often each limited thing happened

vars == <<rep, disk, doc, late, coord, net, reads, seen, spent>>

-----------------------------------------------------------------------------
Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

\* A guard of the protocol, by the name under which a mutation drops it. Drops says
\* the same where leaving the guard out takes more than to ignore a condition.
Drops(name) == name \in Dropped
Guard(name, holds) == Drops(name) \/ holds

\* What is limited happens at most as often as Limit says.
Within(what) == spent[what] < Limit[what]
Spend(what)  == spent' = [spent EXCEPT ![what] = @ + 1]

\* Rule 1: a term is a number and the coordinator whose compare-and-set made it,
\* which stands for the random election id: a coordinator makes a number once.
NoTerm == [n |-> 0, c |-> NoOne]

\* An entry has a term and a value. The value 0 is a barrier; others are
\* proposals, each its own. The entry's offset is its place in the log, and
\* the log here goes back to the first entry even where the real one was
\* trimmed: then no guard may look below its base, but properties may.
Barrier == 0
HeadOf(log) == IF log = <<>> THEN [t |-> 0, o |-> 0] ELSE [t |-> log[Len(log)].t, o |-> Len(log)]
TermAt(log, o) == IF o = 0 THEN 0 ELSE log[o].t
\* Heads compare by term, then by offset.
AtLeast(a, b) == a.t > b.t \/ (a.t = b.t /\ a.o >= b.o)
IsPrefix(a, b) == Len(a) <= Len(b) /\ SubSeq(b, 1, Len(a)) = a
First0(log, n) == SubSeq(log, 1, n)

-----------------------------------------------------------------------------
\* Who decides: an ensemble and, during an ensemble change, a joining one too.
Config(ens, join) == [ens |-> ens, join |-> join]
NoConfig == Config({}, {})
Voters(cfg) == cfg.ens \cup cfg.join
Majority(of, S) == of # {} /\ 2 * Cardinality(of \cap S) > Cardinality(of)

\* A quorum is a majority of each. Each use names itself, so that a mutation
\* can leave one of the two ensembles out, in that use alone.
IsQuorum(use, cfg, S) ==
  /\ Guard(use \o "_in_the_ensemble", Majority(cfg.ens, S))
  /\ cfg.join = {} \/ Guard(use \o "_in_the_joining", Majority(cfg.join, S))

Document == [ver |-> 0, term |-> NoTerm, steady |-> FALSE, leader |-> NoOne,
             ens |-> First, join |-> {}, learn |-> {}, removed |-> {}]
DocConfig(d) == Config(d.ens, d.join)
Members(d) == d.ens \cup d.join \cup d.learn

-----------------------------------------------------------------------------
\* Durable steps. A replica asks for them in order; the disk does them in order,
\* and says so after each. Fields that a kind does not use are empty.
Op(kind, term, entries, n) == [k |-> kind, t |-> term, e |-> entries, n |-> n]
OpTerm(term)      == Op("term", term, <<>>, 0)
OpAppend(entries) == Op("append", NoTerm, entries, 0)
OpTruncate(n)     == Op("truncate", NoTerm, <<>>, n)
OpTrim(n)         == Op("trim", NoTerm, <<>>, n)
OpReset(log)      == Op("reset", NoTerm, log, Len(log))

Carry(d, op) ==
  CASE op.k = "term"     -> [d EXCEPT !.made = TRUE, !.term = op.t]
    [] op.k = "append"   -> [d EXCEPT !.log = @ \o op.e]
    [] op.k = "truncate" -> [d EXCEPT !.log = First0(@, op.n)]
    [] op.k = "trim"     -> [d EXCEPT !.base = op.n]
    [] op.k = "reset"    -> [d EXCEPT !.log = op.e, !.base = op.n]

\* state is what the state machine holds durably: the entries it applied. If the
\* log holds the last of them, what follows it is kept; if not (a snapshot was
\* installed, and the crash came before the log was reset), the log is dropped.
BlankDisk == [made |-> FALSE, gone |-> FALSE, term |-> NoTerm, log |-> <<>>, base |-> 0, state |-> <<>>]
LogHoldsState(d) ==
  /\ Len(d.state) >= d.base
  /\ Len(d.state) <= Len(d.log)
  /\ TermAt(d.log, Len(d.state)) = TermAt(d.state, Len(d.state))
Recovered(d) ==
  IF Guard("keep_a_log_only_if_it_holds_the_state", LogHoldsState(d))
  THEN [log |-> d.log, base |-> d.base]
  ELSE [log |-> d.state, base |-> Len(d.state)]

\* A replica as it begins a run: fenced in the term on its disk, and with no way to
\* lead it (rule 3).
\* What of a snapshot has arrived: parts of the one up to offset o, sent in term
\* number t; busy while another is being written. install is the state that is
\* being put in place.
Nothing == [t |-> 0, o |-> 0, parts |-> 0, busy |-> FALSE]
Begin(d) ==
  LET found == Recovered(d)
      applied == Len(d.state)
  IN [here |-> d.made, term |-> d.term, role |-> "fenced", mayLead |-> FALSE,
      owes |-> FALSE, wait |-> 0,
      log |-> found.log, base |-> found.base, ops |-> <<>>,
      commit |-> applied, applied |-> applied, applying |-> applied,
      matched |-> 0,
      cfg |-> NoConfig, learn |-> {}, match |-> [q \in Replica |-> 0], barrier |-> 0,
      round |-> 0, confirmed |-> {},
      staged |-> Nothing, install |-> <<>>]
=============================================================================
