package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

func main() {
	root := flag.String("root", ".", "directory that the .proto paths, and their imports, are relative to")
	out := flag.String("out", ".", "directory under which the generated files are written")
	plugin := flag.String("plugin", "", "path of the protoc plug-in to run")
	parameter := flag.String("parameter", "paths=source_relative", "parameter handed to the plug-in")
	flag.Parse()
	if err := run(*root, *out, *plugin, *parameter, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(root, out, plugin, parameter string, files []string) error {
	if plugin == "" || len(files) == 0 {
		return fmt.Errorf("want -plugin and at least one .proto file")
	}
	request, err := compile(root, parameter, files)
	if err != nil {
		return fmt.Errorf("compile: %w", err)
	}
	response, err := runPlugin(plugin, request)
	if err != nil {
		return fmt.Errorf("run %s: %w", plugin, err)
	}
	for _, f := range response.GetFile() {
		path := filepath.Join(out, filepath.FromSlash(f.GetName()))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// compile builds the message that protoc would send to a plug-in.
func compile(root, parameter string, files []string) (*pluginpb.CodeGeneratorRequest, error) {
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		// Comments of the .proto become comments of the Go.
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	linked, err := compiler.Compile(context.Background(), files...)
	if err != nil {
		return nil, err
	}
	request := &pluginpb.CodeGeneratorRequest{FileToGenerate: files, Parameter: proto.String(parameter)}
	seen := map[string]bool{}
	for _, f := range linked {
		request.ProtoFile = appendWithImports(request.ProtoFile, f, seen)
	}
	return request, nil
}

// appendWithImports appends f after everything it imports: plug-ins rely on that order.
func appendWithImports(dst []*descriptorpb.FileDescriptorProto, f protoreflect.FileDescriptor, seen map[string]bool) []*descriptorpb.FileDescriptorProto {
	if seen[f.Path()] {
		return dst
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		dst = appendWithImports(dst, f.Imports().Get(i).FileDescriptor, seen)
	}
	return append(dst, protoutil.ProtoFromFileDescriptor(f))
}

func runPlugin(plugin string, request *pluginpb.CodeGeneratorRequest) (*pluginpb.CodeGeneratorResponse, error) {
	in, err := proto.Marshal(request)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(plugin)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	outBytes, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	response := &pluginpb.CodeGeneratorResponse{}
	if err := proto.Unmarshal(outBytes, response); err != nil {
		return nil, err
	}
	if response.GetError() != "" {
		return nil, fmt.Errorf("%s", response.GetError())
	}
	return response, nil
}
