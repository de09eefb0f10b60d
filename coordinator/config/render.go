package config

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ostraka-db/ostraka/api"
)

// Render writes a configuration as the text of its file. Parse reads the same
// from it.
func Render(c *api.ClusterConfiguration) ([]byte, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(renderMessage(c.ProtoReflect())); err != nil {
		return nil, fmt.Errorf("render the cluster configuration: %w", err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("render the cluster configuration: %w", err)
	}
	return out.Bytes(), nil
}

// renderMessage writes the fields that are set, in the order of their numbers.
func renderMessage(m protoreflect.Message) *yaml.Node {
	node := &yaml.Node{Kind: yaml.MappingNode}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) {
			continue
		}
		node.Content = append(node.Content, text(field.JSONName()), renderField(m.Get(field), field))
	}
	return node
}

func renderField(v protoreflect.Value, field protoreflect.FieldDescriptor) *yaml.Node {
	switch {
	case field.IsMap():
		node := &yaml.Node{Kind: yaml.MappingNode}
		var keys []string
		v.Map().Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
			keys = append(keys, key.String())
			return true
		})
		slices.Sort(keys)
		for _, key := range keys {
			value := v.Map().Get(protoreflect.ValueOfString(key).MapKey())
			node.Content = append(node.Content, text(key), renderValue(value, field.MapValue()))
		}
		return node
	case field.IsList():
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.List().Len() {
			node.Content = append(node.Content, renderValue(v.List().Get(i), field))
		}
		return node
	}
	return renderValue(v, field)
}

func renderValue(v protoreflect.Value, field protoreflect.FieldDescriptor) *yaml.Node {
	switch {
	case field.Message() != nil:
		return renderMessage(v.Message())
	case field.Kind() == protoreflect.StringKind:
		return text(v.String())
	case field.Kind() == protoreflect.BoolKind:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: strconv.FormatBool(v.Bool())}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatUint(v.Uint(), 10)}
}

func text(s string) *yaml.Node {
	var node yaml.Node
	node.SetString(s)
	if node.Style == yaml.LiteralStyle {
		// A block that begins with white space cannot be read back.
		node.Style = yaml.DoubleQuotedStyle
	}
	return &node
}
