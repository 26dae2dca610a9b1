package docker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud"
)

// Cloud is a Docker Engine as a cloud. See the package documentation for what it guarantees. It is safe for concurrent use.
type Cloud struct {
	config Config
	engine *Engine

	mu     sync.Mutex
	pruned time.Time // when terminated machines were last looked through
}

var _ cloud.Cloud = (*Cloud)(nil)

// New returns a cloud. It calls nobody: [Connect] says whether the Engine answers.
func New(c Config) (*Cloud, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	engine, err := open(c.Host)
	if err != nil {
		return nil, err
	}
	return &Cloud{config: c.withDefaults(), engine: engine}, nil
}

// Close gives up connections that are kept for the next call. The cloud can still be used.
func (c *Cloud) Close() { c.engine.Close() }

// Where names the Engine for a person.
func (c *Cloud) Where() string { return c.engine.Client.Endpoint() }

// idLength is how much of a container's id names a machine: as much as the Engine's own tools show, and as the container
// has for its host name.
const idLength = 12

// Launch implements cloud.Cloud. A machine that was launched for the same workspace and incarnation and has ended since is
// cloud.ErrRefused: only a new incarnation helps.
func (c *Cloud) Launch(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	config := &dc.Config{Image: c.config.Image, Cmd: c.config.Command, Labels: c.config.labels(spec)}
	for _, all := range []map[string]string{c.config.Env, spec.Environ()} {
		for name, value := range all {
			config.Env = append(config.Env, name+"="+value)
		}
	}
	slices.Sort(config.Env)
	made, err := c.engine.Client.CreateContainer(dc.CreateContainerOptions{
		Name: c.config.name(spec), Config: config, Context: ctx,
		HostConfig: &dc.HostConfig{
			NetworkMode: c.config.Network, Memory: c.config.Memory, MemorySwap: c.config.Memory,
			// An agent that fills the disk with its log would take the other machines with it.
			LogConfig: dc.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "16m"}},
		},
	})
	if errors.Is(err, dc.ErrContainerAlreadyExists) {
		return c.adopt(ctx, spec)
	}
	if err != nil {
		return cloud.Machine{}, failure(ctx, "create", err)
	}
	if err := c.start(ctx, made.ID); err != nil {
		return cloud.Machine{}, err
	}
	return cloud.Machine{
		ID: made.ID[:idLength], WorkspaceID: spec.WorkspaceID, Incarnation: spec.Incarnation, State: cloud.Running, LaunchedAt: time.Now(),
	}, nil
}

// start starts a container, unless somebody else has done so.
func (c *Cloud) start(ctx context.Context, id string) error {
	err := c.engine.Client.StartContainerWithContext(id, nil, ctx)
	if already := (*dc.ContainerAlreadyRunning)(nil); errors.As(err, &already) {
		return nil
	}
	return failure(ctx, "start", err)
}

// adopt returns the machine that an earlier launch of the same made, and starts it where that launch did not come to it.
func (c *Cloud) adopt(ctx context.Context, spec cloud.Spec) (cloud.Machine, error) {
	m, err := c.inspect(ctx, c.config.name(spec))
	switch {
	case err != nil:
		return cloud.Machine{}, err
	case m.WorkspaceID != spec.WorkspaceID || m.Incarnation != spec.Incarnation:
		return cloud.Machine{}, fmt.Errorf("docker: %w: container %s has the name of this machine, and is another's", cloud.ErrRefused, m.ID)
	case m.State == cloud.Terminated || m.State == cloud.Stopping:
		return cloud.Machine{}, fmt.Errorf("docker: %w: machine %s of this incarnation has ended", cloud.ErrRefused, m.ID)
	case m.State == cloud.Pending:
		if err := c.start(ctx, m.ID); err != nil {
			return cloud.Machine{}, err
		}
		m.State = cloud.Running
	}
	return m, nil
}

// Terminate implements cloud.Cloud: the machine is killed.
func (c *Cloud) Terminate(ctx context.Context, id string) error {
	m, err := c.inspect(ctx, id)
	switch {
	case errors.Is(err, cloud.ErrNotFound):
		return nil
	case err != nil:
		return err
	case m.State == cloud.Pending:
		err = c.remove(ctx, m.ID)
	case m.State != cloud.Terminated:
		err = c.engine.Client.KillContainer(dc.KillContainerOptions{ID: m.ID, Context: ctx})
		if ended := (*dc.ContainerNotRunning)(nil); errors.As(err, &ended) || isNotFound(err) {
			err = nil
		}
		err = failure(ctx, "kill", err)
	}
	if err != nil {
		return err
	}
	return c.prune(ctx)
}

// Describe implements cloud.Cloud.
func (c *Cloud) Describe(ctx context.Context, id string) (cloud.Machine, error) {
	return c.inspect(ctx, id)
}

// inspect looks at a container of the deployment's, by id or name.
func (c *Cloud) inspect(ctx context.Context, id string) (cloud.Machine, error) {
	if id == "" || strings.ContainsAny(id, "/?#% ") {
		return cloud.Machine{}, fmt.Errorf("docker: %w: %q is no container's id", cloud.ErrNotFound, id)
	}
	in, err := c.engine.Client.InspectContainerWithContext(id, ctx)
	if err != nil {
		return cloud.Machine{}, failure(ctx, "inspect", err)
	}
	if in.Config == nil || in.Config.Labels[LabelDeployment] != c.config.Deployment {
		return cloud.Machine{}, fmt.Errorf("docker: %w: container %s is not of this deployment", cloud.ErrNotFound, id)
	}
	return machineOf(in.ID, in.Config.Labels, in.State.StateString(), in.Created), nil
}

// List implements cloud.Cloud.
func (c *Cloud) List(ctx context.Context) ([]cloud.Machine, error) {
	found, err := c.engine.Client.ListContainers(dc.ListContainersOptions{
		All: true, Context: ctx, Filters: map[string][]string{
			"label": {LabelDeployment + "=" + c.config.Deployment}, "status": {"created", "running", "paused", "restarting", "removing"},
		},
	})
	if err != nil {
		return nil, failure(ctx, "list", err)
	}
	machines := make([]cloud.Machine, len(found))
	for i, f := range found {
		machines[i] = machineOf(f.ID, f.Labels, f.State, time.Unix(f.Created, 0))
	}
	slices.SortFunc(machines, func(a, b cloud.Machine) int { return strings.Compare(a.ID, b.ID) })
	return machines, nil
}

// machineOf reads a container.
func machineOf(id string, labels map[string]string, state string, created time.Time) cloud.Machine {
	incarnation, _ := strconv.Atoi(labels[LabelIncarnation]) // 0 where somebody else has made it
	return cloud.Machine{
		ID: id[:min(len(id), idLength)], WorkspaceID: labels[LabelWorkspace], Incarnation: incarnation, State: stateOf(state), LaunchedAt: created,
	}
}

// stateOf sorts the Engine's states into those of package cloud. A paused container is Running: it holds its memory and its
// address, and goes on when it is let.
func stateOf(state string) cloud.State {
	switch state {
	case "created":
		return cloud.Pending
	case "running", "paused", "restarting":
		return cloud.Running
	case "removing":
		return cloud.Stopping
	default: // exited, dead
		return cloud.Terminated
	}
}
