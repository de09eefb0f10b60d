package wal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	segmentSuffix = ".segment"
	spareName     = "spare"

	// A segment begins with a header: the text, the segment's number, the
	// directory's incarnation, and a checksum. Nothing depends on it but that a
	// segment of another format is told.
	segmentHeader      = "ostraka seg 0002"
	segmentKind        = "ostraka seg "
	segmentHeaderBytes = headerBytes + 8 + 8 + 4
)

// VersionError says that a file is of a format that this program does not know.
type VersionError struct {
	File   string
	Format string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has the format %q, and this program knows %q; run the program that wrote it, or a newer one",
		e.File, e.Format, segmentHeader)
}

// segment is one file of the log. The log's lock guards what changes.
type segment struct {
	number uint64
	dir    *directory
	file   vfs.File
	key    key
	// end is where the next batch goes, which is the size of what is synced.
	end int64
	// states is what the shards' states take, for which there is always room.
	states int64
	// begun is the wall clock at the first batch, in milliseconds since the epoch.
	begun uint64
	// beyond says that there are frames after the last batch whose mark can be read,
	// so that one more was written, and that one synced.
	beyond bool
	// points counts those of indexes that are in this segment, and live the bytes of
	// the frames that they cover.
	points int
	live   int64
	// readers counts reads that are under way; a segment that is gone is closed by
	// the last of them.
	readers int
	gone    bool
}

func segmentName(number uint64) string { return fmt.Sprintf("%010d%s", number, segmentSuffix) }

func (s *segment) path() string { return s.dir.file(segmentName(s.number)) }

func appendSegmentHeader(b []byte, number uint64, incarnation replication.Incarnation) []byte {
	start := len(b)
	b = append(b, segmentHeader...)
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, uint64(incarnation))
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// segmentNumbers lists the segments in a directory, ascending.
func (d *directory) segmentNumbers() ([]uint64, error) {
	names, err := d.fs.List(d.path)
	if err != nil {
		return nil, err
	}
	var numbers []uint64
	for _, name := range names {
		digits, is := strings.CutSuffix(name, segmentSuffix)
		if number, err := strconv.ParseUint(digits, 10, 64); is && err == nil && segmentName(number) == name {
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// openSegment opens a segment that is there, and reads it.
func openSegment(d *directory, number uint64, incarnation replication.Incarnation) (*segment, []byte, error) {
	s := &segment{number: number, dir: d, key: newKey(incarnation, number)}
	file, err := d.fs.Open(s.path())
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(file)
	if err == nil {
		err = checkFormat(s.path(), content)
	}
	if err != nil {
		return nil, nil, errors.Join(err, file.Close())
	}
	s.file = file
	return s, content, nil
}

// checkFormat tells a segment of another format. A header that is damaged tells
// nothing, and nothing needs it.
func checkFormat(path string, content []byte) error {
	if len(content) < segmentHeaderBytes {
		return nil
	}
	signed := content[:segmentHeaderBytes-4]
	format := string(content[:headerBytes])
	if binary.LittleEndian.Uint32(content[len(signed):]) == checksum(signed) &&
		strings.HasPrefix(format, segmentKind) && format != segmentHeader {
		return &VersionError{File: path, Format: format}
	}
	return nil
}

// createSegment makes a segment of the spare one, or from nothing, whose name is
// durable.
func createSegment(d *directory, number uint64, bytes int64, incarnation replication.Incarnation) (*segment, error) {
	s := &segment{number: number, dir: d, key: newKey(incarnation, number)}
	err := d.fs.Rename(d.file(spareName), s.path())
	spare := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !spare {
		// Should a file have that name, it was empty to all that matters. Nothing of it
		// may be left.
		if err := d.makeEmpty(segmentName(number), bytes); err != nil {
			return nil, err
		}
	}
	if s.file, err = d.fs.OpenReadWrite(s.path(), vfs.WriteCategoryUnspecified); err != nil {
		return nil, err
	}
	err = d.sync()
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

// makeSpare makes the spare segment, whose room is reserved on disk, so that a
// full disk still takes what makes it emptier.
func (d *directory) makeSpare(bytes int64) error {
	if err := d.makeEmpty(spareName, bytes); err != nil {
		return errors.Join(err, d.fs.Remove(d.file(spareName)))
	}
	return nil
}

// makeEmpty makes a file that has nothing but room.
func (d *directory) makeEmpty(name string, bytes int64) error {
	f, err := d.fs.Create(d.file(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	return errors.Join(preallocate(f, bytes), f.Close())
}

// preallocate reserves room on disk, where the file system can.
func preallocate(f vfs.File, bytes int64) error {
	if err := f.Preallocate(0, bytes); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// release ends a read. It returns the file if that is to be closed.
func (s *segment) release() vfs.File {
	s.readers--
	return s.unused()
}

// unused returns the file of a segment that is gone and not read any more.
func (s *segment) unused() vfs.File {
	if !s.gone || s.readers > 0 {
		return nil
	}
	file := s.file
	s.file = nil
	return file
}
