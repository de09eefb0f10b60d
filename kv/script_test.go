package kv

import (
	"encoding/hex"
	"fmt"
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
//	apply         entries, each "TERM.OFFSET @MS barrier|write|transaction|raw HEX";
//	              the operations of a write or transaction follow it, indented (see
//	              parseOperation and parseTransaction)
//	validate      operations of one write, or with the argument transaction of one
//	              transaction; range=(MIN,MAX) in hex
//	transaction   operations of a transaction that only reads
//	read          lines "[equal|floor|ceiling|lower|higher] KEY"
//	state         applied, flushed and digest
//	rows          every row of the database, byte by byte
//	flush, crash, close-and-open, delete-shard
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata/scripts", func(t *testing.T, path string) {
		s := &script{disk: newDisk(t)}
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
		return s.read(t, ShardID(shard), d.Input)
	case "state":
		return s.state(ShardID(shard))
	case "rows":
		return s.rows()
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
	return fmt.Sprintf("applied %s, flushed %s, digest %s\n", applied, flushed, digest), err
}

func (s *script) read(t *testing.T, shard ShardID, input string) (string, error) {
	req := &api.ReadRequest{}
	lines := strings.Split(input, "\n")
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
			Key: key, ComparisonType: api.KeyComparisonType(number), IncludeValue: true,
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
		fmt.Fprintf(&out, "%s %s\n", r.ID, r.Outcome)
		out.WriteString(describeTransaction(r.Transaction))
		for _, put := range r.Response.GetPuts() {
			fmt.Fprintf(&out, "  put: %s %s\n", put.GetStatus(), describeVersion(put.GetVersion()))
		}
		for _, del := range r.Response.GetDeletes() {
			fmt.Fprintf(&out, "  delete: %s\n", del.GetStatus())
		}
		for _, del := range r.Response.GetDeleteRanges() {
			fmt.Fprintf(&out, "  delete-range: %s\n", del.GetStatus())
		}
	}
	return strings.ReplaceAll(out.String(), " \n", "\n")
}

func describeVersion(v *api.Version) string {
	if v == nil {
		return ""
	}
	text := fmt.Sprintf("version=%d modifications=%d created=%d modified=%d",
		v.GetVersionId(), v.GetModificationsCount(), v.GetCreatedTimestamp(), v.GetModifiedTimestamp())
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
		e.Payload = BarrierPayload()
	case "write":
		body, err := proto.Marshal(parseOperations(t, operations))
		if err != nil {
			t.Fatal(err)
		}
		e.Payload = WritePayload(body)
	case "transaction":
		e.Payload = mustTransaction(parseTransaction(t, operations))
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
//	put KEY VALUE [expect=N] [identity=TEXT] [route=TEXT] [session=N] [delta=N] [index=NAME]
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
			SessionId: number(t, options, "session"),
		}
		if delta := number(t, options, "delta"); delta != nil {
			put.SequenceKeyDelta = []uint64{uint64(*delta)}
		}
		if index := text(options, "index"); index != nil {
			put.SecondaryIndexes = []*api.SecondaryIndex{{IndexName: *index}}
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
