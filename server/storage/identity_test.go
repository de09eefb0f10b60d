package storage

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

func TestDirectoryBelongsToTheFirstThatBindsIt(t *testing.T) {
	fs := vfs.NewCrashableMem()
	o := Options{FS: fs, Dir: "data", CacheBytes: 1 << 20, MemTableBytes: 1 << 20}
	open := func() *Disk {
		t.Helper()
		d, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	if d.Identity() != (Identity{}) {
		t.Errorf("a new directory belongs to %+v", d.Identity())
	}
	for _, to := range []Identity{{Server: "s1"}, {Server: "s1"}, {}, {Cluster: "c"}} {
		if err := d.Bind(to); err != nil {
			t.Fatal(err)
		}
	}
	// A crash now takes nothing of it away.
	o.FS = fs.CrashClone(vfs.CrashCloneCfg{})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d = open()
	if want := (Identity{Cluster: "c", Server: "s1"}); d.Identity() != want {
		t.Errorf("the directory belongs to %+v, want %+v", d.Identity(), want)
	}
	for _, to := range []Identity{{Server: "s2"}, {Cluster: "d"}, {Cluster: "d", Server: "s1"}} {
		other := (*IdentityError)(nil)
		if err := d.Bind(to); !errors.As(err, &other) {
			t.Errorf("binding to %+v: %v", to, err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}

	file, err := o.FS.Create("data/identity.json", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte("{")); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(o); err == nil {
		t.Errorf("a directory whose identity is damaged was opened, as %+v", d.Identity())
	}
}
