package data

import (
	"fmt"
	"strconv"
	"time"

	"github.com/ostraka-db/ostraka/client"
	"github.com/ostraka-db/ostraka/cmd/ostraka/internal/output"
)

// version is a record's version as it is printed.
type version struct {
	ID            int64  `json:"id"`
	Modifications int64  `json:"modifications"`
	Created       string `json:"created"`
	Modified      string `json:"modified"`
	Session       *int64 `json:"session,omitempty"`
	Identity      string `json:"identity,omitempty"`
}

func versionOf(v client.Version) *version {
	printed := &version{
		ID: v.ID, Modifications: v.Modifications, Created: moment(v.Created), Modified: moment(v.Modified), Identity: v.Identity,
	}
	if v.Ephemeral {
		printed.Session = &v.Session
	}
	return printed
}

// moment is a time as it is printed: as precise as records have it, and the same
// everywhere.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// versionColumns are a version in a table.
var versionColumns = []string{"VERSION", "MODIFICATIONS", "CREATED", "MODIFIED", "SESSION"}

func (v *version) cells() []string {
	session := "-"
	if v.Session != nil {
		session = strconv.FormatInt(*v.Session, 10)
	}
	return []string{strconv.FormatInt(v.ID, 10), strconv.FormatInt(v.Modifications, 10), v.Created, v.Modified, session}
}

// record is a record as it is printed. What a table shows of it is columns.
type record struct {
	Key          string   `json:"key"`
	SecondaryKey string   `json:"secondaryKey,omitempty"`
	Value        *string  `json:"value,omitempty"`
	Encoding     string   `json:"encoding,omitempty"`
	Version      *version `json:"version,omitempty"`

	cells []string
}

func (r record) Row() []string { return r.cells }

// shape is what is printed of records.
type shape struct {
	encoding  output.Encoding
	versions  bool
	secondary bool
}

// columns are the headings of a table of such records.
func (s shape) columns() []string {
	columns := []string{"KEY", "VALUE"}
	if s.secondary {
		columns = append([]string{"SECONDARY KEY"}, columns...)
	}
	if s.versions {
		columns = append(columns, versionColumns...)
	}
	return columns
}

func (s shape) record(r client.Record) record {
	value := output.Value{Bytes: r.Value, Encoding: s.encoding}
	text, encoding := value.Fields()
	printed := record{
		Key: r.Key, SecondaryKey: r.SecondaryKey, Value: &text, Encoding: encoding,
		cells: []string{output.Cell(r.Key), value.Cell()},
	}
	if s.secondary {
		printed.cells = append([]string{output.Cell(r.SecondaryKey)}, printed.cells...)
	}
	if s.versions {
		printed.Version = versionOf(r.Version)
		printed.cells = append(printed.cells, printed.Version.cells()...)
	}
	return printed
}

// written is a record that was put, of which the value is known to whoever put it.
func written(key string, v client.Version) record {
	printed := record{Key: key, Version: versionOf(v)}
	printed.cells = append([]string{output.Cell(key)}, printed.Version.cells()...)
	return printed
}

var writtenColumns = append([]string{"KEY"}, versionColumns...)

// key is a key as it is printed.
type key struct {
	Key string `json:"key"`
}

func (k key) Row() []string { return []string{output.Cell(k.Key)} }

// event is a notification as it is printed.
type event struct {
	Type     string `json:"type"`
	Key      string `json:"key,omitempty"`
	RangeEnd string `json:"rangeEnd,omitempty"`
	Version  *int64 `json:"version,omitempty"`
	Shard    int64  `json:"shard"`
	Offset   int64  `json:"offset"`
	After    *int64 `json:"after,omitempty"`
	Time     string `json:"time,omitempty"`
}

var eventColumns = []string{"TIME", "SHARD", "OFFSET", "TYPE", "KEY", "VERSION"}

func eventOf(e client.Event) event {
	printed := event{
		Type: e.Type.String(), Key: e.Key, RangeEnd: e.RangeEnd, Shard: e.Shard, Offset: e.Offset,
	}
	if !e.Time.IsZero() {
		printed.Time = moment(e.Time)
	}
	switch e.Type {
	case client.EventCreated, client.EventModified:
		printed.Version = &e.VersionID
	case client.EventGap:
		printed.After = &e.ResumedFrom
	}
	return printed
}

func (e event) Row() []string {
	about, id := output.Cell(e.Key), "-"
	if e.Version != nil {
		id = strconv.FormatInt(*e.Version, 10)
	}
	switch e.Type {
	case client.EventRangeDeleted.String():
		about = fmt.Sprintf("%s to %s", output.Cell(e.Key), output.Cell(e.RangeEnd))
	case client.EventGap.String():
		about = fmt.Sprintf("dropped by the server: what came after offset %d", *e.After)
	}
	at := e.Time
	if at == "" {
		at = "-"
	}
	return []string{at, strconv.FormatInt(e.Shard, 10), strconv.FormatInt(e.Offset, 10), e.Type, about, id}
}
