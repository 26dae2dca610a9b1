package docker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
)

// Reaped is what was removed.
type Reaped struct {
	Containers, Networks, Images []string // by name
	// Stuck are networks that should have been removed, and could not: see [ErrStuck].
	Stuck []string
}

// Empty reports whether that is nothing.
func (r Reaped) Empty() bool { return len(r.Containers)+len(r.Networks)+len(r.Images) == 0 }

// String names it.
func (r Reaped) String() string {
	var parts []string
	for _, p := range []struct {
		noun  string
		names []string
	}{{"containers", r.Containers}, {"networks", r.Networks}, {"images", r.Images}} {
		if len(p.names) > 0 {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", len(p.names), p.noun, strings.Join(p.names, ", ")))
		}
	}
	return strings.Join(parts, ", ")
}

// Reap removes what owners left that are gone: containers with their volumes, networks, and images that [Engine.Image] built
// of other programs than those to keep, are older than the age, and that nothing uses. What cannot be removed is in the
// error, and keeps nothing else from being removed.
func (e *Engine) Reap(ctx context.Context, age time.Duration, keep ...string) (Reaped, error) {
	var out Reaped
	var problems []error
	var left []string
	found, err := e.Client.ListContainers(dc.ListContainersOptions{All: true, Context: ctx, Filters: map[string][]string{"label": {LabelOwner}}})
	if err != nil {
		return out, failure(ctx, "list", err)
	}
	for _, c := range found {
		if !LeftOver(c.Labels, time.Unix(c.Created, 0)) {
			continue
		}
		left = append(left, c.ID)
		out.Containers = append(out.Containers, nameOf(c))
	}
	problems = append(problems, e.Remove(ctx, left...))
	networks, err := e.Client.FilteredListNetworks(dc.NetworkFilterOpts{"label": {LabelOwner: true}})
	if err != nil {
		return out, errors.Join(append(problems, failure(ctx, "list networks", err))...)
	}
	inUse := map[string]bool{}
	for _, program := range keep {
		inUse[program] = true
	}
	for _, n := range networks {
		// The Engine's age of a network is nothing that this client reads, so a lifetime does not end it: it goes with the
		// last of its containers, by its owner.
		if !gone(n.Labels[LabelOwner]) {
			inUse[n.Labels[LabelProgram]] = true
			continue
		}
		switch err := (&Network{ID: n.ID, Name: n.Name, engine: e}).Remove(ctx); {
		case err == nil:
			out.Networks = append(out.Networks, n.Name)
		case errors.Is(err, ErrStuck):
			out.Stuck = append(out.Stuck, n.Name)
		default:
			problems = append(problems, err)
		}
	}
	images, err := e.reapImages(ctx, inUse, age)
	out.Images = images
	return out, errors.Join(append(problems, err)...)
}

// reapImages removes images of programs that nobody uses, and what building them left.
func (e *Engine) reapImages(ctx context.Context, inUse map[string]bool, age time.Duration) (removed []string, err error) {
	images, err := e.Client.ListImages(dc.ListImagesOptions{Context: ctx, Filters: map[string][]string{"label": {LabelProgram}}})
	if err != nil {
		return nil, failure(ctx, "list images", err)
	}
	for _, i := range images {
		if inUse[i.Labels[LabelProgram]] || time.Since(time.Unix(i.Created, 0)) < age {
			continue
		}
		// Not by force: the Engine refuses to remove what a container uses, whoever's that is.
		names := i.RepoTags
		if len(names) == 0 || names[0] == "<none>:<none>" {
			names = []string{i.ID}
		}
		for _, name := range names {
			if e.Client.RemoveImage(name) == nil {
				removed = append(removed, name)
			}
		}
	}
	return removed, nil
}

// LeftOver reports whether what carries the labels is: its owner is gone, or it is older than it may become.
func LeftOver(labels map[string]string, created time.Time) bool {
	owner, owned := labels[LabelOwner]
	if !owned {
		return false
	}
	lifetime, err := time.ParseDuration(labels[LabelLifetime])
	return gone(owner) || err == nil && lifetime > 0 && time.Since(created) > lifetime
}

func nameOf(c dc.APIContainers) string {
	if len(c.Names) == 0 {
		return c.ID[:idLength]
	}
	return strings.TrimPrefix(c.Names[0], "/")
}
