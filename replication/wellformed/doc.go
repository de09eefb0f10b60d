// Package wellformed says which messages mean something: numbers that name
// something, entries that follow one another, offsets that are none below zero. The
// core relies on it, as on a transport that does not corrupt; whoever decodes what
// came over a wire holds it against this first.
//
// A message that is not well-formed is dropped, as a transport may; it is never
// repaired. Calls keep nothing, and any number may be made at the same time.
package wellformed
