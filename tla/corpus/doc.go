// Package corpus holds the core (package replication) to the specification beside
// it: behaviours that TLC made by chance are kept in testdata/corpus.txt.gz, and
// replayed on real Replicas and Elections, action by action, comparing the state
// after every step.
//
// # How a behaviour comes about
//
// TLC simulates module Corpus, which takes the specification's own steps and names
// each in the variable act, under several bounds (Corpus*.cfg, the flavours); for
// flavour Change it is module CorpusChange, which adds ensemble changes.
// Command make picks behaviours in which something happens that happens in few
// others, and writes them in the form below, with the hash of the modules that
// made them. A test fails when the modules changed and the corpus did not.
//
// # How it is replayed
//
// For each action the core is given the event that it stands for. A message that
// arrives is one that the core itself sent earlier if there is an equal one; where
// there is none, the same is made from the action's parameters, because the
// specification's network is wider than the core's senders. A disk does one
// operation when it is told to (LogDone), and keeps only what it did; the state
// machine keeps what it flushed. Time stands still but for the timers by which a
// coordinator gives something up. A coordinator is given a wish where the
// specification acts upon one, is told that those who are to join have caught up,
// and loses the wish at once.
//
// After each step everything is compared that both sides have: the disk, the log,
// its operations, offsets, role and term of each replica, what each role has, the
// phase of each coordinator with what it collected or writes, the document, and
// what became of proposals and reads. Every message that the core sent in the step
// must be one that the specification's network holds then; and what the network
// came to hold in the step, the core must have sent.
//
// # The file
//
// Lines. Text after # is a comment, at the head only. Then:
//
//	spec H             the SHA-256 of the modules, in hexadecimal
//	behaviour F N      begins a behaviour of flavour F, whose snapshots have N parts
//	= V                the first state, a record of the specification's variables
//	> A                the next step is action A, with its parameters
//	path=V and others  what the step changed (see delta.go); values as at Text
package corpus
