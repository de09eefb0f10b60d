package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// campaignOf runs the command with nodes of a kind, and with many seeds or a search: there
// is not one result, but what is printed.
func campaignOf(t *testing.T, kind string, flags ...string) (code int, out string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--bin", self, "--node-count", "3", "--store", filepath.Join(t.TempDir(), "store")}, flags...)
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), append(args, "--", asNode, kind), &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

// badNetwork brings loss and duplication, both from the start.
func badNetwork(flags ...string) []string {
	return append([]string{
		"-w", "echo", "--concurrency", "2n", "--rate", "500", "--time-limit", "0.3",
		"--nemesis", "loss,duplicate", "--nemesis-interval", "0.1", "--recovery-time", "0.4", "--recovery-goal", "0.2",
	}, flags...)
}

func TestEverySeedHasALine(t *testing.T) {
	t.Parallel()
	code, out := campaignOf(t, "echo", badNetwork("--seeds", "4..5")...)
	if code != exitValid || !strings.Contains(out, "2 runs: 2 valid, 0 invalid, 0 unknown; 0 stuck; slowest recovery") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}

func TestAFailingSeedAndItsFewestFaultsAreNamed(t *testing.T) {
	t.Parallel()
	code, out := campaignOf(t, "confusable", badNetwork("--seeds", "7..7", "--shrink", "--shrink-tries", "1")...)
	for _, says := range []string{
		"and returned", "1 runs: 0 valid, 1 invalid, 0 unknown", "Failing seeds: 7",
		"Seed 7 fails with the first ", "of its 5 faults", "--seed 7 --first-faults ", "start-duplicate",
	} {
		if code != exitInvalid || !strings.Contains(out, says) {
			t.Fatalf("exit code %d, %q is missing:\n%s", code, says, out)
		}
	}
}

func TestWithoutFaultsThereIsNoRecovery(t *testing.T) {
	t.Parallel()
	o := benchNode(t, "confusable", badNetwork("--seed", "7", "--first-faults", "0")...)
	o.expect(t, exitValid, "VALID")
	if strings.Contains(o.out, "Check recovery") {
		t.Error(o.out)
	}
}

func TestIDsThatComeAgainAfterAKillAreFound(t *testing.T) {
	t.Parallel()
	o := benchNode(t, "forgetful-ids", "-w", "unique-ids", "--concurrency", "4n", "--rate", "300",
		"--time-limit", "0.5", "--nemesis", "kill", "--nemesis-interval", "0.1", "--recovery-time", "1", "--seed", "1")
	o.expect(t, exitInvalid, "was given out by")
}
