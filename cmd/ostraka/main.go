package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	// The first signal asks for an orderly end, a second one ends at once. Interrupts are
	// the commands' own business.
	context.AfterFunc(ctx, stop)
	code := command.Run(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	os.Exit(int(code))
}
