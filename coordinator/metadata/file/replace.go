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

// replacer replaces files. Of those that write one path in this process, each has a
// number of its own.
type replacer struct {
	number uint64
	// allow is asked before each step that the disk keeps, named, and an error of it is
	// the step's. With it tests end a write where a crash would.
	allow func(step string) error
}

func everyStep(string) error { return nil }

// replace puts a new text in the place of a file that is as the stamp says, and
// returns the new stamp. After an error other than errRaced it may have.
func (r replacer) replace(path string, before stamp, text []byte) (stamp, error) {
	temporary := temporaryPath(path, os.Getpid(), r.number)
	if err := r.writeSynced(temporary, text); err != nil {
		return stamp{}, err
	}
	after, err := r.renameIf(temporary, path, before)
	if err != nil {
		if r.allow("remove") == nil {
			_ = os.Remove(temporary) // the error before says more
		}
		return stamp{}, err
	}
	return after, r.syncDirectory(filepath.Dir(path))
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

func (r replacer) writeSynced(path string, text []byte) error {
	if err := r.allow("create"); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err = r.allow("write"); err == nil {
		_, err = f.Write(text)
	}
	if err == nil {
		err = r.allow("sync")
	}
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
func (r replacer) renameIf(from, to string, before stamp) (stamp, error) {
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
	if err := r.allow("rename"); err != nil {
		return stamp{}, err
	}
	if err := os.Rename(from, to); err != nil {
		return stamp{}, fmt.Errorf("replace %s: %w", to, err)
	}
	return after, nil
}

func (r replacer) syncDirectory(dir string) error {
	if err := r.allow("sync the directory"); err != nil {
		return err
	}
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
