package wal

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/ostraka-db/ostraka/replication"
)

const (
	pairName   = "failover"
	pairHeader = "ostraka two 0001"
)

// failOver goes over to the other directory, after a write or a sync failed, and
// reports whether there is one. The state of the file that failed is not known to
// anybody, so nothing is written to it any more. The batch is written again, to a
// new segment; what the old one has of it comes after the end that the marks of the
// new one tell, and so counts once.
func (l *Log) failOver(cause error) bool {
	w := &l.writer
	if w.dir+1 >= len(l.dirs) {
		return false
	}
	l.options.Logger.Error("the log goes over to its other directory",
		"from", l.dirs[w.dir].path, "to", l.dirs[w.dir+1].path, "error", cause)
	w.dir++
	w.active = nil
	return true
}

// openDirectories opens the log's directory, and the one to fail over to if there
// is one, and formats what is new.
func openDirectories(o *Options) ([]*directory, replication.Incarnation, error) {
	dir, err := openDirectory(o.FS, o.Dir)
	if err != nil {
		return nil, 0, err
	}
	dirs := []*directory{dir}
	incarnation, err := dir.incarnation(o.Draw)
	if err == nil {
		dirs, err = pair(o, dirs, incarnation)
	}
	if err != nil {
		closeAll(dirs)
		return nil, 0, err
	}
	return dirs, incarnation, nil
}

func closeAll(dirs []*directory) {
	for _, d := range dirs {
		_ = d.close()
	}
}

// pair adds the directory to fail over to. Both know that they are a pair: one
// without the other is half a log.
func pair(o *Options, dirs []*directory, incarnation replication.Incarnation) ([]*directory, error) {
	first := dirs[0]
	paired, err := first.readNumber(pairName, pairHeader)
	if err != nil {
		return dirs, err
	}
	switch {
	case o.FailoverDir == "" && paired != 0:
		return dirs, &OptionError{"FailoverDir", fmt.Sprintf("is missing, and the log in %s has one; name it", o.Dir)}
	case o.FailoverDir == "":
		return dirs, nil
	}
	second, err := openDirectory(o.FS, o.FailoverDir)
	if err != nil {
		return dirs, err
	}
	dirs = append(dirs, second)
	other, err := second.readNumber(incarnationName, incarnationHeader)
	switch {
	case err != nil:
		return dirs, err
	case other != 0 && other != uint64(incarnation):
		return dirs, &CorruptionError{
			File: second.file(incarnationName), Detail: fmt.Sprintf("it belongs to another log than %s", o.Dir),
		}
	case other == 0 && paired != 0:
		return dirs, &CorruptionError{File: second.file(incarnationName), Detail: "it is missing, though the log was here"}
	case other == 0:
		if err := second.writeNumber(incarnationName, incarnationHeader, uint64(incarnation)); err != nil {
			return dirs, err
		}
	}
	if paired == 0 {
		return dirs, first.writeNumber(pairName, pairHeader, uint64(incarnation))
	}
	return dirs, nil
}

// readNumber reads a file that keeps a number; zero if it is missing.
func (d *directory) readNumber(name, header string) (uint64, error) {
	content, err := d.readFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, fmt.Errorf("read %s: %w", d.file(name), err)
	}
	number, intact := decodeNumber(header, content)
	if !intact {
		return 0, &CorruptionError{File: d.file(name), Detail: "it is not what it should be"}
	}
	return number, nil
}
