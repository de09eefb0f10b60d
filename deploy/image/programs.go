package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are those of cmd that are in the image. ostraka has the server's and the
// coordinator's commands too; coordinator by itself has the metadata providers that are
// too big for a tool.
var programs = []string{"ostraka", "coordinator"}

// versionVariable is where programs keep what they are.
const versionVariable = "github.com/ostraka-db/ostraka/internal/process.version"

// environment is that of the go command, instead of whatever the user has: each of these
// changes what is built.
var environment = []string{
	"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOEXPERIMENT=", "GOAMD64=v1", "GOARM64=v8.0", "GODEBUG=", "GOFIPS140=off",
}

// build builds the programs for a platform into a directory.
func build(ctx context.Context, s source, p platform, dir string) error {
	args := []string{
		"build", "-trimpath", "-buildvcs=false", "-mod=readonly",
		"-ldflags=-s -w -buildid= -X " + versionVariable + "=" + s.version, "-o", dir + string(filepath.Separator),
	}
	for _, name := range programs {
		args = append(args, "./cmd/"+name)
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = s.root
	cmd.Env = append(append(os.Environ(), environment...), "GOOS="+p.os, "GOARCH="+p.arch)
	var told strings.Builder
	cmd.Stdout, cmd.Stderr = &told, &told
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, told.String())
	}
	return nil
}
