package containers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Options say what to run. File and Name must be set.
type Options struct {
	// File is the compose file.
	File string
	// Name is the project's, which no other may have at the time.
	Name string
	// Env is added to the environment of Compose, as NAME=value.
	Env []string
}

// Project is containers that belong together.
type Project struct {
	options Options
	compose []string
	// Containers are there when Up has returned, in the order of their services' names.
	Containers []*Container
}

// Open finds Docker and Compose. The error says what to do where one is missing.
func Open(ctx context.Context, o Options) (*Project, error) {
	if _, err := docker(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		return nil, fmt.Errorf("no Docker Engine answers; install docker.io, and start it (service docker start): %w", err)
	}
	compose, err := composeCommand(ctx)
	if err != nil {
		return nil, err
	}
	return &Project{options: o, compose: compose}, nil
}

// Compose runs a command of Compose on the project, and returns what it printed.
func (p *Project) Compose(ctx context.Context, args ...string) (string, error) {
	words := append(slices.Clone(p.compose), "-f", p.options.File, "-p", p.options.Name)
	return command(ctx, p.options.Env, append(words, args...)...)
}

// Up makes and starts all containers, or starts those that are stopped. It does not wait
// for them to be healthy.
func (p *Project) Up(ctx context.Context) error {
	if _, err := p.Compose(ctx, "up", "-d"); err != nil {
		return fmt.Errorf("%w; if a network or port is taken, another cluster may be up: end it by docker compose down", err)
	}
	ids, err := docker(ctx, "ps", "--all", "--quiet", "--no-trunc", "--filter", "label=com.docker.compose.project="+p.options.Name)
	if err != nil {
		return err
	}
	p.Containers = nil
	for id := range strings.FieldsSeq(ids) {
		c, err := containerOf(ctx, id)
		if err != nil {
			return err
		}
		p.Containers = append(p.Containers, c)
	}
	slices.SortFunc(p.Containers, func(a, b *Container) int { return strings.Compare(a.Service, b.Service) })
	return nil
}

// Stop ends all containers as an operator would, and returns which of them did not end
// in order.
func (p *Project) Stop(ctx context.Context) error {
	for _, c := range p.Containers {
		c.wanted = true
	}
	if _, err := p.Compose(ctx, "stop"); err != nil {
		return err
	}
	var failed []error
	for _, c := range p.Containers {
		state, err := c.State(ctx)
		switch {
		case err != nil:
			failed = append(failed, err)
		case state.Running || state.ExitCode != 0 || state.OOMKilled:
			failed = append(failed, fmt.Errorf("%s was told to end: %+v", c.Service, state))
		}
	}
	return errors.Join(failed...)
}

// Down ends and removes all containers, with their network and their volumes.
func (p *Project) Down(ctx context.Context) error {
	_, err := p.Compose(ctx, "down", "--volumes", "--timeout", "5")
	return err
}

// Find returns the container of a service; nil if there is none.
func (p *Project) Find(service string) *Container {
	for _, c := range p.Containers {
		if c.Service == service {
			return c
		}
	}
	return nil
}

// Failed returns which containers ended by themselves; nil if none did.
func (p *Project) Failed() error {
	var failed []error
	for _, c := range p.Containers {
		failed = append(failed, c.failed(context.Background()))
	}
	return errors.Join(failed...)
}

// healthyEvery is how often AwaitHealthy looks.
const healthyEvery = 200 * time.Millisecond

// AwaitHealthy waits until the health check of every container passes. The error says
// which do not.
func (p *Project) AwaitHealthy(ctx context.Context, within time.Duration) error {
	return await(ctx, within, healthyEvery, func() error {
		var sick []error
		for _, c := range p.Containers {
			state, err := c.State(ctx)
			if err != nil {
				sick = append(sick, err)
			} else if state.Health.Status != "healthy" {
				sick = append(sick, fmt.Errorf("%s is not healthy: %+v", c.Service, state))
			}
		}
		return errors.Join(sick...)
	})
}

// await repeats a look until there is nothing wrong, and returns what was wrong last if
// that takes too long.
func await(ctx context.Context, within, every time.Duration, look func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		wrong := look()
		if wrong == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", within, wrong)
		}
	}
}

// inspect asks Docker about a container.
func inspect(ctx context.Context, id string, into any) error {
	text, err := docker(ctx, "container", "inspect", "--format", "{{json .}}", id)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), into)
}
