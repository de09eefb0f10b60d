package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"time"
)

// file is one of a layer. A path that ends in a slash is a directory's.
type file struct {
	path  string
	mode  int64
	owner int
	data  []byte
}

// layer is files as images have them: a tar, compressed.
type layer struct {
	blob
	// diffID is the digest of the tar before it was compressed.
	diffID string
}

// newLayer makes a layer of files in the order given. All are of one time, and what
// differs between machines is left out.
func newLayer(files []file, when time.Time) (layer, error) {
	var packed bytes.Buffer
	compress, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return layer{}, err
	}
	sum := sha256.New()
	if err := writeTar(io.MultiWriter(compress, sum), files, when); err != nil {
		return layer{}, err
	}
	if err := compress.Close(); err != nil {
		return layer{}, err
	}
	return layer{
		blob:   blob{mediaType: mediaLayer, data: packed.Bytes()},
		diffID: "sha256:" + hex.EncodeToString(sum.Sum(nil)),
	}, nil
}

func writeTar(w io.Writer, files []file, when time.Time) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		kind := byte(tar.TypeReg)
		if f.path[len(f.path)-1] == '/' {
			kind = tar.TypeDir
		}
		header := &tar.Header{
			Typeflag: kind, Name: f.path, Mode: f.mode, Uid: f.owner, Gid: f.owner, Size: int64(len(f.data)),
			ModTime: when, Format: tar.FormatUSTAR,
		}
		if err := t.WriteHeader(header); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
		if _, err := t.Write(f.data); err != nil {
			return fmt.Errorf("%s: %w", f.path, err)
		}
	}
	return t.Close()
}
