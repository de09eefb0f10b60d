package storage

import "github.com/ostraka-db/ostraka/wal"

// openLog opens the log. It is the one place that knows how.
func openLog(o *Options) (*wal.Log, error) {
	log := o.Log
	log.FS, log.Dir, log.FailoverDir = o.FS, o.LogDir, o.FailoverDir
	if log.Dir == "" {
		log.Dir = o.FS.PathJoin(o.Dir, "log")
	}
	log.Now, log.Draw, log.Logger = o.Now, o.Draw, o.Logger
	return wal.Open(log)
}
