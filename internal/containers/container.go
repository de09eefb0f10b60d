package containers

import (
	"context"
	"fmt"
	"net"
)

// Container is that of one service.
type Container struct {
	// Service is its name in the compose file.
	Service string
	// Address is its own on the project's network, without a port.
	Address string
	id      string
	network string
	// published are the host's ports, by the container's, such as 6648/tcp.
	published map[string]string
	// wanted says that it was told to end, so that it may.
	wanted bool
}

// State is how Docker says that a container is.
type State struct {
	Status    string
	Running   bool
	OOMKilled bool
	ExitCode  int
	Health    struct{ Status string }
}

// document is what Docker says of a container, as far as it matters here.
type document struct {
	State        State
	RestartCount int
	Config       struct{ Labels map[string]string }
	HostConfig   struct {
		PortBindings map[string][]struct{ HostIP, HostPort string }
	}
	NetworkSettings struct {
		Networks map[string]struct {
			IPAddress  string
			IPAMConfig struct{ IPv4Address string }
		}
	}
}

func containerOf(ctx context.Context, id string) (*Container, error) {
	var d document
	if err := inspect(ctx, id, &d); err != nil {
		return nil, err
	}
	c := &Container{Service: d.Config.Labels["com.docker.compose.service"], id: id, published: map[string]string{}}
	for name, n := range d.NetworkSettings.Networks {
		c.network, c.Address = name, n.IPAMConfig.IPv4Address
	}
	if len(d.NetworkSettings.Networks) != 1 || c.Address == "" {
		return nil, fmt.Errorf("%s has no fixed address on one network, and could not be cut off it: %+v", c.Service, d.NetworkSettings)
	}
	for port, bound := range d.HostConfig.PortBindings {
		for _, b := range bound {
			c.published[port] = net.JoinHostPort(b.HostIP, b.HostPort)
		}
	}
	return c, nil
}

// Published is where the host has a port of the container, such as 6648/tcp; empty if
// nowhere.
func (c *Container) Published(port string) string { return c.published[port] }

// State asks Docker how the container is.
func (c *Container) State(ctx context.Context) (State, error) {
	var d document
	err := inspect(ctx, c.id, &d)
	return d.State, err
}

// failed returns with what the container ended although nobody told it to; nil if it did
// not.
func (c *Container) failed(ctx context.Context) error {
	var d document
	if err := inspect(ctx, c.id, &d); err != nil {
		return err
	}
	if d.RestartCount > 0 || !d.State.Running && !c.wanted {
		return fmt.Errorf("%s ended by itself, and was started again %d times: %+v", c.Service, d.RestartCount, d.State)
	}
	return nil
}

// Kill ends the container's process as kill -9 does. Docker leaves it so.
func (c *Container) Kill(ctx context.Context) error {
	c.wanted = true
	_, err := docker(ctx, "kill", c.id)
	return err
}

// Stop ends the container in order, within its grace period.
func (c *Container) Stop(ctx context.Context) error {
	c.wanted = true
	if _, err := docker(ctx, "stop", c.id); err != nil {
		return err
	}
	state, err := c.State(ctx)
	if err == nil && state.ExitCode != 0 {
		err = fmt.Errorf("%s was told to end: %+v", c.Service, state)
	}
	return err
}

// Start starts the container again.
func (c *Container) Start(ctx context.Context) error {
	_, err := docker(ctx, "start", c.id)
	if err == nil {
		c.wanted = false
	}
	return err
}

// Pause stops all of the container's processes where they are, and Resume lets them go
// on.
func (c *Container) Pause(ctx context.Context) error {
	_, err := docker(ctx, "pause", c.id)
	return err
}

// Resume undoes Pause.
func (c *Container) Resume(ctx context.Context) error {
	_, err := docker(ctx, "unpause", c.id)
	return err
}

// Cut takes the container off its network, and its published ports off the host.
func (c *Container) Cut(ctx context.Context) error {
	_, err := docker(ctx, "network", "disconnect", c.network, c.id)
	return err
}

// Heal undoes Cut.
func (c *Container) Heal(ctx context.Context) error {
	_, err := docker(ctx, "network", "connect", "--ip", c.Address, "--alias", c.Service, c.network, c.id)
	return err
}
