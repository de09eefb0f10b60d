package main

import (
	"os"

	"github.com/ostraka-db/ostraka/internal/process"
	"github.com/ostraka-db/ostraka/server/command"
)

func main() { os.Exit(command.Main(process.Version())) }
