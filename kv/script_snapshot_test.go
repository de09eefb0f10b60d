package kv

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// The commands of scripts that are about snapshots:
//
//	export        a part, which is written down in the list into=NAME: of the snapshot
//	              last=TERM.OFFSET, or of a new one; position=N, or after the last
//	              part in the list; max=N bytes. With hex the part's bytes are shown.
//	import        a part from=NAME, the first one or part=N; harm=N flips a bit of its
//	              byte N, and position=N, last=TERM.OFFSET, cut=N and final say other
//	              than the truth
//	release-idle  exports and imports that nobody used since the last time end
//	staged        the files that wait to be taken in

func (s *script) export(t *testing.T, d *datadriven.TestData, shard ShardID) (string, error) {
	ask := ExportAsk{MaxBytes: 1 << 20}
	var name string
	d.MaybeScanArgs(t, "into", &name)
	if before := s.parts[name]; len(before) > 0 {
		last := before[len(before)-1]
		ask.Last, ask.Position = last.Last, last.Position+int64(len(last.Data))
	}
	scanID(t, d, "last", &ask.Last)
	d.MaybeScanArgs(t, "position", &ask.Position)
	d.MaybeScanArgs(t, "max", &ask.MaxBytes)
	part, err := s.disk.db.Export(shard, ask)
	if err != nil {
		return "", err
	}
	s.parts[name] = append(s.parts[name], part)
	out := describePart(part)
	if d.HasArg("hex") {
		out += hex.Dump(part.Data)
	}
	return out, nil
}

func describePart(part SnapshotPart) string {
	text := fmt.Sprintf("snapshot %s, bytes %d to %d", part.Last, part.Position, part.Position+int64(len(part.Data)))
	if part.Final {
		text += ", final"
	}
	return text + "\n"
}

func (s *script) importPart(t *testing.T, d *datadriven.TestData, shard ShardID) (string, error) {
	var name string
	var number, harm, cut int
	d.ScanArgs(t, "from", &name)
	d.MaybeScanArgs(t, "part", &number)
	part := s.parts[name][number]
	part.Data = append([]byte{}, part.Data...)
	if d.HasArg("harm") {
		d.ScanArgs(t, "harm", &harm)
		part.Data[harm] ^= 1
	}
	if d.HasArg("cut") {
		d.ScanArgs(t, "cut", &cut)
		part.Data = part.Data[:cut]
	}
	d.MaybeScanArgs(t, "position", &part.Position)
	scanID(t, d, "last", &part.Last)
	if d.HasArg("final") {
		d.ScanArgs(t, "final", &part.Final)
	}
	progress, err := s.disk.db.Import(shard, part)
	if progress.Installed {
		return "installed\n", err
	}
	return fmt.Sprintf("%d bytes are kept\n", progress.Position), err
}

func (s *script) staged(t *testing.T) (string, error) {
	names := stagedFiles(t, s.disk)
	if len(names) == 0 {
		return "none\n", nil
	}
	return strings.Join(names, "\n") + "\n", nil
}

func scanID(t *testing.T, d *datadriven.TestData, name string, id *EntryID) {
	if !d.HasArg(name) {
		return
	}
	var text string
	d.ScanArgs(t, name, &text)
	if _, err := fmt.Sscanf(text, "%d.%d", &id.Term, &id.Offset); err != nil {
		t.Fatalf("bad entry id %q", text)
	}
}
