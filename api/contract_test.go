package api

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// Each contract is a table in testdata, one line per field, enum value and method.
// Those of client.proto, metadata.proto and admin.proto were written down from
// Oxia's and not from our .proto. A change to a .proto that changes anything the
// other side can see fails here.
func TestContracts(t *testing.T) {
	for name, file := range map[string]protoreflect.FileDescriptor{
		"client": File_api_client_proto, "metadata": File_api_metadata_proto, "admin": File_api_admin_proto,
		"service": File_api_service_proto, "transaction": File_api_transaction_proto,
		"coordination": File_api_coordination_proto, "peer": File_api_peer_proto, "cluster": File_api_cluster_proto,
		"raft": File_api_raft_proto,
	} {
		table, err := os.ReadFile("testdata/" + name + ".contract")
		if err != nil {
			t.Fatal(err)
		}
		want := contractLines(string(table))
		got := contractLines(describeFile(file))
		for line := range want {
			if !got[line] {
				t.Errorf("%s: missing: %s", name, line)
			}
		}
		for line := range got {
			if !want[line] {
				t.Errorf("%s: not in the contract: %s", name, line)
			}
		}
	}
}

// contractLines returns the lines of a table, each with its heading in front.
func contractLines(table string) map[string]bool {
	lines := map[string]bool{}
	heading := ""
	for _, line := range strings.Split(table, "\n") {
		text := strings.TrimSpace(line)
		switch {
		case text == "" || strings.HasPrefix(text, "#"):
		case !strings.HasPrefix(line, " "):
			heading = text
			lines[heading] = true
		default:
			lines[heading+": "+strings.Join(strings.Fields(text), " ")] = true
		}
	}
	return lines
}

func describeFile(file protoreflect.FileDescriptor) string {
	var out strings.Builder
	fmt.Fprintf(&out, "package %s\n", file.Package())
	for i := range file.Messages().Len() {
		describeMessage(&out, file.Messages().Get(i))
	}
	describeEnums(&out, "", file.Enums())
	for i := range file.Services().Len() {
		service := file.Services().Get(i)
		fmt.Fprintf(&out, "service %s\n", service.Name())
		for j := range service.Methods().Len() {
			m := service.Methods().Get(j)
			fmt.Fprintf(&out, "  %s %s%s -> %s%s\n", m.Name(), stream(m.IsStreamingClient()), m.Input().Name(),
				stream(m.IsStreamingServer()), m.Output().Name())
		}
	}
	return out.String()
}

func describeMessage(out *strings.Builder, message protoreflect.MessageDescriptor) {
	fmt.Fprintf(out, "message %s\n", message.Name())
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		fmt.Fprintf(out, "  %d %s %s%s\n", field.Number(), field.Name(), cardinality(field), typeOf(field))
	}
	describeEnums(out, string(message.Name())+".", message.Enums())
}

func describeEnums(out *strings.Builder, within string, enums protoreflect.EnumDescriptors) {
	for i := range enums.Len() {
		enum := enums.Get(i)
		fmt.Fprintf(out, "enum %s%s\n", within, enum.Name())
		for j := range enum.Values().Len() {
			value := enum.Values().Get(j)
			fmt.Fprintf(out, "  %d %s\n", value.Number(), value.Name())
		}
	}
}

func stream(is bool) string {
	if is {
		return "stream "
	}
	return ""
}

func cardinality(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsMap():
		return ""
	case field.IsList():
		return "repeated "
	case field.HasOptionalKeyword():
		return "optional "
	case field.ContainingOneof() != nil:
		return "oneof " + string(field.ContainingOneof().Name()) + " "
	}
	return ""
}

func typeOf(field protoreflect.FieldDescriptor) string {
	switch {
	case field.IsMap():
		return fmt.Sprintf("map<%s,%s>", typeOf(field.MapKey()), typeOf(field.MapValue()))
	case field.Message() != nil:
		return string(field.Message().Name())
	case field.Enum() != nil:
		return string(field.Enum().Name())
	}
	return field.Kind().String()
}
