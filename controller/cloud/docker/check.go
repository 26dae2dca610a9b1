package docker

import (
	"context"
	"errors"
	"fmt"

	dc "github.com/ory/dockertest/v3/docker"
)

// Check reports what keeps the Engine from launching machines of the configuration: that it does not answer, or that image or
// network are not there. A controller finds the same at its first launch, when a workspace has to wait for it. It returns the
// network that machines will be on.
func (c *Cloud) Check(ctx context.Context) (*Network, error) {
	e := c.engine
	if err := e.ping(ctx); err != nil {
		return nil, err
	}
	switch _, err := e.Client.InspectImage(c.config.Image); {
	case errors.Is(err, dc.ErrNoSuchImage):
		return nil, fmt.Errorf("docker: image %s is not on the Engine, and none is pulled: build it (make image builds bootrace:latest), "+
			"or load it (docker load)", c.config.Image)
	case err != nil:
		return nil, failure(ctx, "inspect image "+c.config.Image, err)
	}
	return e.Network(ctx, c.config.Network)
}

// ping reports whether the Engine answers.
func (e *Engine) ping(ctx context.Context) error {
	if err := e.Client.PingWithContext(ctx); err != nil {
		return fmt.Errorf("%w\ninstall and start Docker (apt-get install docker.io), or set DOCKER_HOST", failure(ctx, "ping "+e.Client.Endpoint(), err))
	}
	return nil
}
