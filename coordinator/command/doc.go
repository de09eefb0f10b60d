// Package command is the command that runs a coordinator: its flags and its file of
// settings, and the life of the process.
//
// Settings come from flags, from the file of --sconfig where a flag is not given, and
// from defaults. The flags are those of settings.go, and the file's keys of file.go. All
// that is wrong is said at once, with the remedy.
//
// The command runs until its context is done, and then gives its leadership up at once.
package command
