package containers

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWithoutDockerTheRemedyIsSaid(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Open(t.Context(), Options{File: os.DevNull, Name: "x"})
	if err == nil || !strings.Contains(err.Error(), "install docker.io, and start it") {
		t.Errorf("without Docker: %v", err)
	}
}

// says puts a docker in the path that answers every command with a text.
func says(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	answer := filepath.Join(dir, "answer")
	if err := os.WriteFile(answer, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte("#!/bin/sh\nexec /bin/cat "+answer+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
}

const running = `{"State":{"Status":"running","Running":true,"Health":{"Status":"healthy"}},"RestartCount":0,
	"Config":{"Labels":{"com.docker.compose.service":"server-1"}},
	"HostConfig":{"PortBindings":{"6648/tcp":[{"HostIp":"127.0.0.1","HostPort":"6658"}]}},
	"NetworkSettings":{"Networks":{"x_cluster":{"IPAddress":"","IPAMConfig":{"IPv4Address":"172.28.66.11"}}}}}`

func TestContainerThatEndedByItselfIsNoticed(t *testing.T) {
	says(t, running)
	c, err := containerOf(t.Context(), "id")
	if err != nil || c.Service != "server-1" || c.Address != "172.28.66.11" || c.Published("6648/tcp") != "127.0.0.1:6658" {
		t.Fatalf("%+v, %v", c, err)
	}
	p := &Project{Containers: []*Container{c}}
	if err := p.Failed(); err != nil {
		t.Errorf("it runs, and yet %v", err)
	}
	says(t, strings.Replace(running, `"RestartCount":0`, `"RestartCount":1`, 1))
	if err := p.Failed(); err == nil {
		t.Error("Docker started it again, and nobody was told")
	}
	says(t, strings.Replace(running, `"Running":true`, `"Running":false,"ExitCode":2`, 1))
	if err := p.Failed(); err == nil || !strings.Contains(err.Error(), "ExitCode:2") {
		t.Errorf("it ended, and what is told is %v", err)
	}
	c.wanted = true
	if err := p.Failed(); err != nil {
		t.Errorf("it was to end, and yet %v", err)
	}
}

// What has no fixed address could not be given it back after a cut.
func TestContainerNeedsAFixedAddress(t *testing.T) {
	says(t, strings.Replace(running, "172.28.66.11", "", 1))
	if c, err := containerOf(t.Context(), "id"); err == nil {
		t.Errorf("accepted: %+v", c)
	}
}
