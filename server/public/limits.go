package public

import "time"

const (
	// maxStreamWrites bounds the writes of one stream that have not been answered. The
	// next is read from the client when there is room.
	maxStreamWrites = 1024
	// readGroup is how many lookups of a request are answered from one moment, and held
	// in memory at a time.
	readGroup = 16
	// maxScans bounds the ranges that are being read at a time, of all clients. Others
	// wait.
	maxScans = 1024
	// scanPatience is how long a client may leave a part of a range unread before the
	// range is given up, lest it hold files for ever.
	scanPatience = time.Minute
	// maxListKeys bounds the keys of one part of a list, beside their bytes.
	maxListKeys = 64 << 10
	// assignmentsRest is how long a client is left alone after it was sent the shard map.
	assignmentsRest = 2 * time.Millisecond
	// maxNoticeBatches bounds the batches of notifications that are held for one stream,
	// beside their bytes.
	maxNoticeBatches = 256
	// maxQuestions bounds the questions of one ReadStream that are being answered.
	maxQuestions = 64
)
