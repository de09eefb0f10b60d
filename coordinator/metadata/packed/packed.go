package packed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/ostraka-db/ostraka/coordinator/metadata"
)

// formatVersion is of the layout that the package describes.
const formatVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

type stateText struct {
	Format    int             `json:"format"`
	Checksum  *string         `json:"checksum"`
	Header    json.RawMessage `json:"header"`
	Documents json.RawMessage `json:"documents"`
}

type documentText struct {
	Version int64           `json:"version"`
	Value   json.RawMessage `json:"value"`
}

// State is documents. The zero value has none, and may not be changed.
type State struct {
	// Header is the provider's own, a JSON text; nil for none. Who sets it hands it over.
	Header    json.RawMessage
	documents map[string]metadata.Document
	// keys are those of documents, sorted.
	keys []string
}

// New returns a state without documents.
func New() *State { return &State{documents: map[string]metadata.Document{}} }

// Len returns how many documents there are.
func (s *State) Len() int { return len(s.keys) }

// Get returns a document, if there is one.
func (s *State) Get(key string) (metadata.Document, bool) {
	d, ok := s.documents[key]
	return d, ok
}

// Collect puts the documents whose keys begin with a prefix into a map.
func (s *State) Collect(prefix string, into map[string]metadata.Document) {
	first, _ := slices.BinarySearch(s.keys, prefix)
	for _, key := range s.keys[first:] {
		if !strings.HasPrefix(key, prefix) {
			return
		}
		into[key] = s.documents[key]
	}
}

// Apply makes one change, or says why not: ErrConflict for another version.
func (s *State) Apply(c metadata.Change) error {
	if err := c.Check(); err != nil {
		return err
	}
	before := s.documents[c.Key].Version
	if before != c.Version {
		return fmt.Errorf("store document %s over version %d, and there is %d: %w", c.Key, c.Version, before, metadata.ErrConflict)
	}
	if c.Deletes() {
		s.remove(c.Key)
		return nil
	}
	s.set(c.Key, metadata.Document{Value: bytes.Clone(c.Value), Version: before + 1})
	return nil
}

// Render writes the text that Parse reads.
func (s *State) Render() []byte {
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
	begin := fmt.Sprintf(`{"format":%d,"checksum":"%s",`, formatVersion, checksum(s.Header, documents))
	if s.Header != nil {
		begin += fmt.Sprintf(`"header":%s,`, s.Header)
	}
	return slices.Concat([]byte(begin), []byte(`"documents":`), documents, []byte("}\n"))
}

func checksum(header, documents []byte) string {
	return fmt.Sprintf("%08x", crc32.Update(crc32.Checksum(header, castagnoli), castagnoli, documents))
}

// Parse reads what Render wrote.
func Parse(text []byte) (*State, error) {
	var all stateText
	if err := DecodeOne(text, &all); err != nil {
		return nil, err
	}
	if all.Format != formatVersion {
		return nil, fmt.Errorf("its format is %d, and this release knows %d: use the release that wrote it, or a later one",
			all.Format, formatVersion)
	}
	if sum := checksum(all.Header, all.Documents); all.Checksum != nil && *all.Checksum != sum {
		return nil, fmt.Errorf("its checksum is %s, and its content's %s: it is damaged, or was edited "+
			"(if you did that on purpose, remove the checksum)", *all.Checksum, sum)
	}
	documents := map[string]documentText{}
	if err := DecodeOne(all.Documents, &documents); err != nil {
		return nil, fmt.Errorf("its documents: %w", err)
	}
	s := &State{Header: all.Header, documents: make(map[string]metadata.Document, len(documents))}
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

// DecodeOne reads one JSON value that is the whole of a text, with no field unknown.
func DecodeOne(text []byte, into any) error {
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

// Clone returns a copy that may be changed.
func (s *State) Clone() *State {
	return &State{Header: s.Header, documents: maps.Clone(s.documents), keys: slices.Clone(s.keys)}
}

// set replaces or adds a document.
func (s *State) set(key string, d metadata.Document) {
	if i, known := slices.BinarySearch(s.keys, key); !known {
		s.keys = slices.Insert(s.keys, i, key)
	}
	s.documents[key] = d
}

// remove takes a document away.
func (s *State) remove(key string) {
	if i, known := slices.BinarySearch(s.keys, key); known {
		s.keys = slices.Delete(s.keys, i, i+1)
	}
	delete(s.documents, key)
}
