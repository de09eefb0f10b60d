package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// source is what an image is made from.
type source struct {
	// root is the directory of the repository.
	root string
	// revision is the commit, time when it was made.
	revision string
	time     time.Time
	// version is the release, or what stands for it.
	version string
}

// sourceOf looks at the repository that the process is in.
func sourceOf(ctx context.Context, release string) (source, error) {
	root, err := git(ctx, "", "rev-parse", "--show-toplevel")
	if err != nil {
		return source{}, fmt.Errorf("find the repository: %w; run it in a clone", err)
	}
	revision, err := git(ctx, root, "rev-parse", "HEAD")
	if err != nil {
		return source{}, err
	}
	seconds, err := git(ctx, root, "show", "--no-patch", "--format=%ct", "HEAD")
	if err != nil {
		return source{}, err
	}
	when, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return source{}, fmt.Errorf("the commit's time is %q: %w", seconds, err)
	}
	changes, err := git(ctx, root, "status", "--porcelain")
	if err != nil {
		return source{}, err
	}
	return source{
		root: root, revision: revision, time: time.Unix(when, 0).UTC(), version: versionOf(release, revision, changes != ""),
	}, nil
}

// versionOf names what is built. A tree with changes is none of the commit's, and no
// release either.
func versionOf(release, revision string, changed bool) string {
	version := release
	if version == "" {
		version = "0.0.0-" + revision[:min(12, len(revision))]
	}
	if changed {
		version += "-modified"
	}
	return version
}

func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(told.String()))
	}
	return strings.TrimSpace(string(out)), nil
}
