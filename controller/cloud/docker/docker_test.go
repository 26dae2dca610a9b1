package docker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/cloudtest"
	"github.com/bootrace/bootrace/controller/cloud/docker"
	"github.com/bootrace/bootrace/internal/await"
	"github.com/bootrace/bootrace/internal/needdocker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sleeper builds the image that machines boot here, once.
var sleeper = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	path, done, err := docker.Program(ctx, "./testdata/sleeper", func(string) {})
	if err != nil {
		return "", err
	}
	defer done()
	e, err := docker.Connect(ctx, "")
	if err != nil {
		return "", err
	}
	defer e.Close()
	return e.Image(ctx, path)
})

// config is that of a deployment of the test's own, whose machines are gone when the test is.
func config(t testing.TB) (*docker.Engine, docker.Config) {
	t.Helper()
	e := needdocker.Engine(t)
	image, err := sleeper()
	if err != nil {
		t.Fatal(err)
	}
	c := docker.Config{Deployment: fmt.Sprintf("test-%d-%d", os.Getpid(), rand.Uint32()), Image: image, Owner: docker.Self()}
	t.Cleanup(func() {
		for _, m := range containers(t, e, c.Deployment) {
			if err := e.Client.RemoveContainer(dc.RemoveContainerOptions{ID: m.ID, Force: true, RemoveVolumes: true}); err != nil {
				t.Error(err)
			}
		}
	})
	return e, c
}

// containers are all of the deployment's, whatever their state.
func containers(t testing.TB, e *docker.Engine, deployment string) []dc.APIContainers {
	t.Helper()
	all, err := e.Client.ListContainers(dc.ListContainersOptions{All: true, Filters: map[string][]string{"label": {docker.LabelDeployment + "=" + deployment}}})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func connect(t testing.TB, c docker.Config) *docker.Cloud {
	t.Helper()
	out, err := docker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

func TestConformance(t *testing.T) {
	needdocker.Engine(t)
	cloudtest.Run(t, func(t *testing.T) cloudtest.Backend {
		_, c := config(t)
		return cloudtest.Backend{Connect: func(t *testing.T) cloud.Cloud { return connect(t, c) }}
	})
}

func spec(workspace string) cloud.Spec {
	return cloud.Spec{WorkspaceID: workspace, Incarnation: 1, Name: "one", Env: map[string]string{"WORKSPACE_AUTH_TOKEN": "secret"}}
}

// What a state of a container means to a controller.
func TestDescribeInEveryState(t *testing.T) {
	t.Parallel()
	e, c := config(t)
	machines := connect(t, c)
	ctx := t.Context()
	m, err := machines.Launch(ctx, spec("w"))
	if err != nil {
		t.Fatal(err)
	}
	is := func(id string, want cloud.State) {
		t.Helper()
		got, err := machines.Describe(ctx, id)
		if err != nil || got.State != want {
			t.Errorf("the machine is %q (%v), not %q", got.State, err, want)
		}
		all, err := machines.List(ctx)
		if listed := len(all) == 1; err != nil || listed != want.Live() {
			t.Errorf("the list of a deployment whose machine is %s has %v (%v)", want, all, err)
		}
	}
	is(m.ID, cloud.Running)
	if err := e.Client.PauseContainer(m.ID); err != nil {
		t.Fatal(err)
	}
	is(m.ID, cloud.Running)
	if err := machines.Terminate(ctx, m.ID); err != nil { // a paused one, too
		t.Fatal(err)
	}
	is(m.ID, cloud.Terminated)
	if _, err := machines.Launch(ctx, spec("w")); !errors.Is(err, cloud.ErrRefused) {
		t.Errorf("launching an incarnation again that has ended gave %v", err)
	}
}

// A machine is told all that an agent has to know: what every cloud tells, and what this one was configured with.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	e, c := config(t)
	c.Env = map[string]string{"BOOTRACE_LLM_URL": "http://llm"}
	m, err := connect(t, c).Launch(t.Context(), cloud.Spec{
		WorkspaceID: "w", Incarnation: 1, Name: "one", Runtime: "hermes", Model: "minimax", Template: "t", Tier: 2,
		Env: map[string]string{"WORKSPACE_AUTH_TOKEN": "secret"},
	})
	if err != nil {
		t.Fatal(err)
	}
	in, err := e.Client.InspectContainer(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(in.Config.Env, "\n") + "\n"
	for _, want := range []string{
		"BOOTRACE_LLM_URL=http://llm", "WORKSPACE_AUTH_TOKEN=secret", "WORKSPACE_NAME=one", "WORKSPACE_RUNTIME=hermes", "WORKSPACE_MODEL=minimax",
		"WORKSPACE_TEMPLATE=t", "WORKSPACE_TIER=2",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("the environment lacks %s:\n%s", want, got)
		}
	}
	for _, l := range in.Config.Labels {
		if strings.Contains(l, "secret") {
			t.Errorf("the token is in a label: %s", l)
		}
	}
}

// A controller that died between making a container and starting it has left a machine that is pending. It can be
// terminated, and launching it again starts it.
func TestLaunchHalfDone(t *testing.T) {
	t.Parallel()
	e, c := config(t)
	machines := connect(t, c)
	ctx := t.Context()
	first, err := machines.Launch(ctx, spec("w"))
	if err != nil {
		t.Fatal(err)
	}
	made := containers(t, e, c.Deployment)[0]
	half := func() string {
		t.Helper()
		if err := e.Client.RemoveContainer(dc.RemoveContainerOptions{ID: made.ID, Force: true}); err != nil {
			t.Fatal(err)
		}
		again, err := e.Client.CreateContainer(dc.CreateContainerOptions{
			Name: strings.TrimPrefix(made.Names[0], "/"), Config: &dc.Config{Image: c.Image, Labels: made.Labels},
		})
		if err != nil {
			t.Fatal(err)
		}
		made.ID = again.ID
		return again.ID[:len(first.ID)]
	}
	id := half()
	if m, err := machines.Describe(ctx, id); err != nil || m.State != cloud.Pending {
		t.Fatalf("%v, %v", m, err)
	}
	if m, err := machines.Launch(ctx, spec("w")); err != nil || m.ID != id {
		t.Fatalf("launching again gave %v, %v, not %s", m, err, id)
	}
	if m, err := machines.Describe(ctx, id); err != nil || m.State != cloud.Running {
		t.Fatalf("%v, %v", m, err)
	}
	id = half()
	if err := machines.Terminate(ctx, id); err != nil {
		t.Fatal(err)
	}
	if _, err := machines.Describe(ctx, id); !errors.Is(err, cloud.ErrNotFound) {
		t.Error(err)
	}
}

// No id, from wherever it comes, leads to a container that is not the deployment's.
func TestOthersAreNotTouched(t *testing.T) {
	t.Parallel()
	_, c := config(t)
	_, other := config(t)
	m, err := connect(t, c).Launch(t.Context(), spec("w"))
	if err != nil {
		t.Fatal(err)
	}
	stranger := connect(t, other)
	if err := stranger.Terminate(t.Context(), m.ID); err != nil {
		t.Error(err)
	}
	if _, err := stranger.Describe(t.Context(), m.ID); !errors.Is(err, cloud.ErrNotFound) {
		t.Error(err)
	}
	if got, err := connect(t, c).Describe(t.Context(), m.ID); err != nil || got.State != cloud.Running {
		t.Errorf("another deployment's controller has touched the machine: %v, %v", got, err)
	}
}

func TestErrorsAreClassified(t *testing.T) {
	t.Parallel()
	_, c := config(t)
	c.Image = "bootrace-test-none:none"
	if _, err := connect(t, c).Launch(t.Context(), spec("w")); !errors.Is(err, cloud.ErrRefused) || !strings.Contains(err.Error(), "no such image") {
		t.Errorf("an image that is not there: %v", err)
	}
	c.Host = "tcp://127.0.0.1:1"
	if _, err := connect(t, c).List(t.Context()); err == nil || cloud.Classify(err) != cloud.Transient {
		t.Errorf("an Engine that is not there: %v", err)
	}
}

// Terminated machines are forgotten after a while, and then only.
func TestTerminatedMachinesArePruned(t *testing.T) {
	t.Parallel()
	e, c := config(t)
	c.Retain = 1500 * time.Millisecond
	machines := connect(t, c)
	var ids []string
	for i, wait := range []time.Duration{2 * time.Second, 0} {
		m, err := machines.Launch(t.Context(), spec(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		if err := machines.Terminate(t.Context(), m.ID); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
		time.Sleep(wait) // sleeps: what was stopped is kept for so long, by the Engine's clock
	}
	left := containers(t, e, c.Deployment)
	if len(left) != 1 || left[0].ID[:len(ids[1])] != ids[1] {
		t.Errorf("left are %v, and not only %s", left, ids[1])
	}
}

// A program that wants more memory than its machine has is killed, and its machine is terminated.
func TestMemoryLimit(t *testing.T) {
	t.Parallel()
	e, c := config(t)
	c.Memory, c.Command = 16<<20, []string{"eat"}
	machines := connect(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), await.Hang)
	defer cancel()
	const tries = 5 // an Engine can miss the event that says why, where the end comes with it
	for n := 1; ; n++ {
		m, err := machines.Launch(t.Context(), spec(fmt.Sprint("w", n)))
		if err != nil {
			t.Fatal(err)
		}
		if code, err := e.Client.WaitContainerWithContext(m.ID, ctx); err != nil || code != 137 {
			t.Fatalf("the program ended with %d, %v", code, err)
		}
		if got, err := machines.Describe(t.Context(), m.ID); err != nil || got.State != cloud.Terminated {
			t.Errorf("the machine is %v, %v", got, err)
		}
		in, err := e.Client.InspectContainer(m.ID)
		switch {
		case err != nil:
			t.Fatal(err)
		case in.State.OOMKilled:
			return
		case n == tries:
			t.Fatalf("it was not killed for its memory: %v", in.State)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := docker.Config{Deployment: "d", Image: "i"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for want, spoil := range map[string]func(*docker.Config){
		"deployment": func(c *docker.Config) { c.Deployment = "a b" },
		"image":      func(c *docker.Config) { c.Image = " " },
		"retain":     func(c *docker.Config) { c.Retain = -1 },
		"memory":     func(c *docker.Config) { c.Memory = 1 },
		"name of an": func(c *docker.Config) { c.Env = map[string]string{"A B": ""} },
	} {
		c := good
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
