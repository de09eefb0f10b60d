package process

import (
	"runtime/debug"
	"testing"
)

func TestVersionIsTheCommitUnlessTheLinkerSaysIt(t *testing.T) {
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}
	for _, test := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{nil, "unknown"},
		{&debug.BuildInfo{}, "unknown"},
		{&debug.BuildInfo{Settings: []debug.BuildSetting{commit}}, "0123456789ab"},
		{&debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "true"}, commit}}, "0123456789ab with changes"},
		{&debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.modified", Value: "false"}, commit}}, "0123456789ab"},
	} {
		if got := versionOf(test.info); got != test.want {
			t.Errorf("%+v: %q, want %q", test.info, got, test.want)
		}
	}
	version = "1.2.3"
	defer func() { version = "" }()
	if got := Version(); got != "1.2.3" {
		t.Errorf("the linker said 1.2.3, and the version is %q", got)
	}
}
