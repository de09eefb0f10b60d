package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var made = source{
	revision: "0123456789abcdef0123456789abcdef01234567", time: time.Unix(1_700_000_000, 0).UTC(), version: "1.2.3",
}

// archiveOf packs a small program for some platforms.
func archiveOf(t *testing.T, platforms ...platform) archive {
	t.Helper()
	var images []image
	for _, p := range platforms {
		files := append(directories(), file{path: "usr/local/bin/ostraka", mode: 0o555, data: []byte("a program for " + p.String())})
		i, err := newImage(made, p, files)
		if err != nil {
			t.Fatal(err)
		}
		images = append(images, i)
	}
	a, err := newArchive(made, "registry.example:5000/db/ostraka:1.2.3", images)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func bytesOf(t *testing.T, a archive) []byte {
	t.Helper()
	var packed bytes.Buffer
	if err := a.write(&packed); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// unpacked reads a tar: what is in its files, and their headers.
func unpacked(t *testing.T, packed io.Reader) (map[string][]byte, []*tar.Header) {
	t.Helper()
	contents := map[string][]byte{}
	var headers []*tar.Header
	for r := tar.NewReader(packed); ; {
		h, err := r.Next()
		if err == io.EOF {
			return contents, headers
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := contents[h.Name]; twice {
			t.Errorf("%s is there twice", h.Name)
		}
		contents[h.Name] = data
		headers = append(headers, h)
	}
}

// read follows a descriptor as a stranger would: the blob must be what it says.
func read(t *testing.T, contents map[string][]byte, d descriptor, into any) []byte {
	t.Helper()
	data, found := contents["blobs/sha256/"+strings.TrimPrefix(d.Digest, "sha256:")]
	sum := sha256.Sum256(data)
	if !found || len(data) != d.Size || d.Digest != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Fatalf("%+v is not there, or is %d bytes of digest %x", d, len(data), sum)
	}
	if into != nil {
		if err := json.Unmarshal(data, into); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

func parsed(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%v: %s", err, data)
	}
}

// The same commit gives the same bytes, and another platform others.
func TestSameSourceSameBytes(t *testing.T) {
	first := bytesOf(t, archiveOf(t, known...))
	if !bytes.Equal(first, bytesOf(t, archiveOf(t, known...))) {
		t.Error("two archives of one source differ")
	}
	if archiveOf(t, known[0]).root.Digest == archiveOf(t, known[1]).root.Digest {
		t.Error("two platforms, one digest")
	}
}

// Whoever reads an archive finds, for each platform, the files with the owners that the
// configuration asks for.
func TestLayoutLeadsToEveryFile(t *testing.T) {
	a := archiveOf(t, known...)
	contents, _ := unpacked(t, bytes.NewReader(bytesOf(t, a)))
	if got := string(contents["oci-layout"]); got != `{"imageLayoutVersion":"1.0.0"}` {
		t.Errorf("oci-layout is %s", got)
	}
	if _, found := contents["manifest.json"]; found {
		t.Error("an archive of two platforms is offered to old Docker, which knows one")
	}
	var top, index indexDocument
	parsed(t, contents["index.json"], &top)
	wantNames := map[string]string{
		"org.opencontainers.image.ref.name": "1.2.3", "io.containerd.image.name": "registry.example:5000/db/ostraka:1.2.3",
	}
	if len(top.Manifests) != 1 || !reflect.DeepEqual(top.Manifests[0].Annotations, wantNames) {
		t.Fatalf("index.json is %s", contents["index.json"])
	}
	read(t, contents, top.Manifests[0], &index)
	for n, d := range index.Manifests {
		if d.Platform == nil || d.Platform.Architecture != known[n].arch || d.Platform.OS != known[n].os {
			t.Fatalf("the index has %+v for %v", d.Platform, known[n])
		}
		var manifest manifestDocument
		var config configDocument
		read(t, contents, d, &manifest)
		read(t, contents, manifest.Config, &config)
		if config.Architecture != known[n].arch || config.Config.User != fmt.Sprintf("%d:%d", user, user) {
			t.Errorf("%v: the configuration is %+v", known[n], config)
		}
		checkLayer(t, read(t, contents, manifest.Layers[0], nil), config.RootFS.DiffIDs[0], "a program for "+known[n].String())
	}
}

func checkLayer(t *testing.T, packed []byte, diffID, program string) {
	t.Helper()
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(data); diffID != "sha256:"+hex.EncodeToString(sum[:]) {
		t.Errorf("the layer is %x, and is said to be %s", sum, diffID)
	}
	contents, headers := unpacked(t, bytes.NewReader(data))
	if got := string(contents["usr/local/bin/ostraka"]); got != program {
		t.Errorf("the program is %q, want %q", got, program)
	}
	for _, h := range headers {
		owner, mode := 0, int64(0o755)
		switch h.Name {
		case "data/":
			owner, mode = user, 0o750
		case "usr/local/bin/ostraka":
			mode = 0o555
		}
		if h.Uid != owner || h.Gid != owner || h.Mode != mode || !h.ModTime.Equal(made.time) || h.Uname != "" {
			t.Errorf("%s belongs to %d:%d %q with mode %o and time %v", h.Name, h.Uid, h.Gid, h.Uname, h.Mode, h.ModTime)
		}
		if parent := filepath.Dir(strings.TrimSuffix(h.Name, "/")) + "/"; parent != "./" && contents[parent] == nil {
			t.Errorf("%s comes without the directory that it is in", h.Name)
		}
	}
}

// An archive of one platform is read by Docker of any age.
func TestOnePlatformIsADockerArchiveToo(t *testing.T) {
	contents, _ := unpacked(t, bytes.NewReader(bytesOf(t, archiveOf(t, known[0]))))
	var top indexDocument
	var manifest manifestDocument
	var docker []dockerEntry
	parsed(t, contents["index.json"], &top)
	parsed(t, contents["manifest.json"], &docker)
	read(t, contents, top.Manifests[0], &manifest)
	path := func(d descriptor) string { return "blobs/sha256/" + strings.TrimPrefix(d.Digest, "sha256:") }
	want := []dockerEntry{{
		Config: path(manifest.Config), RepoTags: []string{"registry.example:5000/db/ostraka:1.2.3"}, Layers: []string{path(manifest.Layers[0])},
	}}
	if !reflect.DeepEqual(docker, want) {
		t.Errorf("Docker is told %+v, want %+v", docker, want)
	}
}

// The tar of a layer never changes by itself: only what compresses it may, with Go.
func TestLayerIsPinned(t *testing.T) {
	l, err := newLayer(append(directories(), file{path: "usr/local/bin/ostraka", mode: 0o555, data: []byte("program")}), made.time)
	const want = "sha256:1bbdd3d79820d70cbe952cb7dba82908b022c8b084e98a9a2671a7ca4c3e7e66"
	if err != nil || l.diffID != want {
		t.Errorf("the layer is %s, %v; want %s", l.diffID, err, want)
	}
}

func TestFileIsThereInWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	a := archiveOf(t, known...)
	path := filepath.Join(dir, "ostraka.tar")
	if err := a.writeFile(path); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, bytesOf(t, a)) {
		t.Errorf("the file is not the archive: %v", err)
	}
	// A directory cannot be renamed over.
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := a.writeFile(filepath.Join(dir, "taken")); err == nil {
		t.Error("a directory was replaced")
	}
	left, err := filepath.Glob(filepath.Join(dir, ".image-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func TestVersionTellsOfChanges(t *testing.T) {
	for _, test := range []struct {
		release string
		changed bool
		want    string
	}{
		{"", false, "0.0.0-0123456789ab"},
		{"", true, "0.0.0-0123456789ab-modified"},
		{"1.2.3", false, "1.2.3"},
		{"1.2.3", true, "1.2.3-modified"},
	} {
		if got := versionOf(test.release, made.revision, test.changed); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}

func TestCommandLine(t *testing.T) {
	o, err := parse([]string{"-platform", "linux/arm64, linux/amd64", "-tag", "localhost/x:1"}, io.Discard)
	if err != nil || !slices.Equal(o.platforms, []platform{{"linux", "arm64"}, {"linux", "amd64"}}) || o.tag != "localhost/x:1" {
		t.Errorf("%+v, %v", o, err)
	}
	for _, bad := range []struct {
		args []string
		told string
	}{
		{[]string{"-platform", "linux"}, `-platform "linux": give some of`},
		{[]string{"-platform", "plan9/amd64"}, "give some of"},
		{[]string{"-platform", "linux/amd64,linux/amd64"}, "each once"},
		{[]string{"-tag", "ostraka"}, "give repository:tag"},
		{[]string{"-tag", "Ostraka:1"}, "give repository:tag"},
		{[]string{"extra"}, `"extra" is no flag`},
		{[]string{"-no-such"}, "not defined"},
	} {
		var told strings.Builder
		if _, err := parse(bad.args, &told); err == nil || !strings.Contains(told.String(), bad.told) {
			t.Errorf("%q: %v, and told %q", bad.args, err, told.String())
		}
	}
}

func TestFullNames(t *testing.T) {
	for tag, want := range map[string]string{
		"ostraka:1":             "docker.io/library/ostraka:1",
		"db/ostraka:1":          "docker.io/db/ostraka:1",
		"localhost/ostraka:1":   "localhost/ostraka:1",
		"ghcr.io/db/ostraka:1":  "ghcr.io/db/ostraka:1",
		"registry:5000/ostra:1": "registry:5000/ostra:1",
	} {
		if got := fullName(tag); got != want {
			t.Errorf("%s is %s, want %s", tag, got, want)
		}
	}
}
