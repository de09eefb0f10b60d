package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// The chunks of Pebble's log, as its package record describes them: in blocks, each with
// a checksum, what follows the checksum's length, a type, the log's number, and up to
// where the log was known to be synced when the chunk was written.
const (
	blockBytes  = 32 << 10
	headerBytes = 19
	// firstType and lastType are the types of such chunks.
	firstType, lastType = 9, 12
	// What is checked begins with the type.
	sizeAt, typeAt, numberAt, syncedAt = 4, 6, 7, 11
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checkLogs says whether a log of the database in a directory is damaged before a place
// up to which it was known to be synced. Pebble asks the blocks behind the damage for
// such a place, and not the rest of the block itself: where little is written, that is
// most of what there is.
func checkLogs(on vfs.FS, dir string) error {
	names, err := on.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		text, isLog := strings.CutSuffix(name, ".log")
		number, err := strconv.ParseUint(text, 10, 64)
		if !isLog || err != nil {
			continue
		}
		log, err := readAll(on, on.PathJoin(dir, name))
		if err != nil {
			return fmt.Errorf("read the log %s: %w", name, err)
		}
		end := logEnd(log, uint32(number))
		if synced := syncedBehind(log, uint32(number), end); synced > uint64(end) {
			return fmt.Errorf("its log %s is damaged at byte %d, and was synced up to byte %d", name, end, synced)
		}
	}
	return nil
}

func readAll(on vfs.FS, path string) ([]byte, error) {
	file, err := on.Open(path)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(file)
	return content, errors.Join(err, file.Close())
}

// logEnd returns where the first chunk is not whole.
func logEnd(log []byte, number uint32) int {
	at := 0
	for {
		if room := blockBytes - at%blockBytes; room < headerBytes {
			at += room
		}
		size, _, whole := chunkAt(log, at, number)
		if !whole {
			return min(at, len(log))
		}
		at += size
	}
}

// syncedBehind returns the highest place that chunks behind another promise to be synced.
func syncedBehind(log []byte, number uint32, end int) (most uint64) {
	for at := end; at+headerBytes <= len(log); at++ {
		if _, synced, whole := chunkAt(log, at, number); whole {
			most = max(most, synced)
		}
	}
	return most
}

// chunkAt reads the chunk at a place, if there is one.
func chunkAt(log []byte, at int, number uint32) (size int, synced uint64, whole bool) {
	if at+headerBytes > len(log) {
		return 0, 0, false
	}
	chunk := log[at:]
	if t := chunk[typeAt]; t < firstType || t > lastType || binary.LittleEndian.Uint32(chunk[numberAt:]) != number {
		return 0, 0, false
	}
	size = headerBytes + int(binary.LittleEndian.Uint16(chunk[sizeAt:]))
	if size > len(chunk) || at%blockBytes+size > blockBytes {
		return 0, 0, false
	}
	sum := crc32.Checksum(chunk[typeAt:size], castagnoli)
	if binary.LittleEndian.Uint32(chunk) != (sum>>15|sum<<17)+0xa282ead8 {
		return 0, 0, false
	}
	return size, binary.LittleEndian.Uint64(chunk[syncedAt:]), true
}
