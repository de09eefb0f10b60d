package wire

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ostraka-db/ostraka/api"
	"github.com/ostraka-db/ostraka/replication"
	"github.com/ostraka-db/ostraka/replication/replicationtest/conformance"
)

var (
	words = regexp.MustCompile(`([a-z])([A-Z])`)
	// shortened are the names of the .proto for what stands in line there.
	shortened = strings.NewReplacer(
		"term.term", "term", "term.election", "election", "id.term", "term", "member.server", "server",
		"member.replica", "replica", "outcome.kind", "outcome", "outcome.", "", ".", "_",
	)
)

// goFields returns the fields of a struct of the core that are not zero, by the names
// that the .proto should have for them.
func goFields(found map[string]string, list, path string, v reflect.Value) {
	for i := range v.NumField() {
		f, field := v.Field(i), v.Type().Field(i)
		name := strings.ToLower(words.ReplaceAllString(field.Name, "${1}_$2"))
		if field.Name != "ID" && path != "" {
			name = path + "." + name
		}
		if field.Name == "ID" {
			name = "id"
		}
		switch {
		case f.IsZero():
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct:
			for j := range f.Len() {
				goFields(found, fmt.Sprintf("%s%s%d.", list, shortened.Replace(name), j), "", f.Index(j))
			}
		case f.Type() == reflect.TypeFor[replication.Document](), f.Type() == reflect.TypeFor[replication.MemberHead]():
			goFields(found, list+shortened.Replace(name)+".", "", f)
		case f.Kind() == reflect.Struct:
			goFields(found, list, name, f)
		case v.Type() == reflect.TypeFor[replication.EntryID]() && path == "id" && field.Name == "Offset":
			// follows from the entries before
		default:
			found[list+shortened.Replace(name)] = valueOf(f)
		}
	}
}

func valueOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Slice:
		return fmt.Sprintf("%x", v.Bytes())
	case reflect.Uint8, reflect.Uint64:
		return fmt.Sprint(v.Uint())
	case reflect.Int, reflect.Int64:
		return fmt.Sprint(v.Int())
	}
	return fmt.Sprint(v.Interface())
}

// protoFields returns the same of a generated message.
func protoFields(found map[string]string, list string, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsList():
			for j := range v.List().Len() {
				protoFields(found, fmt.Sprintf("%s%s%d.", list, f.Name(), j), v.List().Get(j).Message())
			}
		case f.Message() != nil:
			protoFields(found, fmt.Sprintf("%s%s.", list, f.Name()), v.Message())
		case f.Kind() == protoreflect.BytesKind:
			found[list+string(f.Name())] = fmt.Sprintf("%x", v.Bytes())
		default:
			found[list+string(f.Name())] = fmt.Sprint(v.Interface())
		}
		return true
	})
}

// What a field of the .proto is called is what is in it.
func TestFieldsAreWhereTheirNamesSay(t *testing.T) {
	for _, zero := range conformance.Messages() {
		for seed := range 5 {
			e := conformance.Envelope("s1", "s2", 7, zero).Example(seed)
			var frame api.PeerFrame
			if err := proto.Unmarshal(write(t, e), &frame); err != nil {
				t.Fatal(err)
			}
			envelope := frame.GetEnvelopes()[0].ProtoReflect()
			which := envelope.WhichOneof(envelope.Descriptor().Oneofs().ByName("message"))
			if got, want := strings.ReplaceAll(string(which.Name()), "_", ""), strings.ToLower(reflect.TypeOf(zero).Name()); got != want {
				t.Errorf("%s travels as %s", want, got)
			}
			want, got := map[string]string{}, map[string]string{}
			goFields(want, "", "", reflect.ValueOf(e.Message))
			protoFields(got, "", envelope.Get(which).Message())
			if !maps.Equal(got, want) {
				t.Errorf("%T: the core has\n%v\nand the wire\n%v", zero, want, got)
			}
		}
	}
}
