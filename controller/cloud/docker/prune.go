package docker

import (
	"context"
	"errors"
	"sync"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
)

// pruneEvery is how often terminated machines are looked through at most.
const pruneEvery = time.Minute

// prune removes the deployment's machines that were terminated longer than [Config.Retain] ago.
func (c *Cloud) prune(ctx context.Context) error {
	every := min(pruneEvery, c.config.Retain)
	c.mu.Lock()
	due := time.Since(c.pruned) >= every
	if due {
		c.pruned = time.Now()
	}
	c.mu.Unlock()
	if !due {
		return nil
	}
	ended, err := c.engine.Client.ListContainers(dc.ListContainersOptions{
		All: true, Context: ctx,
		Filters: map[string][]string{"label": {LabelDeployment + "=" + c.config.Deployment}, "status": {"exited", "dead"}},
	})
	if err != nil {
		return failure(ctx, "list", err)
	}
	for _, e := range ended {
		in, err := c.engine.Client.InspectContainerWithContext(e.ID, ctx)
		if isNotFound(err) {
			continue
		}
		if err != nil {
			return failure(ctx, "inspect", err)
		}
		if !in.State.Running && time.Since(in.State.FinishedAt) > c.config.Retain {
			if err := c.remove(ctx, e.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove removes a container, unless it is gone already.
func (c *Cloud) remove(ctx context.Context, id string) error { return c.engine.remove(ctx, id) }

// Remove removes containers with their volumes, also those that run. Those that are gone already are no error.
//
// They are killed one after the other: Engines of old (20.10) lose count where several leave one network at a moment, and then
// never let go of that network.
func (e *Engine) Remove(ctx context.Context, ids ...string) error {
	for _, id := range ids {
		e.Client.KillContainer(dc.KillContainerOptions{ID: id, Context: ctx}) //nolint:errcheck // what runs on is removed by force
	}
	problems := make([]error, len(ids))
	var all sync.WaitGroup
	atOnce := make(chan struct{}, 8)
	for i, id := range ids {
		all.Go(func() {
			atOnce <- struct{}{}
			defer func() { <-atOnce }()
			problems[i] = e.remove(ctx, id)
		})
	}
	all.Wait()
	return errors.Join(problems...)
}

// remove removes a container with its volumes, also where it runs, unless somebody else is removing it.
func (e *Engine) remove(ctx context.Context, id string) error {
	err := e.Client.RemoveContainer(dc.RemoveContainerOptions{ID: id, Force: true, RemoveVolumes: true, Context: ctx})
	if isNotFound(err) || beingRemoved(err) {
		return nil
	}
	return failure(ctx, "remove", err)
}
