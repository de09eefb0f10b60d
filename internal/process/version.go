package process

import "runtime/debug"

// version is set by the linker where a program is built for an image or a release, with
// -X. Such a build is told nothing of version control, so that it depends on the commit
// alone and not on the tags that a clone happens to have.
var version string

// Version returns what the program was built from: a release, or else a commit, and
// "unknown" if nobody said.
func Version() string {
	if version != "" {
		return version
	}
	info, _ := debug.ReadBuildInfo()
	return versionOf(info)
}

// versionOf reads the version off what the go command noted in the program, which may be
// nil.
func versionOf(info *debug.BuildInfo) string {
	if info == nil {
		return "unknown"
	}
	revision, changes := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changes = " with changes"
		}
	}
	if revision == "" {
		return "unknown"
	}
	return revision[:min(12, len(revision))] + changes
}
