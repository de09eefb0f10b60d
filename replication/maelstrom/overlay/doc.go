// Package overlay finds ways around cut links. Links fail in one direction at a
// time: that n1 is heard by n2 says nothing about the other way. So every server
// tells the others whom it hears (a vector), the vectors of all are passed on by
// all, and what does not reach its destination directly goes over servers that
// hear one another.
//
// A Router is a plain struct without clock, goroutine or network. Its owner:
//
//  1. calls Heard for every line that arrives, with the server that sent the line
//     itself, and Learn with the vectors in it;
//  2. sends each message, own or passed on, to what Next or Relay say, once;
//  3. puts the vectors of Gossip into every line that it sends;
//  4. sends a line, be it empty, to each server of Hellos, and asks again at
//     Deadline.
//
// In return, while every link works, each message goes directly, Hellos names
// nobody as long as the owner sends each peer something every Options.HelloAfter,
// and vectors ride on what is sent anyway. When links fail, messages go over the
// fewest links that work, as soon as the news is around; when links heal, they go
// directly again. A message is passed on at most as often as there are servers,
// and never copied.
//
// A server learns of a cut from those who do not hear it any more. Where there is
// no way back from a destination, not even over others, its sender goes on to
// send directly: no answer could come from there either.
package overlay
