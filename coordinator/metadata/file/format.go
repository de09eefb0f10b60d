package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// formatVersion is of this layout of the file:
//
//	{"format":1,"checksum":"0123abcd","documents":{
//	"key":{"version":3,"value":...},
//	"other":{"version":1,"value":...}
//	}}
//
// The checksum is the CRC-32 (Castagnoli) of the text of the documents, from the
// first brace to the last. It may be left out, by whoever has to edit the file.
const formatVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type fileText struct {
	Format    int             `json:"format"`
	Checksum  *string         `json:"checksum"`
	Documents json.RawMessage `json:"documents"`
}

type documentText struct {
	Version int64           `json:"version"`
	Value   json.RawMessage `json:"value"`
}

// state is what one writing of the file has.
type state struct {
	stamp     stamp
	documents map[string]metadata.Document
	// keys are those of documents, sorted.
	keys []string
}

// render writes a state's documents as the text of a file.
func (s *state) render() []byte {
	size := 64
	for _, key := range s.keys {
		size += len(key) + len(s.documents[key].Value) + 48
	}
	documents := make([]byte, 0, size)
	documents = append(documents, '{')
	for i, key := range s.keys {
		d := s.documents[key]
		if i > 0 {
			documents = append(documents, ',')
		}
		// A key has no character that would have to be escaped.
		documents = append(documents, "\n\""...)
		documents = append(documents, key...)
		documents = append(documents, `":{"version":`...)
		documents = strconv.AppendInt(documents, d.Version, 10)
		documents = append(documents, `,"value":`...)
		documents = append(documents, d.Value...)
		documents = append(documents, '}')
	}
	documents = append(documents, "\n}"...)
	header := fmt.Sprintf(`{"format":%d,"checksum":"%08x","documents":`, formatVersion, crc32.Checksum(documents, castagnoli))
	return slices.Concat([]byte(header), documents, []byte("}\n"))
}

// parseState reads the text of a file.
func parseState(text []byte) (*state, error) {
	var file fileText
	if err := decodeOne(text, &file); err != nil {
		return nil, err
	}
	if file.Format != formatVersion {
		return nil, fmt.Errorf("its format is %d, and this release knows %d: use the release that wrote it, or a later one",
			file.Format, formatVersion)
	}
	if sum := fmt.Sprintf("%08x", crc32.Checksum(file.Documents, castagnoli)); file.Checksum != nil && *file.Checksum != sum {
		return nil, fmt.Errorf("its checksum is %s, and its content's %s: it is damaged, or was edited "+
			"(if you did that on purpose, remove the checksum)", *file.Checksum, sum)
	}
	documents := map[string]documentText{}
	if err := decodeOne(file.Documents, &documents); err != nil {
		return nil, fmt.Errorf("its documents: %w", err)
	}
	s := &state{documents: make(map[string]metadata.Document, len(documents))}
	for key, d := range documents {
		var value bytes.Buffer
		if err := json.Compact(&value, d.Value); err != nil {
			return nil, fmt.Errorf("its document %q has no value: %w", key, err)
		}
		change := metadata.Change{Key: key, Value: value.Bytes()}
		if err := change.Check(); err != nil {
			return nil, fmt.Errorf("it has what is never stored: %w", err)
		}
		if d.Version < 1 {
			return nil, fmt.Errorf("its document %q has version %d: versions count from 1", key, d.Version)
		}
		s.documents[key] = metadata.Document{Value: value.Bytes(), Version: d.Version}
		s.keys = append(s.keys, key)
	}
	slices.Sort(s.keys)
	return s, nil
}

// decodeOne reads one JSON value that is the whole of a text, with no field unknown.
func decodeOne(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("it is not whole: %w", err)
	}
	if rest := bytes.TrimSpace(text[decoder.InputOffset():]); len(rest) > 0 {
		return errors.New("something follows its end")
	}
	return nil
}

// clone returns a copy whose documents may be set.
func (s *state) clone() *state {
	return &state{stamp: s.stamp, documents: maps.Clone(s.documents), keys: slices.Clone(s.keys)}
}

// set replaces or adds a document.
func (s *state) set(key string, d metadata.Document) {
	if i, known := slices.BinarySearch(s.keys, key); !known {
		s.keys = slices.Insert(s.keys, i, key)
	}
	s.documents[key] = d
}

// remove takes a document away.
func (s *state) remove(key string) {
	if i, known := slices.BinarySearch(s.keys, key); known {
		s.keys = slices.Delete(s.keys, i, i+1)
	}
	delete(s.documents, key)
}
