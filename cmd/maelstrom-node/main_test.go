package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/ostraka-db/ostraka/wal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFlagsThatMakeNoSenseNameThemselvesAndARemedy(t *testing.T) {
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"--log-level", "loud"}, []string{"--log-level", "debug, info, warn or error"}},
		{[]string{"--request-timeout", "1s"}, []string{"--request-timeout is 1s", "below 1s"}},
		{[]string{"--request-timeout", "0s"}, []string{"--request-timeout is 0s", "above zero"}},
		{[]string{"--beat-every", "-1ms"}, []string{"--beat-every is -1ms", "above zero"}},
		{[]string{"--silent-after", "100ms"}, []string{"--silent-after is 100ms", "--beat-every is 60ms", "at least 180ms"}},
		{[]string{"--trim-every", "-5"}, []string{"--trim-every is -5", "0 to keep them all"}},
		{[]string{"--snapshot-bytes", "0"}, []string{"--snapshot-bytes is 0", "from 1 to 32768"}},
		{[]string{"--snapshot-bytes", "40000"}, []string{"--snapshot-bytes is 40000", "from 1 to 32768"}},
		{[]string{"--nonsense"}, []string{"--nonsense"}},
		{[]string{"argument"}, []string{"argument"}},
	} {
		var stderr strings.Builder
		code := run(context.Background(), c.args, strings.NewReader(""), io.Discard, &stderr)
		if code != exitUsage {
			t.Errorf("%v: exit code %d", c.args, code)
		}
		for _, want := range c.want {
			if !strings.Contains(stderr.String(), want) {
				t.Errorf("%v: %q does not say %q", c.args, stderr.String(), want)
			}
		}
	}
}

func TestTheEndOfInputIsACleanStop(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	var stdout, stderr strings.Builder
	input := strings.NewReader(`{"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0"]}}` + "\n")
	if code := run(context.Background(), nil, input, &stdout, &stderr); code != exitDone {
		t.Fatalf("exit code %d: %s", code, &stderr)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if got := stdout.String(); !strings.Contains(got, `"init_ok"`) {
		t.Errorf("printed %q", got)
	}
}

func TestADataDirectoryIsKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if code := run(context.Background(), []string{"--data-dir", dir}, strings.NewReader(""), io.Discard, io.Discard); code != exitDone {
		t.Fatalf("exit code %d", code)
	}
	if _, err := os.Stat(filepath.Join(dir, "log", "incarnation")); err != nil {
		t.Error(err)
	}
}

func TestADirectoryInUseIsAFailureThatNamesIt(t *testing.T) {
	dir := t.TempDir()
	log, err := wal.Open(wal.Options{FS: vfs.Default, Dir: filepath.Join(dir, "log")})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	var stderr strings.Builder
	code := run(context.Background(), []string{"--data-dir", dir}, strings.NewReader(""), io.Discard, &stderr)
	if code != exitFailed || !strings.Contains(stderr.String(), "in use by another process") || !strings.Contains(stderr.String(), dir) {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
}
