package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// image is that of one platform.
type image struct {
	platform         platform
	layer            layer
	config, manifest blob
	// unpacked is how many bytes its files have.
	unpacked int64
}

// newImage makes an image of files.
func newImage(s source, p platform, files []file) (image, error) {
	i := image{platform: p}
	for _, f := range files {
		i.unpacked += int64(len(f.data))
	}
	var err error
	if i.layer, err = newLayer(files, s.time); err != nil {
		return image{}, err
	}
	created := s.time.Format(timeForm)
	i.config, err = document(mediaConfig, configDocument{
		platformDocument: platformDocument{Architecture: p.arch, OS: p.os},
		Created:          created,
		Config:           runs(s),
		RootFS:           rootFS{Type: "layers", DiffIDs: []string{i.layer.diffID}},
		History:          []historyDocument{{Created: created, CreatedBy: "scripts/image"}},
	})
	if err != nil {
		return image{}, err
	}
	i.manifest, err = document(mediaManifest, manifestDocument{
		SchemaVersion: 2, MediaType: mediaManifest, Annotations: labels(s),
		Config: i.config.descriptor(), Layers: []descriptor{i.layer.descriptor()},
	})
	return i, err
}

// archive is images in one file.
type archive struct {
	time  time.Time
	root  descriptor
	files []file
}

// newArchive packs images under a tag.
func newArchive(s source, tag string, images []image) (archive, error) {
	a := archive{time: s.time}
	for _, i := range images {
		for _, b := range []blob{i.config, i.layer.blob, i.manifest} {
			a.add(b.path(), b.data)
		}
	}
	root, err := rootOf(s, images)
	if err != nil {
		return archive{}, err
	}
	a.root = root.descriptor()
	if len(images) > 1 {
		a.add(root.path(), root.data)
	} else {
		docker := []dockerEntry{{Config: images[0].config.path(), RepoTags: []string{tag}, Layers: []string{images[0].layer.path()}}}
		if err := a.addDocument("manifest.json", docker); err != nil {
			return archive{}, err
		}
	}
	// OCI names the tag alone; containerd wants the whole name, as Docker spells it out.
	named := a.root
	named.Annotations = map[string]string{
		"org.opencontainers.image.ref.name": tag[strings.LastIndexByte(tag, ':')+1:], "io.containerd.image.name": fullName(tag),
	}
	if err := a.addDocument("index.json", indexDocument{SchemaVersion: 2, MediaType: mediaIndex, Manifests: []descriptor{named}}); err != nil {
		return archive{}, err
	}
	return a, a.addDocument("oci-layout", map[string]string{"imageLayoutVersion": "1.0.0"})
}

// rootOf is what a tag stands for: the manifest of the only platform, or the index of
// all.
func rootOf(s source, images []image) (blob, error) {
	if len(images) == 1 {
		return images[0].manifest, nil
	}
	index := indexDocument{SchemaVersion: 2, MediaType: mediaIndex, Annotations: labels(s)}
	for _, i := range images {
		d := i.manifest.descriptor()
		d.Platform = &platformDocument{Architecture: i.platform.arch, OS: i.platform.os}
		index.Manifests = append(index.Manifests, d)
	}
	return document(mediaIndex, index)
}

// fullName adds what Docker leaves out of an image's name: the registry, which has a
// dot or a port, and its common part.
func fullName(tag string) string {
	first, _, several := strings.Cut(tag, "/")
	switch {
	case !several:
		return "docker.io/library/" + tag
	case strings.ContainsAny(first, ".:") || first == "localhost":
		return tag
	default:
		return "docker.io/" + tag
	}
}

func (a *archive) add(path string, data []byte) {
	a.files = append(a.files, file{path: path, mode: 0o644, data: data})
}

func (a *archive) addDocument(path string, value any) error {
	data, err := json.Marshal(value)
	a.add(path, data)
	return err
}

func (a *archive) write(w io.Writer) error {
	// Readers want the directories of an OCI layout before what is in them.
	files := append([]file{{path: "blobs/", mode: 0o755}, {path: "blobs/sha256/", mode: 0o755}}, a.files...)
	return writeTar(w, files, a.time)
}

// writeFile writes the archive beside where it is to be, and renames it.
func (a *archive) writeFile(path string) error {
	temporary, err := os.CreateTemp(filepath.Dir(path), ".image-*.tar")
	if err != nil {
		return err
	}
	err = errors.Join(a.write(temporary), temporary.Chmod(0o644), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temporary.Name()))
	}
	return nil
}
