package containers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// commandWithin bounds a command of Docker: more than a container may take to stop.
const commandWithin = 2 * time.Minute

// docker runs a command, and returns what it printed.
func docker(ctx context.Context, args ...string) (string, error) {
	return command(ctx, nil, append([]string{"docker"}, args...)...)
}

// command runs a program with variables added to the environment.
func command(ctx context.Context, env []string, words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = append(os.Environ(), env...)
	var out, told strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &told
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(words, " "), err, strings.TrimSpace(told.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// composeCommand is how Compose is called here: as a plugin of docker, or as version 1,
// a program of its own.
func composeCommand(ctx context.Context) ([]string, error) {
	_, plugin := docker(ctx, "compose", "version")
	if plugin == nil {
		return []string{"docker", "compose"}, nil
	}
	_, alone := command(ctx, nil, "docker-compose", "version")
	if alone == nil {
		return []string{"docker-compose"}, nil
	}
	return nil, fmt.Errorf("no Compose is here; install docker-compose, or the compose plugin of docker: %w; %w", plugin, alone)
}
