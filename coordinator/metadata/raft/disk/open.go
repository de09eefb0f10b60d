package disk

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/internal/engine"
)

// The names within a directory.
const (
	databaseName = "db"
	markerName   = "MEMBER"
)

// remedy is what to do about a directory that is refused.
const remedy = "If it cannot be put right, move the directory away and start the member again: " +
	"it comes back as a new member, which the others take in if most of them are whole"

// maxMarkerBytes bounds the file MEMBER.
const maxMarkerBytes = 4 << 10

// Open opens a directory, or formats one, and returns what is in it.
func Open(o Options) (*Disk, *Content, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if err := makeDirectory(o.FS, o.Dir); err != nil {
		return nil, nil, fmt.Errorf("make the Raft directory: %w", err)
	}
	marker, err := readMarker(o.FS, o.FS.PathJoin(o.Dir, markerName))
	if err != nil {
		return nil, nil, err
	}
	d := &Disk{options: o}
	if marker == nil {
		err = d.format()
	} else {
		err = d.reopen(marker)
	}
	if err != nil {
		return nil, nil, err
	}
	content, err := d.begin()
	if err != nil {
		return nil, nil, errors.Join(err, d.db.Close())
	}
	return d, content, nil
}

// begin reads what is there, and counts this run.
func (d *Disk) begin() (*Content, error) {
	if own := d.identity.Address; own != d.options.Address {
		return nil, fmt.Errorf("the Raft directory %s is of the member %s, and this is %s: "+
			"name the directory of this member, or the address that it had", d.options.Dir, own, d.options.Address)
	}
	content, err := d.load()
	if err != nil {
		return nil, fmt.Errorf("the Raft directory %s is refused: %w. %s", d.options.Dir, err, remedy)
	}
	d.first, d.last = content.Applied.RemovedIndex+1, content.Applied.RemovedIndex+uint64(len(content.Entries))
	d.identity = proto.CloneOf(d.identity)
	d.identity.Run++
	// With the marker last, a directory that is formatted has a member that is durable,
	// and one whose database lost what was written since it was opened is found out.
	err = d.writeIdentity()
	if err == nil {
		err = writeMarker(d.options.FS, d.options.Dir, d.identity)
	}
	if err != nil {
		return nil, fmt.Errorf("begin to use the Raft directory %s: %w", d.options.Dir, err)
	}
	return content, nil
}

func (d *Disk) writeIdentity() error {
	row, err := encodedRow([]byte{kindIdentity}, d.identity)
	if err != nil {
		return err
	}
	return d.Write([]Write{{Rows: []Row{row}, Sync: true}})
}

// format makes a new member's directory. What a crash left of an earlier attempt may be
// thrown away: without the marker, nobody was promised anything.
func (d *Disk) format() error {
	o := d.options
	path := o.FS.PathJoin(o.Dir, databaseName)
	if err := o.FS.RemoveAll(path); err != nil {
		return fmt.Errorf("format the Raft directory: %w", err)
	}
	db, err := pebble.Open(path, d.engineOptions(true))
	if err != nil {
		return fmt.Errorf("format the Raft directory %s: %w", o.Dir, err)
	}
	d.db = db
	d.identity = &api.RaftIdentity{Format: formatVersion, Member: drawID(), Address: o.Address}
	o.Logger.Info("formatted the Raft directory", "dir", o.Dir, "member", fmt.Sprintf("%x", d.identity.Member))
	return nil
}

// drawID draws an id. The two highest are the library's, and zero is nobody's.
func drawID() uint64 { return 1 + rand.Uint64N(1<<63) }

// reopen opens the directory of a member that there is.
func (d *Disk) reopen(marker *api.RaftIdentity) error {
	o := d.options
	path := o.FS.PathJoin(o.Dir, databaseName)
	if err := checkLogs(o.FS, path); err != nil {
		return fmt.Errorf("the Raft directory %s is refused: %w. %s", o.Dir, err, remedy)
	}
	db, err := pebble.Open(path, d.engineOptions(false))
	if err != nil {
		return fmt.Errorf("the Raft directory %s cannot be opened: %w. If another process has it, end that one. %s", o.Dir, err, remedy)
	}
	d.db = db
	d.identity = &api.RaftIdentity{}
	err = get(db, []byte{kindIdentity}, d.identity)
	switch {
	case err != nil:
	case d.identity.Format != formatVersion:
		err = fmt.Errorf("its format is %d, and this release knows %d: use the release that wrote it, or a later one",
			d.identity.Format, formatVersion)
	case d.identity.Run < marker.Run:
		err = fmt.Errorf("its database was opened %d times, and its file %s says %d: what was written since is lost",
			d.identity.Run, markerName, marker.Run)
	case d.identity.Member != marker.Member || d.identity.Address != marker.Address:
		err = fmt.Errorf("its database is of member %x, and its file %s of member %x", d.identity.Member, markerName, marker.Member)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the Raft directory %s is refused: %w. %s", o.Dir, err, remedy), db.Close())
	}
	return nil
}

func (d *Disk) engineOptions(fresh bool) *pebble.Options {
	o := &pebble.Options{
		FS:                 engine.FS(d.options.FS),
		FormatMajorVersion: diskFormat,
		MemTableSize:       memTableBytes,
		CacheSize:          cacheBytes,
		ErrorIfExists:      fresh,
		ErrorIfNotExists:   !fresh,
		Logger:             engine.Logger{Owner: "raft directory", To: d.options.Logger},
		EventListener: &pebble.EventListener{
			DataCorruption: func(info pebble.DataCorruptionInfo) {
				d.options.Failed(fmt.Errorf("the Raft directory %s is damaged: %s: %w. %s", d.options.Dir, info.Path, info.Details, remedy))
			},
			BackgroundError: func(err error) {
				d.options.Logger.Error("the Raft directory cannot be written in the background", "dir", d.options.Dir, "error", err)
			},
		},
	}
	return o
}

// writeMarker makes the file that says that the directory is a member's, or puts it in
// the place of the one before.
func writeMarker(on vfs.FS, dir string, identity *api.RaftIdentity) error {
	text, err := renderMarker(identity)
	if err != nil {
		return err
	}
	path := on.PathJoin(dir, markerName)
	file, err := on.Create(path+".tmp", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := on.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncDirectory(on, dir)
}

// makeDirectory makes a directory and those above it that are missing, durably.
func makeDirectory(on vfs.FS, dir string) error {
	var above []string
	for missing := dir; ; missing = on.PathDir(missing) {
		if _, err := on.Stat(missing); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		above = append(above, on.PathDir(missing))
	}
	if err := on.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, one := range above {
		if err := syncDirectory(on, one); err != nil {
			return err
		}
	}
	return nil
}

func syncDirectory(on vfs.FS, dir string) error {
	d, err := on.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readMarker reads the file; nil if there is none.
func readMarker(from vfs.FS, path string) (*api.RaftIdentity, error) {
	file, err := from.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the Raft directory: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxMarkerBytes))
	if err = errors.Join(err, file.Close()); err != nil {
		return nil, fmt.Errorf("read the Raft directory: %w", err)
	}
	identity, err := parseMarker(text)
	if err != nil {
		return nil, fmt.Errorf("the file %s is refused: %w. %s", path, err, remedy)
	}
	return identity, nil
}

// The file is two lines, for people to read as well.
const markerText = "member %016x of the metadata store, opened %d times\naddress %s\n"

func renderMarker(identity *api.RaftIdentity) ([]byte, error) {
	if strings.ContainsAny(identity.Address, "\n ") {
		return nil, fmt.Errorf("the address %q has a space", identity.Address)
	}
	return fmt.Appendf(nil, markerText, identity.Member, identity.Run, identity.Address), nil
}

func parseMarker(text []byte) (*api.RaftIdentity, error) {
	identity := &api.RaftIdentity{}
	if n, err := fmt.Sscanf(string(text), markerText, &identity.Member, &identity.Run, &identity.Address); n != 3 || err != nil {
		return nil, fmt.Errorf("it is not whole: %w", errors.Join(err, errors.New("want a member and its address")))
	}
	if whole, err := renderMarker(identity); err != nil || string(whole) != string(text) {
		return nil, errors.New("it was changed")
	}
	return identity, nil
}
