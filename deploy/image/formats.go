package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"
)

// timeForm is how documents write a time.
const timeForm = time.RFC3339

// The kinds of documents, as OCI's image specification names them.
const (
	mediaIndex    = "application/vnd.oci.image.index.v1+json"
	mediaManifest = "application/vnd.oci.image.manifest.v1+json"
	mediaConfig   = "application/vnd.oci.image.config.v1+json"
	mediaLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// blob is something that is known by the digest of its bytes.
type blob struct {
	mediaType string
	data      []byte
}

func (b blob) sum() string {
	sum := sha256.Sum256(b.data)
	return hex.EncodeToString(sum[:])
}

func (b blob) digest() string { return "sha256:" + b.sum() }

// path is where an OCI image layout keeps the blob.
func (b blob) path() string { return "blobs/sha256/" + b.sum() }

func (b blob) descriptor() descriptor {
	return descriptor{MediaType: b.mediaType, Digest: b.digest(), Size: len(b.data)}
}

// document makes a blob of a value.
func document(mediaType string, value any) (blob, error) {
	data, err := json.Marshal(value)
	return blob{mediaType: mediaType, data: data}, err
}

// descriptor names a blob in a document.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *platformDocument `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type platformDocument struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
}

// indexDocument lists the images of several platforms, or, as index.json, what a layout
// has.
type indexDocument struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Manifests     []descriptor      `json:"manifests"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// manifestDocument is the image of one platform.
type manifestDocument struct {
	SchemaVersion int               `json:"schemaVersion"`
	MediaType     string            `json:"mediaType"`
	Config        descriptor        `json:"config"`
	Layers        []descriptor      `json:"layers"`
	Annotations   map[string]string `json:"annotations,omitempty"`
}

// configDocument says how the image of a platform is run; Docker calls its digest the
// image's.
type configDocument struct {
	platformDocument
	Created string            `json:"created"`
	Config  runConfig         `json:"config"`
	RootFS  rootFS            `json:"rootfs"`
	History []historyDocument `json:"history"`
}

type runConfig struct {
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	ExposedPorts map[string]struct{}
	Volumes      map[string]struct{}
	WorkingDir   string
	StopSignal   string
	Labels       map[string]string
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type historyDocument struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

// dockerEntry is one image in the manifest.json of a Docker archive.
type dockerEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}
