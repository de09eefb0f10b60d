package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// options are the command line.
type options struct {
	output, tag, version string
	platforms            []platform
}

// platform is what programs are built for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// known are the platforms that the image is made for.
var known = []platform{{"linux", "amd64"}, {"linux", "arm64"}}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		os.Exit(2) // parse has said it
	}
	if err := run(ctx, o, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

// tagForm is a repository, perhaps with a registry, and a tag.
var tagForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._:/-]*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	set := flag.NewFlagSet("image", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&o.output, "o", "ostraka.tar", "the file to write")
	platforms := set.String("platform", "linux/amd64,linux/arm64", "what to build for, with commas between")
	set.StringVar(&o.tag, "tag", "ostraka:latest", "the image's name, repository:tag")
	set.StringVar(&o.version, "version", "", "the release that this is; the commit, if empty")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	err := o.check(set.Args(), *platforms)
	if err != nil {
		fmt.Fprintln(stderr, "image:", err)
	}
	return o, err
}

func (o *options) check(rest []string, platforms string) error {
	if len(rest) > 0 {
		return fmt.Errorf("%q is no flag: see -help", rest[0])
	}
	if !tagForm.MatchString(o.tag) {
		return fmt.Errorf("-tag %q: give repository:tag, such as ostraka:latest", o.tag)
	}
	seen := map[platform]bool{}
	for name := range strings.SplitSeq(platforms, ",") {
		system, arch, _ := strings.Cut(strings.TrimSpace(name), "/")
		p := platform{system, arch}
		if !knows(p) || seen[p] {
			return fmt.Errorf("-platform %q: give some of %v, each once, with commas between", platforms, known)
		}
		seen[p] = true
		o.platforms = append(o.platforms, p)
	}
	return nil
}

func knows(p platform) bool {
	for _, k := range known {
		if k == p {
			return true
		}
	}
	return false
}

// run builds the image, and says on a writer what came of it.
func run(ctx context.Context, o options, told io.Writer) error {
	s, err := sourceOf(ctx, o.version)
	if err != nil {
		return err
	}
	var images []image
	for _, p := range o.platforms {
		fmt.Fprintf(told, "%s: building %s for %v\n", o.tag, s.version, p)
		built, err := imageFor(ctx, s, p)
		if err != nil {
			return fmt.Errorf("%v: %w", p, err)
		}
		images = append(images, built)
	}
	a, err := newArchive(s, o.tag, images)
	if err != nil {
		return err
	}
	if err := a.writeFile(o.output); err != nil {
		return fmt.Errorf("write %s: %w", o.output, err)
	}
	for _, i := range images {
		fmt.Fprintf(told, "%v: %.1f MB, %.1f MB unpacked; image %s, manifest %s\n", i.platform,
			megabytes(len(i.layer.data)), megabytes(int(i.unpacked)), i.config.digest(), i.manifest.digest())
	}
	fmt.Fprintf(told, "%s: %s\n", o.output, a.root.Digest)
	return nil
}

func megabytes(bytes int) float64 { return float64(bytes) / 1e6 }

// imageFor builds the programs for a platform, and makes an image of them.
func imageFor(ctx context.Context, s source, p platform) (image, error) {
	dir, err := os.MkdirTemp("", "ostraka-image-")
	if err != nil {
		return image{}, err
	}
	defer os.RemoveAll(dir)
	if err := build(ctx, s, p, dir); err != nil {
		return image{}, err
	}
	files := directories()
	license, err := os.ReadFile(filepath.Join(s.root, "LICENSE"))
	if err != nil {
		return image{}, err
	}
	files = append(files, file{path: "usr/share/doc/ostraka/LICENSE", mode: 0o444, data: license})
	for _, name := range programs {
		program, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return image{}, err
		}
		files = append(files, file{path: "usr/local/bin/" + name, mode: 0o555, data: program})
	}
	return newImage(s, p, files)
}
