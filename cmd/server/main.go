package main

import (
	"os"
	"runtime/debug"

	"github.com/ostraka-db/ostraka/server/command"
)

// version is set when a release is built.
var version = ""

func main() { os.Exit(command.Main(versionOf())) }

// versionOf is the release, or else the commit that the program was built from.
func versionOf() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value
			}
		}
	}
	return "unknown"
}
