package cluster

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
)

// module is where this repository's programs are, for go build.
const module = "github.com/ostraka-db/ostraka"

// Binaries are the programs of a cluster, as paths.
type Binaries struct{ Server, Coordinator string }

// Build builds the programs into a directory. With race they are built with the race
// detector, which exits with its own code where it finds something.
func Build(dir string, race bool) (Binaries, error) {
	// Whose test this is need not be of the module that the programs are of, nor have
	// what they need.
	root, err := output("", "list", "-m", "-f", "{{.Dir}}", module)
	if err != nil {
		return Binaries{}, fmt.Errorf("find the module of the programs: %w", err)
	}
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	if race {
		args = append(args, "-race")
	}
	if _, err := output(strings.TrimSpace(root), append(args, "./cmd/server", "./cmd/coordinator")...); err != nil {
		return Binaries{}, fmt.Errorf("build the programs: %w", err)
	}
	return Binaries{Server: filepath.Join(dir, "server"), Coordinator: filepath.Join(dir, "coordinator")}, nil
}

// output runs the go command in a directory.
func output(dir string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = dir
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, told.String())
	}
	return string(out), nil
}
