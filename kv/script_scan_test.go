package kv

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
	"google.golang.org/protobuf/proto"

	"github.com/ostraka-db/ostraka/api"
)

func (s *script) scan(t *testing.T, d *datadriven.TestData, shard ShardID) (string, error) {
	ends := append(strings.Fields(d.Input), "", "")
	index := indexArgument(t, d)
	req := &api.RangeScanRequest{StartInclusive: ends[0], EndExclusive: ends[1], SecondaryIndexName: index}
	var out strings.Builder
	if d.Cmd == "list" {
		keys, err := listAll(s.disk.db, shard, &api.ListRequest{
			StartInclusive: ends[0], EndExclusive: ends[1], SecondaryIndexName: index,
		})
		for _, key := range keys {
			fmt.Fprintln(&out, key)
		}
		return out.String(), err
	}
	records, err := scanAll(s.disk.db, shard, req)
	for _, r := range records {
		if r.SecondaryIndexKey != nil {
			fmt.Fprintf(&out, "%s: ", r.GetSecondaryIndexKey())
		}
		fmt.Fprintf(&out, "%s = %q %s\n", r.GetKey(), r.GetValue(), describeVersion(r.GetVersion()))
	}
	return out.String(), err
}

func indexArgument(t *testing.T, d *datadriven.TestData) *string {
	if !d.HasArg("index") {
		return nil
	}
	index := new(string)
	d.ScanArgs(t, "index", index)
	return index
}

// scanAll walks a range to its end, a few records at a time.
func scanAll(db *DB, shard ShardID, req *api.RangeScanRequest) ([]*api.GetResponse, error) {
	scan, err := db.Scan(shard, req)
	if err != nil {
		return nil, err
	}
	defer scan.Close()
	var all []*api.GetResponse
	for {
		records, done, err := scan.Next(3, 1<<20)
		if all = append(all, records...); done || err != nil {
			return all, err
		}
	}
}

// listAll is scanAll of keys.
func listAll(db *DB, shard ShardID, req *api.ListRequest) ([]string, error) {
	list, err := db.List(shard, req)
	if err != nil {
		return nil, err
	}
	defer list.Close()
	var all []string
	for {
		keys, done, err := list.Next(2, 1<<20)
		if all = append(all, keys...); done || err != nil {
			return all, err
		}
	}
}

// parseSettings reads words of
//
//	namespace=TEXT order=N notifications=off retention=MS
func parseSettings(t *testing.T, lines []string) []byte {
	settings := &api.ShardSettings{}
	for _, word := range strings.Fields(strings.Join(lines, " ")) {
		name, value, _ := strings.Cut(word, "=")
		options := map[string]string{name: value}
		switch name {
		case "namespace":
			settings.Namespace = value
		case "order":
			settings.KeyOrder = api.KeyOrder(*number(t, options, name))
		case "notifications":
			settings.NotificationsDisabled = value == "off"
		case "retention":
			settings.NotificationRetentionMs = *number(t, options, name)
		default:
			t.Fatalf("bad setting %q", word)
		}
	}
	body, err := proto.Marshal(settings)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func describeSettings(settings *api.ShardSettings) string {
	if settings == nil {
		return ""
	}
	notifications := "on"
	if settings.GetNotificationsDisabled() {
		notifications = "off"
	}
	return fmt.Sprintf("namespace %q, %s, notifications %s for %d ms\n", settings.GetNamespace(), settings.GetKeyOrder(),
		notifications, settings.GetNotificationRetentionMs())
}
