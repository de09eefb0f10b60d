package client

import "github.com/ostraka-db/ostraka/api"

// The options of operations. Each operation takes those that mean something to it,
// which the compiler checks: PartitionKey is a PutOption and a GetOption, ExpectedVersion
// is no GetOption.
type (
	// PutOption is an option of Put.
	PutOption interface{ setPut(*putSettings) }
	// GetOption is an option of Get.
	GetOption interface{ setGet(*getSettings) }
	// DeleteOption is an option of Delete.
	DeleteOption interface{ setDelete(*deleteSettings) }
	// DeleteRangeOption is an option of DeleteRange.
	DeleteRangeOption interface{ setDeleteRange(*deleteRangeSettings) }
	// ScanOption is an option of List and RangeScan.
	ScanOption interface{ setScan(*scanSettings) }
	// SubscribeOption is an option of Subscribe.
	SubscribeOption interface{ setSubscribe(*subscribeSettings) }
	// TransactOption is an option of Transact.
	TransactOption interface{ setTransact(*transactSettings) }
)

type putSettings struct {
	partition *string
	expected  *int64
	deltas    []uint64
	indexes   []*api.SecondaryIndex
	ephemeral bool
	session   *Session
	version   *int64
	count     *int64
	once      bool
}

type getSettings struct {
	partition  *string
	comparison api.KeyComparisonType
	index      *string
	noValue    bool
}

type deleteSettings struct {
	partition *string
	expected  *int64
	once      bool
}

type deleteRangeSettings struct {
	partition *string
	once      bool
}

type subscribeSettings struct {
	partition *string
	after     map[int64]int64
}

type transactSettings struct {
	partition *string
	once      bool
}

type scanSettings struct {
	partition *string
	index     *string
	internal  bool
	chained   bool // shards follow one another, unmerged
}

// PartitionKeyOption is what PartitionKey returns.
type PartitionKeyOption struct{ key string }

// PartitionKey routes an operation by this key in place of the record's: records that
// share one are in one shard. A record that was put with a partition key is found only
// with it, or by an operation on all shards.
func PartitionKey(key string) PartitionKeyOption { return PartitionKeyOption{key} }

func (o PartitionKeyOption) setPut(s *putSettings)                 { s.partition = &o.key }
func (o PartitionKeyOption) setGet(s *getSettings)                 { s.partition = &o.key }
func (o PartitionKeyOption) setDelete(s *deleteSettings)           { s.partition = &o.key }
func (o PartitionKeyOption) setDeleteRange(s *deleteRangeSettings) { s.partition = &o.key }
func (o PartitionKeyOption) setScan(s *scanSettings)               { s.partition = &o.key }
func (o PartitionKeyOption) setSubscribe(s *subscribeSettings)     { s.partition = &o.key }
func (o PartitionKeyOption) setTransact(s *transactSettings)       { s.partition = &o.key }

// ExpectedVersionOption is what ExpectedVersion and ExpectNoRecord return.
type ExpectedVersionOption struct{ version int64 }

// ExpectedVersion carries the operation out only if the record is of this version, and
// else ends it with ErrUnexpectedVersion.
func ExpectedVersion(id int64) ExpectedVersionOption { return ExpectedVersionOption{id} }

// ExpectNoRecord puts only if there is no record, and else ends with
// ErrUnexpectedVersion.
func ExpectNoRecord() PutOption { return ExpectedVersionOption{NoVersion} }

func (o ExpectedVersionOption) setPut(s *putSettings)       { s.expected = &o.version }
func (o ExpectedVersionOption) setDelete(s *deleteSettings) { s.expected = &o.version }

// ExactlyOnceOption is what ExactlyOnce returns.
type ExactlyOnceOption struct{}

// ExactlyOnce sends a write with a name by which its shard tells repetitions, so that it
// may be retried after an answer was lost, and is applied once. It costs the shard a
// row for each request that it remembers.
func ExactlyOnce() ExactlyOnceOption { return ExactlyOnceOption{} }

func (ExactlyOnceOption) setPut(s *putSettings)                 { s.once = true }
func (ExactlyOnceOption) setDelete(s *deleteSettings)           { s.once = true }
func (ExactlyOnceOption) setDeleteRange(s *deleteRangeSettings) { s.once = true }
func (ExactlyOnceOption) setTransact(s *transactSettings)       { s.once = true }

// UseIndexOption is what UseIndex returns.
type UseIndexOption struct{ name string }

// UseIndex reads by a secondary index: keys and ranges are of secondary keys, and the
// order is by secondary key, then by key.
func UseIndex(name string) UseIndexOption { return UseIndexOption{name} }

func (o UseIndexOption) setGet(s *getSettings)   { s.index = &o.name }
func (o UseIndexOption) setScan(s *scanSettings) { s.index = &o.name }

type putOption func(*putSettings)

func (f putOption) setPut(s *putSettings) { f(s) }

// Ephemeral makes the record go when this client is closed or lost. All such records of
// a client that are in one shard share one session, which is opened with the first.
func Ephemeral() PutOption { return putOption(func(s *putSettings) { s.ephemeral = true }) }

// InSession makes the record ephemeral in a session from NewSession. The record must be
// in the session's shard, as it is if the session was opened for the record's partition
// key, or for its key if it has none.
func InSession(session *Session) PutOption {
	return putOption(func(s *putSettings) { s.session = session })
}

// SequenceDeltas makes the key a prefix, to which the server appends a number for each
// delta: the last one of the sequence plus the delta. The first must be above zero, and
// PartitionKey must be given, for a sequence is kept by one shard.
func SequenceDeltas(deltas ...uint64) PutOption {
	return putOption(func(s *putSettings) { s.deltas = deltas })
}

// SecondaryIndex enters the record into an index under a secondary key. It may be given
// several times. Each put replaces the record's entries by its own.
func SecondaryIndex(index, secondaryKey string) PutOption {
	return putOption(func(s *putSettings) {
		s.indexes = append(s.indexes, &api.SecondaryIndex{IndexName: index, SecondaryKey: secondaryKey})
	})
}

// OverrideVersion stores the record with this version id and modification count in
// place of the next ones. It is meant for migrations.
func OverrideVersion(id, modifications int64) PutOption {
	return putOption(func(s *putSettings) { s.version, s.count = &id, &modifications })
}

type getOption func(*getSettings)

func (f getOption) setGet(s *getSettings) { f(s) }

// Floor looks for the greatest key that is not above the one asked for. Like the other
// options that look for the nearest key it asks all shards if there is no partition key.
func Floor() GetOption { return comparison(api.KeyComparisonType_FLOOR) }

// Ceiling looks for the least key that is not below the one asked for.
func Ceiling() GetOption { return comparison(api.KeyComparisonType_CEILING) }

// Lower looks for the greatest key below the one asked for.
func Lower() GetOption { return comparison(api.KeyComparisonType_LOWER) }

// Higher looks for the least key above the one asked for.
func Higher() GetOption { return comparison(api.KeyComparisonType_HIGHER) }

func comparison(c api.KeyComparisonType) GetOption {
	return getOption(func(s *getSettings) { s.comparison = c })
}

// WithoutValue leaves the value out of the answer.
func WithoutValue() GetOption { return getOption(func(s *getSettings) { s.noValue = true }) }

type scanOption func(*scanSettings)

func (f scanOption) setScan(s *scanSettings) { f(s) }

// IncludeInternalKeys shows the server's own keys too, as far as there are any.
func IncludeInternalKeys() ScanOption {
	return scanOption(func(s *scanSettings) { s.internal = true })
}

type subscribeOption func(*subscribeSettings)

func (f subscribeOption) setSubscribe(s *subscribeSettings) { f(s) }

// After resumes a subscription: what Subscription.Position returned. Shards that are not
// in it begin at the present.
func After(position map[int64]int64) SubscribeOption {
	return subscribeOption(func(s *subscribeSettings) { s.after = position })
}
