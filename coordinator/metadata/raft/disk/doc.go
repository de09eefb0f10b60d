// Package disk is a Raft member's directory: its log, the state that the log came to,
// and who the member is.
//
// It has a Pebble database, db, in which all of that is written, batch by batch, and a
// small file, MEMBER, which is made last when a directory is formatted: with it the
// directory is one of a member that may have promised something, without it never. It
// says how often the directory was opened, as the database does.
//
// # What the caller is promised
//
//  1. What Write was asked with Sync, and all that was written before, is there after a
//     crash of the process or the machine. A crash leaves what the writes up to some
//     moment had come to, in whole.
//  2. What was damaged is never taken for what was written: every block and every batch
//     has a checksum, what was synced is told from a torn end, and entries that are
//     missing are noticed. A directory that is damaged is refused, with the remedy. The
//     limit is the end of the log after a crash: that it is gone, or that the very last
//     batch is damaged, cannot be told from a torn write. The Raft leader finds that out
//     where entries are missing that it heard were there (package raft).
//  3. A directory that was lost, or is new, gets another member's id: nothing that was
//     promised under the old id is ever taken for this member's.
//  4. A directory has one user at a time.
//
// # What the caller owes
//
// Entries follow what is there, or replace its end. Close comes when no Write is under
// way.
//
// # Concurrency
//
// One goroutine at a time uses a Disk. Options.Failed may be called by others.
package disk
