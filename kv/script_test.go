package kv

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

// TestScripts runs the stories in testdata/scripts. Run it with -rewrite to write down
// what the code does now, and read the difference.
//
// Commands, most with shard=N:
//
//	apply         entries, each "TERM.OFFSET @MS barrier|write|transaction|raw HEX",
//	              "create MS [IDENTITY]", "close ID..." or "expire ID..." of sessions, or
//	              "trim OFFSET" of notifications, or "once CLIENT SEQUENCE LOW
//	              write|transaction";
//	              the settings of a barrier, and the operations of a write or
//	              transaction, follow it, indented (see parseSettings, parseOperation
//	              and parseTransaction)
//	validate      operations of one write, or with the argument transaction of one
//	              transaction; range=(MIN,MAX) in hex
//	transaction   operations of a transaction that only reads
//	read          lines "[equal|floor|ceiling|lower|higher] KEY"; with index=NAME of
//	              secondary keys
//	sequence      PREFIX: the last key of the sequence
//	state         applied, flushed, digest, and the digest at the last agreed offset
//	rows          every row of the database, byte by byte
//	list          FROM [TO], with index=NAME of secondary keys; scan shows the records
//	notifications after=N, batches=N and bytes=N of a page; before=MS: the offset up to
//	              which they are older
//	settings      the shard's
//	sessions      the shard's, and their records
//	flush, crash, close-and-open, delete-shard
//
// and for snapshots those of script_snapshot_test.go.
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{disk: newDisk(t), parts: map[string][]SnapshotPart{}}
		defer func() { s.disk.close(t) }()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			out, err := s.run(t, d)
			if err != nil {
				out += fmt.Sprintf("error: %v\n", err)
			}
			if out == "" {
				return "ok\n"
			}
			return out
		})
	})
}

type script struct {
	disk *disk
	// parts are those that export wrote down, by the story's names.
	parts map[string][]SnapshotPart
}

func (s *script) run(t *testing.T, d *datadriven.TestData) (string, error) {
	var shard int64 = 1
	d.MaybeScanArgs(t, "shard", &shard)
	db := s.disk.db
	switch d.Cmd {
	case "apply":
		results, err := db.Apply(ShardID(shard), parseEntries(t, d.Input))
		return describeResults(results), err
	case "validate":
		if d.HasArg("transaction") {
			return "", ValidateTransaction(parseTransaction(t, strings.Split(d.Input, "\n")), parseRange(t, d))
		}
		return "", Validate(parseOperations(t, strings.Split(d.Input, "\n")), parseRange(t, d))
	case "transaction":
		res, err := db.ReadTransaction(ShardID(shard), parseTransaction(t, strings.Split(d.Input, "\n")))
		return describeTransaction(res), err
	case "read":
		return s.read(t, d, ShardID(shard))
	case "sequence":
		last, _, err := db.HighestSequence(ShardID(shard), d.Input)
		return last + "\n", err
	case "state":
		return s.state(ShardID(shard))
	case "rows":
		return s.rows()
	case "notifications":
		return s.notifications(t, d, ShardID(shard))
	case "sessions":
		return describeSessions(db, ShardID(shard))
	case "list", "scan":
		return s.scan(t, d, ShardID(shard))
	case "settings":
		settings, err := db.Settings(ShardID(shard))
		return describeSettings(settings), err
	case "flush":
		return "", db.Flush()
	case "crash":
		s.disk.crash(t, nil)
		return "", nil
	case "close-and-open":
		s.disk.close(t)
		s.disk.open(t)
		return "", nil
	case "delete-shard":
		return "", db.DeleteShard(ShardID(shard))
	case "export":
		return s.export(t, d, ShardID(shard))
	case "import":
		return s.importPart(t, d, ShardID(shard))
	case "release-idle":
		return "", db.ReleaseIdle()
	case "staged":
		return s.staged(t)
	}
	t.Fatalf("%s: unknown command %q", d.Pos, d.Cmd)
	return "", nil
}

func (s *script) state(shard ShardID) (string, error) {
	digest, applied, err := s.disk.db.Digest(shard)
	if err != nil {
		return "", err
	}
	flushed, err := s.disk.db.FlushedApplied(shard)
	if err != nil {
		return "", err
	}
	offset, checked, err := s.disk.db.Checked(shard)
	if err != nil || offset == 0 {
		return fmt.Sprintf("applied %s, flushed %s, digest %s\n", applied, flushed, digest), err
	}
	return fmt.Sprintf("applied %s, flushed %s, digest %s, at %d %s\n", applied, flushed, digest, offset, checked), nil
}

func (s *script) read(t *testing.T, d *datadriven.TestData, shard ShardID) (string, error) {
	req := &api.ReadRequest{}
	lines := strings.Split(d.Input, "\n")
	for _, line := range lines {
		comparison, key, near := strings.Cut(line, " ")
		if !near {
			comparison, key = "equal", line
		}
		number, known := api.KeyComparisonType_value[strings.ToUpper(comparison)]
		if !known {
			t.Fatalf("bad comparison %q", comparison)
		}
		req.Gets = append(req.Gets, &api.GetRequest{
			Key: strings.TrimPrefix(key, "-"), ComparisonType: api.KeyComparisonType(number), IncludeValue: true,
			SecondaryIndexName: indexArgument(t, d),
		})
	}
	res, err := s.disk.db.Read(shard, req)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for i, get := range res.GetGets() {
		fmt.Fprintf(&out, "%s: %s", lines[i], get.GetStatus())
		if get.GetStatus() == api.Status_OK {
			if get.SecondaryIndexKey != nil {
				fmt.Fprintf(&out, " %s:", get.GetSecondaryIndexKey())
			}
			if get.Key != nil {
				fmt.Fprintf(&out, " %s", get.GetKey())
			}
			fmt.Fprintf(&out, " = %q %s", get.GetValue(), describeVersion(get.GetVersion()))
		}
		out.WriteByte('\n')
	}
	return out.String(), nil
}

func (s *script) rows() (string, error) {
	it, err := s.disk.db.pebble.NewIter(&pebble.IterOptions{})
	if err != nil {
		return "", err
	}
	defer it.Close()
	var out strings.Builder
	for it.First(); it.Valid(); it.Next() {
		fmt.Fprintf(&out, "%x %x %q\n  %s\n", it.Key()[:shardBytes], it.Key()[shardBytes:prefixBytes],
			it.Key()[prefixBytes:], hex.EncodeToString(it.Value()))
	}
	return out.String(), it.Error()
}

func describeResults(results []Result) string {
	var out strings.Builder
	for i := range results {
		r := &results[i]
		fmt.Fprintf(&out, "%s %s", r.ID, r.Outcome)
		if r.Repeated {
			out.WriteString(" before")
		}
		out.WriteByte('\n')
		out.WriteString(describeTransaction(r.Transaction))
		if r.Session != nil {
			fmt.Fprintf(&out, "  session %d\n", r.Session.ID)
		}
		if len(r.Ended) > 0 {
			fmt.Fprintf(&out, "  ended %v\n", r.Ended)
		}
		for _, put := range r.Response.GetPuts() {
			words := []string{"  put:", put.GetStatus().String(), put.GetKey(), describeVersion(put.GetVersion())}
			words = slices.DeleteFunc(words, func(word string) bool { return word == "" })
			fmt.Fprintln(&out, strings.Join(words, " "))
		}
		for _, del := range r.Response.GetDeletes() {
			fmt.Fprintf(&out, "  delete: %s\n", del.GetStatus())
		}
		for _, del := range r.Response.GetDeleteRanges() {
			fmt.Fprintf(&out, "  delete-range: %s\n", del.GetStatus())
		}
	}
	return out.String()
}

func describeVersion(v *api.Version) string {
	if v == nil {
		return ""
	}
	text := fmt.Sprintf("version=%d modifications=%d created=%d modified=%d",
		v.GetVersionId(), v.GetModificationsCount(), v.GetCreatedTimestamp(), v.GetModifiedTimestamp())
	if v.SessionId != nil {
		text += fmt.Sprintf(" session=%d", v.GetSessionId())
	}
	if v.ClientIdentity != nil {
		text += fmt.Sprintf(" identity=%q", v.GetClientIdentity())
	}
	return text
}

func parseRange(t *testing.T, d *datadriven.TestData) HashRange {
	r := HashRange{Max: 1<<32 - 1}
	if d.HasArg("range") {
		var lo, hi string
		d.ScanArgs(t, "range", &lo, &hi)
		r = HashRange{Min: parseHex32(t, lo), Max: parseHex32(t, hi)}
	}
	return r
}

func parseHex32(t *testing.T, text string) uint32 {
	n, err := strconv.ParseUint(text, 16, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func parseEntries(t *testing.T, input string) []Entry {
	var entries []Entry
	lines := strings.Split(input, "\n")
	for len(lines) > 0 {
		head, rest := lines[0], lines[1:]
		n := 0
		for n < len(rest) && strings.HasPrefix(rest[n], " ") {
			n++
		}
		entries = append(entries, parseEntry(t, head, rest[:n]))
		lines = rest[n:]
	}
	return entries
}

func parseEntry(t *testing.T, head string, operations []string) Entry {
	var e Entry
	var kind, raw string
	if _, err := fmt.Sscanf(head, "%d.%d @%d %s %s", &e.ID.Term, &e.ID.Offset, &e.Timestamp, &kind, &raw); err != nil && kind == "" {
		t.Fatalf("bad entry %q: %v", head, err)
	}
	switch kind {
	case "barrier":
		e.Payload = append(BarrierPayload(), parseSettings(t, operations)...)
	case "write":
		body, err := proto.Marshal(parseOperations(t, operations))
		if err != nil {
			t.Fatal(err)
		}
		e.Payload = WritePayload(body)
	case "transaction":
		e.Payload = mustTransaction(parseTransaction(t, operations))
	case "create", "close", "expire":
		e.Payload = parseSession(t, kind, strings.Fields(strings.SplitN(head, kind, 2)[1]))
	case "trim":
		through, err := strconv.ParseInt(strings.Fields(head)[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		e.Payload = TrimNotificationsPayload(through)
	case "once":
		e.Payload = parseOnceEntry(t, strings.Fields(head)[3:], operations)
	case "raw":
		payload, err := hex.DecodeString(raw)
		if err != nil {
			t.Fatal(err)
		}
		e.Payload = payload
	default:
		t.Fatalf("bad entry %q", head)
	}
	return e
}

func parseOperations(t *testing.T, lines []string) *api.WriteRequest {
	req := &api.WriteRequest{}
	for _, line := range lines {
		if fields := strings.Fields(line); len(fields) > 0 {
			parseOperation(t, req, fields)
		}
	}
	return req
}

// parseOperation reads one of
//
//	put KEY VALUE [expect=N] [identity=TEXT] [route=TEXT] [session=N] [delta=N,...]
//	  [index=NAME:KEY,...] [override=N] [modifications=N]
//	delete KEY [expect=N] [route=TEXT]
//	delete-range FROM [TO]
func parseOperation(t *testing.T, req *api.WriteRequest, fields []string) {
	var words []string
	options := map[string]string{}
	for _, f := range fields[1:] {
		if name, value, isOption := strings.Cut(f, "="); isOption {
			options[name] = value
		} else {
			words = append(words, f)
		}
	}
	words = append(words, "", "")
	switch fields[0] {
	case "put":
		put := &api.PutRequest{
			Key: words[0], Value: []byte(words[1]), ExpectedVersionId: number(t, options, "expect"),
			ClientIdentity: text(options, "identity"), PartitionKey: text(options, "route"),
			SessionId: number(t, options, "session"), OverrideVersionId: number(t, options, "override"),
			OverrideModificationsCount: number(t, options, "modifications"),
		}
		for _, delta := range listOf(options, "delta") {
			n, err := strconv.ParseUint(delta, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			put.SequenceKeyDelta = append(put.SequenceKeyDelta, n)
		}
		for _, entry := range listOf(options, "index") {
			index, key, _ := strings.Cut(entry, ":")
			put.SecondaryIndexes = append(put.SecondaryIndexes, &api.SecondaryIndex{IndexName: index, SecondaryKey: key})
		}
		req.Puts = append(req.Puts, put)
	case "delete":
		req.Deletes = append(req.Deletes, &api.DeleteRequest{
			Key: words[0], ExpectedVersionId: number(t, options, "expect"), PartitionKey: text(options, "route"),
		})
	case "delete-range":
		req.DeleteRanges = append(req.DeleteRanges, &api.DeleteRangeRequest{
			StartInclusive: words[0], EndExclusive: words[1],
		})
	default:
		t.Fatalf("bad operation %q", fields)
	}
}

func listOf(options map[string]string, name string) []string {
	if options[name] == "" {
		return nil
	}
	return strings.Split(options[name], ",")
}

func text(options map[string]string, name string) *string {
	if value, ok := options[name]; ok {
		return &value
	}
	return nil
}

func number(t *testing.T, options map[string]string, name string) *int64 {
	value, ok := options[name]
	if !ok {
		return nil
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return &n
}
