package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ostraka-db/ostraka/api"
)

// MaxBytes bounds a configuration file.
const MaxBytes = 4 << 20

// Parse reads a configuration and validates it. File names it in errors. An empty
// one is valid: a cluster of nothing, yet.
func Parse(file string, text []byte) (*api.ClusterConfiguration, error) {
	f := &found{lines: map[string]int{"": 1}}
	c := &api.ClusterConfiguration{}
	if root := f.readYAML(text); root != nil {
		p := parser{found: f}
		p.message(root, c.ProtoReflect(), "")
	}
	if len(f.list) == 0 {
		f.validate(c)
	}
	if err := f.err(file); err != nil {
		return nil, err
	}
	return c, nil
}

// readYAML returns the file's one document, nil if there is none or it is no
// YAML.
func (f *found) readYAML(text []byte) *yaml.Node {
	if len(text) > MaxBytes {
		f.add("", "has %d bytes: at most %d are read; is this the right file?", len(text), MaxBytes)
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		f.list = append(f.list, Problem{Line: lineIn(err), Message: "is not YAML: " + err.Error()})
		return nil
	}
	var more yaml.Node
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		f.add("", "has more than one document: remove what follows the first \"---\"")
		return nil
	}
	root := document.Content[0]
	if root.Kind == yaml.ScalarNode && root.Tag == "!!null" {
		return nil
	}
	return root
}

// lineIn finds the line that a syntax error of the YAML library names in its text.
func lineIn(err error) int {
	_, after, found := strings.Cut(err.Error(), "line ")
	if !found {
		return 0
	}
	digits, _, _ := strings.Cut(after, ":")
	line, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return line
}

// parser fills messages from YAML, by the messages' own description.
type parser struct{ *found }

// message fills a message from a mapping.
func (p parser) message(node *yaml.Node, m protoreflect.Message, path string) {
	p.pairs(node, path, "keys with values", func(name string, value *yaml.Node, at string) {
		field := m.Descriptor().Fields().ByJSONName(name)
		if field == nil {
			p.lines[at] = value.Line
			p.add(at, "unknown key; %s", suggestion(name, m.Descriptor().Fields()))
			return
		}
		if value.Kind == yaml.ScalarNode && value.Tag == "!!null" {
			return
		}
		switch {
		case field.IsMap():
			p.mapping(value, m.Mutable(field).Map(), field.MapValue(), at)
		case field.IsList():
			p.list(value, m.Mutable(field).List(), field, at)
		case field.Message() != nil:
			p.message(value, m.Mutable(field).Message(), at)
		default:
			if v, ok := p.scalar(value, field, at); ok {
				m.Set(field, v)
			}
		}
	})
}

// pairs calls a function for each key of a mapping, with its place.
func (p parser) pairs(node *yaml.Node, path, wanted string, each func(string, *yaml.Node, string)) {
	if node.Kind != yaml.MappingNode {
		p.add(path, "is %s: must be %s", kindOf(node), wanted)
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		at := strings.TrimPrefix(path+"."+key.Value, ".")
		if line, twice := seen[key.Value]; twice {
			p.addAt(Problem{Line: key.Line, Field: at, Message: fmt.Sprintf("is set twice, first in line %d: remove one", line)})
			continue
		}
		seen[key.Value] = key.Line
		p.lines[at] = key.Line
		if key.Kind != yaml.ScalarNode || key.Tag == "!!merge" || value.Kind == yaml.AliasNode {
			p.add(at, "anchors and aliases are not supported: write the value out")
			continue
		}
		each(key.Value, value, at)
	}
}

// addAt takes a problem whose line is known.
func (p parser) addAt(one Problem) { p.found.list = append(p.found.list, one) }

func (p parser) mapping(node *yaml.Node, m protoreflect.Map, value protoreflect.FieldDescriptor, path string) {
	p.pairs(node, path, "keys with values", func(name string, node *yaml.Node, at string) {
		key := protoreflect.ValueOfString(name).MapKey()
		if value.Message() != nil {
			element := m.NewValue()
			if node.Kind != yaml.ScalarNode || node.Tag != "!!null" {
				p.message(node, element.Message(), at)
			}
			m.Set(key, element)
			return
		}
		if v, ok := p.scalar(node, value, at); ok {
			m.Set(key, v)
		}
	})
}

func (p parser) list(node *yaml.Node, l protoreflect.List, field protoreflect.FieldDescriptor, path string) {
	if node.Kind != yaml.SequenceNode {
		p.add(path, "is %s: must be a list, each element on a line that begins with \"- \"", kindOf(node))
		return
	}
	for i, element := range node.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		p.lines[at] = element.Line
		if element.Kind == yaml.AliasNode {
			p.add(at, "anchors and aliases are not supported: write the value out")
			continue
		}
		if field.Message() != nil {
			v := l.NewElement()
			p.message(element, v.Message(), at)
			l.Append(v)
		} else if v, ok := p.scalar(element, field, at); ok {
			l.Append(v)
		}
	}
}

// scalar reads one value. Text may be written without quotes, whatever it looks
// like; a number or a truth may not be written as text.
func (p parser) scalar(node *yaml.Node, field protoreflect.FieldDescriptor, path string) (protoreflect.Value, bool) {
	if node.Kind != yaml.ScalarNode {
		p.add(path, "is %s: must be a single value", kindOf(node))
		return protoreflect.Value{}, false
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(node.Value), true
	case protoreflect.BoolKind:
		if node.Tag == "!!bool" {
			return protoreflect.ValueOfBool(strings.EqualFold(node.Value, "true")), true
		}
		p.add(path, "is %q: must be true or false", node.Value)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind:
		bits := 64
		if field.Kind() == protoreflect.Uint32Kind {
			bits = 32
		}
		if n, err := strconv.ParseUint(node.Value, 10, bits); err == nil && node.Tag == "!!int" {
			if bits == 32 {
				return protoreflect.ValueOfUint32(uint32(n)), true
			}
			return protoreflect.ValueOfUint64(n), true
		}
		p.add(path, "is %q: must be a whole number from 0 to %d", node.Value, uint64(math.MaxUint64)>>(64-bits))
	default:
		panic(fmt.Sprintf("config: %s has a type that the configuration file cannot have", field.FullName()))
	}
	return protoreflect.Value{}, false
}

func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return fmt.Sprintf("%q", node.Value)
	}
}

// suggestion names the key that was perhaps meant, or all that there are.
func suggestion(name string, fields protoreflect.FieldDescriptors) string {
	var known []string
	for i := range fields.Len() {
		one := fields.Get(i).JSONName()
		if strings.EqualFold(one, strings.NewReplacer("_", "", "-", "").Replace(name)) {
			return fmt.Sprintf("write %s", one)
		}
		known = append(known, one)
	}
	slices.Sort(known)
	return "known here are " + strings.Join(known, ", ")
}
