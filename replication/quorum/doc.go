// Package quorum counts votes of a shard's ensemble.
//
// A Config is one ensemble, or two while an ensemble change is under way
// (DESIGN.md section 3, rule 8): then every decision needs a majority of each,
// which is Raft's joint consensus (Ongaro's dissertation, section 4.3). Voters
// are named by the caller's own comparable type. Everything here is pure.
package quorum
