package main

import (
	"os"

	"github.com/ostraka-db/ostraka/coordinator/command"
)

func main() { os.Exit(command.Main(command.With(openKubernetes))) }
