package wal

import (
	"errors"
	"os"
	"syscall"
)

// syncData makes a file's content durable, and its length, but not its times.
func syncData(f *os.File) error {
	for {
		err := syscall.Fdatasync(int(f.Fd()))
		// A signal came before anything was tried: that is no failure.
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
