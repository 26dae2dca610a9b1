package pgserver

import (
	"context"
	"fmt"
	"time"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// crash kills the container: the server, and whatever else is in it, at once.
func (c *container) crash() error { return c.end("crash", "KILL") }

// shutDown has the server shut down as it does for SIGINT, which does not wait for sessions to end (postgres(1)).
func (c *container) shutDown() error { return c.end("shut down", "INT") }

// end sends the container's server a signal that ends it, and waits for that.
func (c *container) end(what, signal string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(tclog.NewNoopLogger()))
	if err != nil {
		return fmt.Errorf("%s the container of %s: %w", what, c.image, err)
	}
	defer func() { _ = provider.Close() }()
	if _, err := provider.Client().ContainerKill(ctx, c.ctr.GetContainerID(), client.ContainerKillOptions{Signal: signal}); err != nil {
		return fmt.Errorf("%s the container of %s: %w", what, c.image, err)
	}
	for {
		state, err := c.ctr.State(ctx)
		if err != nil {
			return fmt.Errorf("%s the container of %s: %w", what, c.image, err)
		}
		if !state.Running {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// launch starts the container again, on the data that it had.
func (c *container) launch(ctx context.Context) error {
	if err := c.ctr.Start(ctx); err != nil {
		return fmt.Errorf("start the container of %s again: %w", c.image, err)
	}
	return c.await(ctx)
}
