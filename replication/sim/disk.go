package sim

import (
	"errors"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/zeebo/xxh3"

	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/server/storage"
)

// disk is one server's disk between two crashes: a file system in memory that
// knows what was synced, behind a layer that makes it fail.
//
// An error that the log meets is returned to it. The state machine's engine ends its
// process where it cannot write (it must not go on), so an error in its directory
// ends the process of the server, as of the very call that failed: what the disk held
// then is kept aside, and is what the next run finds.
type disk struct {
	server *server
	memory *vfs.MemFS
	files  vfs.FS
	// incarnation is the disk's, once it was opened.
	incarnation replication.Incarnation
	// failAfter, if above zero, counts down the calls that write: the last one fails.
	failAfter atomic.Int64
	// full makes calls that take space fail; failSyncs fails syncs.
	full      bool
	failSyncs bool
	// dying is set when the state machine met an error, saved is the disk as of then.
	dying bool
	saved *vfs.MemFS
	// silent is set when what is written does not matter any more.
	silent atomic.Bool
	// ends are where the log's last batches ended when they were to be synced, the
	// latest last.
	ends [3]logPosition
}

// logPosition is a place in the log's files, whose names ascend.
type logPosition struct {
	path   string
	offset int64
}

// errDying is what a process dies of whose state machine cannot write.
var errDying = errors.New("sim: the state machine's disk failed")

const (
	dataDir  = "data"
	stateDir = dataDir + "/state"
	logDir   = dataDir + "/log"
	// spareDir stands for another disk, to which no fault comes but a crash.
	spareDir = "spare"
)

func newDisk(s *server) *disk { return diskOf(s, vfs.NewCrashableMem()) }

func diskOf(s *server, memory *vfs.MemFS) *disk {
	d := &disk{server: s, memory: memory}
	d.files = sortedFS{errorfs.Wrap(memory, errorfs.InjectorFunc(d.meet))}
	return d
}

// open opens log and state machine.
func (d *disk) open() (*storage.Disk, error) {
	spare := ""
	if d.server.world.config.Spare {
		spare = spareDir
	}
	return storage.Open(storage.Options{
		FS: d.files, Dir: dataDir, FailoverDir: spare,
		CacheBytes: cacheBytes, MemTableBytes: memTableBytes, DisableCompactions: true,
		Log: d.server.world.config.Log, CheckEvery: d.server.world.config.CheckEvery,
		// A server that starts has its clock set before: the number of a run must
		// exceed those of a disk that was lost.
		Now:  func() time.Time { return time.Unix(0, int64(epoch+d.server.now)) },
		Draw: d.server.random.Uint64,
	})
}

const (
	cacheBytes    = 1 << 20
	memTableBytes = 1 << 20
)

// meet decides whether a call fails.
func (d *disk) meet(op errorfs.Op) error {
	if !writes(op.Kind) || d.silent.Load() || d.dying {
		return nil
	}
	d.noteBatch(op)
	if strings.HasPrefix(op.Path, spareDir) {
		return nil
	}
	err := d.fault(op.Kind)
	if err == nil || !strings.Contains(op.Path, stateDir) {
		return err
	}
	d.dying, d.saved = true, d.memory.CrashClone(vfs.CrashCloneCfg{})
	return nil
}

// noteBatch remembers where a batch of the log ends that is about to be synced.
func (d *disk) noteBatch(op errorfs.Op) {
	if !syncs(op.Kind) || !strings.HasPrefix(op.Path, logDir) || !strings.HasSuffix(op.Path, ".segment") {
		return
	}
	info, err := d.memory.Stat(op.Path)
	if err != nil {
		return
	}
	if end := (logPosition{path: op.Path, offset: info.Size()}); end != d.ends[2] {
		d.ends = [3]logPosition{d.ends[1], d.ends[2], end}
	}
}

func syncs(kind errorfs.OpKind) bool {
	return kind == errorfs.OpFileSync || kind == errorfs.OpFileSyncData || kind == errorfs.OpFileSyncTo
}

func (d *disk) fault(kind errorfs.OpKind) error {
	if d.failAfter.Load() > 0 && d.failAfter.Add(-1) == 0 {
		return syscall.EIO
	}
	switch {
	case d.failSyncs && syncs(kind):
		return syscall.EIO
	case d.full && !syncs(kind):
		return syscall.ENOSPC
	}
	return nil
}

// writes reports whether a kind of call changes the disk, for a caller that waits
// for it: files are removed by others, at any time.
func writes(kind errorfs.OpKind) bool {
	switch kind {
	case errorfs.OpCreate, errorfs.OpLink, errorfs.OpRename, errorfs.OpMkdirAll, errorfs.OpReuseForWrite,
		errorfs.OpFileWrite, errorfs.OpFileWriteAt, errorfs.OpFileSync, errorfs.OpFileSyncData, errorfs.OpFileSyncTo,
		errorfs.OpFilePreallocate:
		return true
	}
	return false
}

// silence lets a process that is over write what it wants.
func (d *disk) silence() { d.silent.Store(true) }

// crash returns the disk as the next run finds it: what was synced, and of what was
// not, about so many percent of the blocks and of the names, by a seed.
func (d *disk) crash(percent int, seed uint64) *disk {
	if d.saved != nil {
		return d.next(d.saved)
	}
	after := d.memory.CrashClone(vfs.CrashCloneCfg{})
	if percent > 0 {
		t := tear{from: d.memory, to: after, percent: percent, seed: seed}
		t.directory("")
	}
	return d.next(after)
}

func (d *disk) next(memory *vfs.MemFS) *disk {
	n := diskOf(d.server, memory)
	n.incarnation, n.full, n.ends = d.incarnation, d.full, d.ends
	return n
}

// tear keeps parts of what was not synced. MemFS can do that by itself, but draws in
// the order of a map: here each draw depends on the place alone.
type tear struct {
	from, to *vfs.MemFS
	percent  int
	seed     uint64
}

// tornBlock is what a disk writes at once.
const tornBlock = 512

func (t *tear) directory(path string) {
	names, _ := t.from.List(path)
	slices.Sort(names)
	for _, name := range names {
		below := path + "/" + name
		info, err := t.from.Stat(below)
		switch {
		case err != nil:
		case info.IsDir():
			if _, err := t.to.Stat(below); err == nil || t.keeps(below, -1) {
				_ = t.to.MkdirAll(below, 0o755)
				t.directory(below)
			}
		default:
			t.file(below)
		}
	}
}

func (t *tear) file(path string) {
	now, err := t.from.UnsafeGetFileDataBuffer(path)
	if err != nil {
		return
	}
	before, err := t.to.UnsafeGetFileDataBuffer(path)
	if err != nil && !t.keeps(path, -1) || err == nil && slices.Equal(before, now) {
		return
	}
	file, err := t.to.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return
	}
	defer file.Close()
	before = slices.Clone(before)
	for at := 0; at < len(now); at += tornBlock {
		block := now[at:min(at+tornBlock, len(now))]
		same := at+len(block) <= len(before) && slices.Equal(before[at:at+len(block)], block)
		if !same && t.keeps(path, at) {
			_, _ = file.WriteAt(block, int64(at))
		}
	}
	_ = file.Sync()
	if dir, err := t.to.OpenDir(t.to.PathDir(path)); err == nil {
		_ = dir.Sync()
		_ = dir.Close()
	}
}

// keeps draws whether a block, or a name, survives.
func (t *tear) keeps(path string, at int) bool {
	return int(xxh3.HashStringSeed(path, t.seed+uint64(at))%100) < t.percent
}

// rot flips a bit somewhere in the files, those of them that are there, and
// reports whether there was anything. Of the log it spares what cannot be told from a
// torn write (wal/FORMAT.md): the last batch that was synced, which is the last but one
// while a later one is on its way.
func (d *disk) rot(place float64, files []string) bool {
	var paths []string
	var total int64
	sizes := map[string]int64{}
	for _, path := range files {
		info, err := d.memory.Stat(path)
		if err != nil || info.IsDir() {
			continue
		}
		if size := d.mayRot(path, info.Size()); size > 0 {
			paths = append(paths, path)
			sizes[path] = size
			total += size
		}
	}
	at := int64(place * float64(total))
	for _, path := range paths {
		content, err := d.memory.UnsafeGetFileDataBuffer(path)
		if err != nil {
			return false
		}
		if at < sizes[path] {
			d.server.world.trace.printf("%s: a bit of byte %d of %d in %s is flipped", d.server.id, at, len(content), path)
			return d.flip(path, at, content[at]^1<<(at%8))
		}
		at -= sizes[path]
	}
	return false
}

// mayRot is how much of a file may rot, from its beginning.
func (d *disk) mayRot(path string, size int64) int64 {
	limit := d.ends[0]
	switch {
	case !strings.HasPrefix(path, logDir) || !strings.HasSuffix(path, ".segment") || path < limit.path:
		return size
	case path > limit.path:
		return 0
	}
	return min(size, limit.offset)
}

// logFiles are the files of the log's directory, in order.
func (d *disk) logFiles() []string {
	names, _ := d.files.List(logDir)
	slices.Sort(names)
	for i := range names {
		names[i] = logDir + "/" + names[i]
	}
	return names
}

// flip makes a byte another one, on the disk and for those who read it.
func (d *disk) flip(path string, at int64, to byte) bool {
	file, err := d.memory.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return false
	}
	_, err = file.WriteAt([]byte{to}, at)
	return errors.Join(err, file.Sync(), file.Close()) == nil
}

// beyondHelp reports whether an error says that a disk has to be replaced.
func beyondHelp(err error) bool {
	return !errors.Is(err, syscall.EIO) && !errors.Is(err, syscall.ENOSPC)
}

// sortedFS lists names in order, as every run of a seed must.
type sortedFS struct{ vfs.FS }

// List implements vfs.FS.
func (f sortedFS) List(dir string) ([]string, error) {
	names, err := f.FS.List(dir)
	slices.Sort(names)
	return names, err
}

// Lock implements vfs.FS: a process that is over does not keep its lock.
func (f sortedFS) Lock(string) (io.Closer, error) { return unlocked{}, nil }

type unlocked struct{}

func (unlocked) Close() error { return nil }
