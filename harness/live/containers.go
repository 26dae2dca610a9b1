package live

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/bootrace/bootrace/controller/cloud/docker"
)

// Package is what the image of a run's containers is built of, where this program is not static.
const Package = "github.com/bootrace/bootrace/cmd/bootrace"

// containerLifetime is how old a container of a run may become, for those who cannot tell whether its owner lives.
const containerLifetime = 6 * time.Hour

// Containers is a Docker Engine that runs have their machines on, each on networks of its own, and the image that they boot:
// this program's.
type Containers struct {
	engine  *docker.Engine
	version string
	program string // a static program
	hash    string
	reaped  docker.Reaped
	done    func()
}

// OpenContainers finds the Engine, removes what runs left there that are gone, and builds the image. Close when done.
func OpenContainers(ctx context.Context, progress func(step string)) (*Containers, error) {
	engine, err := docker.Connect(ctx, "")
	if err != nil {
		return nil, err
	}
	c := &Containers{engine: engine, done: func() {}}
	if err := c.prepare(ctx, progress); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Containers) prepare(ctx context.Context, progress func(string)) error {
	v, err := c.engine.Client.Version()
	if err != nil {
		return fmt.Errorf("live: asking Docker for its version: %w", err)
	}
	c.version = v.Get("Version")
	if c.program, c.done, err = docker.Program(ctx, Package, progress); err != nil {
		c.done = func() {}
		return err
	}
	if c.hash, err = docker.Hash(c.program); err != nil {
		return err
	}
	// What cannot be removed is no reason not to run: it is another's, and told below.
	if c.reaped, err = c.engine.Reap(ctx, docker.FreshImage, c.hash); err != nil {
		progress(fmt.Sprintf("what an earlier run left cannot be removed: %v", err))
	}
	if !c.reaped.Empty() {
		progress("removed what runs left that are gone: " + c.reaped.String())
	}
	if len(c.reaped.Stuck) > 0 {
		progress(fmt.Sprintf("networks are left that Docker takes for used until it is restarted: %s", strings.Join(c.reaped.Stuck, ", ")))
	}
	_, err = c.engine.Image(ctx, c.program)
	return err
}

// Describe names the Engine for a person.
func (c *Containers) Describe() string { return "Docker " + c.version }

// Close gives back what was opened. The image stays, for the next run.
func (c *Containers) Close() {
	c.done()
	c.engine.Close()
}
