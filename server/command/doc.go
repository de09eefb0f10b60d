// Package command is the command that runs a data server: its flags and its
// configuration file, what they come to, and the life of the process.
//
// A setting has a flag, a key in the file, or both; a flag that is given wins. The file
// is YAML with the keys that operators of Oxia's data server know. What is not known,
// or cannot be, is refused with a message that names the flag or key, and the remedy;
// all that is wrong is said at once. While the process runs the file is followed, and
// the log's level taken from it; all else waits for the next start.
//
// Run ends when its context does, as on SIGTERM: the server gives its leaderships away
// first. It ends with an error when the disk fails.
package command
