// Package demo is the command that shows a service at work to somebody who has just
// cloned the repository: it runs one in this process, and the commands of ostraka client
// against it.
package demo
