package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ostraka-db/ostraka/cmd/maelstrom-runner/internal/options"
)

// openStore makes the directory of a run. A directory chosen by us gets the symbolic
// links store/latest and store/<workload>/latest.
func openStore(opts options.Options) (string, error) {
	dir, chosen := opts.Store, opts.Store == ""
	if chosen {
		dir = filepath.Join("store", opts.Workload, time.Now().Format("20060102T150405.000"))
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the store: %w", err)
	}
	// What nodes of another run left there would be taken for this run's.
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("--store %s: it is not empty: give a new directory, or remove it first", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make the store: %w", err)
	}
	if !chosen {
		return dir, nil
	}
	for _, at := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := pointTo(at, dir); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func pointTo(at, dir string) error {
	target, err := filepath.Rel(at, dir)
	if err != nil {
		return fmt.Errorf("link the latest run: %w", err)
	}
	link := filepath.Join(at, "latest")
	if err := os.Remove(link); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("link the latest run: %w", err)
	}
	if err := os.Symlink(target, link); err != nil {
		return fmt.Errorf("link the latest run: %w", err)
	}
	return nil
}
