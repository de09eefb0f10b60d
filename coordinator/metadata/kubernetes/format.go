package kubernetes

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"maps"

	corev1 "k8s.io/api/core/v1"

	"github.com/ostraka-db/ostraka/coordinator/metadata/packed"
)

// The limits of an object.
const (
	// MaxObjectBytes bounds what one ConfigMap has in its data. The API server takes
	// 1 MiB, and etcd requests of 1.5 MiB.
	MaxObjectBytes = 960 << 10
	// plainBytes is up to which size a text is stored as it is.
	plainBytes = 32 << 10
	// maxTextBytes bounds what a compressed text may be in full.
	maxTextBytes = 64 << 20
)

// The numbers of objects.
const (
	// DefaultObjects keeps writes small at 10,000 shards and a mass election at few
	// requests.
	DefaultObjects = 8
	// MaxObjects bounds the names that a Role has to list.
	MaxObjects = 64
)

// The keys of an object's data.
const (
	plainKey      = "status.json"
	compressedKey = "status.json.gz"
)

// Names returns the names of the ConfigMaps of a status.
func Names(status string, objects int) []string {
	names := []string{status}
	for i := 1; i < objects; i++ {
		names = append(names, fmt.Sprintf("%s-%d", status, i))
	}
	return names
}

// Place returns which of a number of objects has a document. It never changes.
func Place(key string, objects int) int {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // it never fails
	sum := h.Sum64()
	// The lower bits alone follow the last characters of a key.
	return int((sum ^ sum>>32) % uint64(objects))
}

// header is what an object tells of itself.
type header struct {
	Status  string `json:"status"`
	Object  int    `json:"object"`
	Objects int    `json:"objects"`
	// Writes counts the object's writes, and Writer is random for each of them.
	Writes uint64 `json:"writes"`
	Writer string `json:"writer"`
}

// content is what an object has.
type content struct {
	header header
	state  *packed.State
}

// errBlank says that an object has no text at all.
var errBlank = errors.New("it has neither " + plainKey + " nor " + compressedKey)

// decode reads an object's content.
func decode(c *corev1.ConfigMap) (*content, error) {
	text, plain := []byte(c.Data[plainKey]), c.Data[plainKey] != ""
	packedText, compressed := c.BinaryData[compressedKey]
	switch {
	case plain && compressed:
		return nil, errors.New("it has both " + plainKey + " and " + compressedKey)
	case compressed:
		var err error
		if text, err = decompress(packedText); err != nil {
			return nil, err
		}
	case !plain:
		return nil, errBlank
	}
	state, err := packed.Parse(text)
	if err != nil {
		return nil, err
	}
	found := &content{state: state}
	if err := packed.DecodeOne(state.Header, &found.header); err != nil {
		return nil, fmt.Errorf("its header: %w", err)
	}
	return found, nil
}

func decompress(text []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("it is not compressed as it should be: %w", err)
	}
	plain, err := io.ReadAll(io.LimitReader(reader, maxTextBytes+1))
	if err != nil {
		return nil, fmt.Errorf("it cannot be decompressed: %w", err)
	}
	if len(plain) > maxTextBytes {
		return nil, fmt.Errorf("it has more than %d bytes when decompressed", maxTextBytes)
	}
	return plain, nil
}

// errTooLarge says that an object would become too large.
var errTooLarge = errors.New("the object would become too large")

// encode puts a content into an object, and leaves whatever else it has.
func (c *content) encode(into *corev1.ConfigMap) error {
	head, err := json.Marshal(c.header)
	if err != nil {
		return fmt.Errorf("encode the header: %w", err)
	}
	c.state.Header = head
	text := c.state.Render()
	if len(text) > maxTextBytes {
		return fmt.Errorf("%w: %d bytes of at most %d", errTooLarge, len(text), maxTextBytes)
	}
	into.Data, into.BinaryData = maps.Clone(into.Data), maps.Clone(into.BinaryData)
	delete(into.Data, plainKey)
	delete(into.BinaryData, compressedKey)
	if len(text) < plainBytes {
		if into.Data == nil {
			into.Data = map[string]string{}
		}
		into.Data[plainKey] = string(text)
	} else {
		if into.BinaryData == nil {
			into.BinaryData = map[string][]byte{}
		}
		if into.BinaryData[compressedKey], err = compress(text); err != nil {
			return err
		}
	}
	if size := dataBytes(into); size > MaxObjectBytes {
		return fmt.Errorf("%w: %d bytes of at most %d", errTooLarge, size, MaxObjectBytes)
	}
	return nil
}

func compress(text []byte) ([]byte, error) {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err == nil {
		_, err = writer.Write(text)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("compress: %w", err)
	}
	return out.Bytes(), nil
}

// dataBytes is what the API server counts.
func dataBytes(c *corev1.ConfigMap) int {
	size := 0
	for key, value := range c.Data {
		size += len(key) + len(value)
	}
	for key, value := range c.BinaryData {
		size += len(key) + len(value)
	}
	return size
}
