package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// stamp tells one writing of a file from another: each is a file of its own.
type stamp struct {
	exists bool
	inode  uint64
	size   int64
	// modified is in nanoseconds since 1970.
	modified int64
}

func stampOf(path string) (stamp, error) {
	var st syscall.Stat_t
	err := syscall.Stat(path, &st)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, fmt.Errorf("look at %s: %w", path, err)
	}
	return stamp{exists: true, inode: st.Ino, size: st.Size, modified: st.Mtim.Nano()}, nil
}

// errRaced says that another process wrote the file meanwhile: nothing was
// replaced.
var errRaced = errors.New("another process wrote the file meanwhile")

// replace puts a new text in the place of a file that is as the stamp says, and
// returns the new stamp. After an error other than errRaced it may have. Of the
// writers of one path in this process, each has a number of its own.
func replace(path string, writer uint64, before stamp, text []byte) (stamp, error) {
	temporary := temporaryPath(path, os.Getpid(), writer)
	if err := writeSynced(temporary, text); err != nil {
		return stamp{}, err
	}
	after, err := renameIf(temporary, path, before)
	if err != nil {
		_ = os.Remove(temporary) // the error before says more
		return stamp{}, err
	}
	return after, syncDirectory(filepath.Dir(path))
}

func temporaryPath(path string, pid int, writer uint64) string {
	return fmt.Sprintf("%s.%d.%d.tmp", path, pid, writer)
}

// removeRemains removes temporary files of processes that are gone: killed in the midst
// of a write. Those of the living are theirs.
func (p *provider) removeRemains() {
	for _, path := range []string{p.path, p.leasePath()} {
		found, err := filepath.Glob(path + ".*.tmp")
		if err != nil {
			continue // the path has characters of a pattern: nothing is removed
		}
		for _, one := range found {
			var pid int
			var writer uint64
			numbers := strings.TrimPrefix(one, path)
			if n, _ := fmt.Sscanf(numbers, ".%d.%d.tmp", &pid, &writer); n != 2 || one != temporaryPath(path, pid, writer) {
				continue
			}
			if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
				_ = os.Remove(one) // it does no harm
			}
		}
	}
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// renameIf renames under the lock, if nobody else wrote since the stamp was taken.
func renameIf(from, to string, before stamp) (stamp, error) {
	lock, err := os.OpenFile(to+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return stamp{}, fmt.Errorf("open the lock of %s: %w", to, err)
	}
	defer func() { _ = lock.Close() }() // which unlocks
	for {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return stamp{}, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	now, err := stampOf(to)
	if err != nil {
		return stamp{}, err
	}
	if now != before {
		return stamp{}, errRaced
	}
	after, err := stampOf(from) // a rename keeps it
	if err != nil {
		return stamp{}, err
	}
	if err := os.Rename(from, to); err != nil {
		return stamp{}, fmt.Errorf("replace %s: %w", to, err)
	}
	return after, nil
}

func syncDirectory(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the directory %s: %w", dir, err)
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("sync the directory %s: %w", dir, err)
	}
	return nil
}
