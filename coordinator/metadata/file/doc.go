// Package file is a metadata provider on one directory of a local file system: for
// coordinators on one machine, and for tests of processes.
//
// It has two files: the documents, at the path that Open is given, one document a
// line, and beside it, with .lease appended, the lease. Both are JSON. A write makes
// a new file, syncs it, renames it over the old one and syncs the directory, so that
// a reader and a crash see the old or the new state in whole. The documents have a
// checksum; a file that was cut off, or is damaged, or is no such file, is refused
// when it is opened, and the error says what to do.
//
// Several processes may use one path. Each write takes a lock (flock, on the file
// with .lock appended) for the moment in which it sees that nobody else wrote and
// renames: not while it waits for the disk, so that a process that is stopped does
// not stop the others, but with a chance of next to nothing. Updates of one process
// that arrive while another is written are written together.
//
// The file must be on a local file system. What reads it need not take the lock.
package file
