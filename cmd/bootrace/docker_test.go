package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud/docker"
	liveworld "github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/internal/needdocker"
)

// programImage builds the image of this program that containers boot here, once.
var programImage = sync.OnceValues(func() (string, error) {
	ctx := context.Background()
	path, done, err := docker.Program(ctx, liveworld.Package, func(string) {})
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

// engine is the Engine, with a network and a deployment of the test's own, of which nothing is left when it is over.
type engine struct {
	*docker.Engine
	t          *testing.T
	deployment string
	network    *docker.Network
	image      string
}

func onDocker(t *testing.T) *engine {
	t.Helper()
	e := &engine{Engine: needdocker.Engine(t), t: t, deployment: fmt.Sprintf("test-%d-%d", os.Getpid(), rand.Uint32())}
	var err error
	if e.image, err = programImage(); err != nil {
		t.Fatal(err)
	}
	if e.network, err = e.CreateNetwork(t.Context(), "bootrace-"+e.deployment, docker.Owned(docker.Self(), 0)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var ids []string
		for _, c := range e.containers() {
			ids = append(ids, c.ID)
			if t.Failed() {
				t.Logf("%s %s:\n%s", c.ID[:12], c.Status, e.log(c.ID))
			}
		}
		if err := e.Remove(context.Background(), ids...); err != nil {
			t.Error(err)
		}
		if err := e.network.Remove(context.Background()); err != nil {
			t.Log(err) // an Engine of old can lose count: see docker.ErrStuck
		}
	})
	return e
}

// containers are all of the test's deployment, by state.
func (e *engine) containers(states ...string) []dc.APIContainers {
	e.t.Helper()
	filters := map[string][]string{"label": {docker.LabelDeployment + "=" + e.deployment}}
	if states != nil {
		filters["status"] = states
	}
	all, err := e.Client.ListContainers(dc.ListContainersOptions{All: true, Filters: filters})
	if err != nil {
		e.t.Fatal(err)
	}
	return all
}

// log is what a container has said.
func (e *engine) log(id string) string {
	var b bytes.Buffer
	if err := e.Client.Logs(dc.LogsOptions{Container: id, OutputStream: &b, ErrorStream: &b, Stdout: true, Stderr: true}); err != nil {
		e.t.Error(err)
	}
	return b.String()
}

// interrupted is the Engine behind somebody who answers no create until the test lets him: what called it is killed meanwhile.
func (e *engine) interrupted() (url string, created <-chan struct{}) {
	made := make(chan struct{}, 1)
	proxy := httputil.NewSingleHostReverseProxy(e.URL())
	proxy.Transport = e.Client.HTTPClient.Transport
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/containers/create") {
			proxy.ServeHTTP(w, r)
			return
		}
		proxy.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
		made <- struct{}{}
		<-r.Context().Done()
	}))
	e.t.Cleanup(server.Close)
	return "tcp://" + server.Listener.Addr().String(), made
}

// A workspace of a controller on Docker is a container that boots: it makes its preflight, registers, and its heartbeats bring
// it online, although the controller that began to launch it is killed between the two calls that a launch takes. It is
// launched once.
func TestControllerOnDocker(t *testing.T) {
	t.Parallel()
	e := onDocker(t)
	db, err := postgresServer(t).CreateDatabase(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	_, fake := fakeAt(t, "--listen", e.network.Gateway+":0", "--speed", "20")
	args := []string{
		"--listen", e.network.Gateway + ":0", "--cloud", "docker", "--docker-image", e.image, "--docker-command", "agent --speed=20",
		"--docker-network", e.network.Name, "--docker-deployment", e.deployment, "--docker-env", "BOOTRACE_LLM_URL=" + fake["llm"],
		"--docker-memory", "256m", "--docker-expiry", "1h", "--database-url", db.URL, "--secret", "kept", "--speed", "20",
	}
	slow, created := e.interrupted()
	first, url := controllerAt(t, append(args, "--docker-host", slow)...)
	first.says("launching machines.*deployment=" + e.deployment)
	code, reply, text := call(t, http.MethodPost, url+"/workspaces", "", map[string]any{"name": "first", "runtime": "claude-code", "model": "kimi"})
	id, _ := reply["id"].(string)
	if code != http.StatusCreated {
		t.Fatalf("create: %d %s", code, text)
	}
	// The preflight must be seen to be made, and be over in good time.
	if code, _, text := call(t, http.MethodPut, fake["admin"]+"/llm/workspaces/"+id+"/preflight", "", map[string]any{"takes": "20s", "refusals": 1}); code != http.StatusNoContent {
		t.Fatalf("preflight: %d %s", code, text)
	}
	<-created
	first.signal(syscall.SIGKILL)
	first.ends(-1)
	if all := e.containers("created"); len(all) != 1 {
		t.Fatalf("killed in the middle of a launch, it left the containers %v", all)
	}

	second, _ := controllerAt(t, append(args, "--listen", strings.TrimPrefix(url, "http://"))...) // which the container was told
	until(t, "the workspace is online", func() bool { return status(t, url, id) == "online" })
	all := e.containers()
	if len(all) != 1 || all[0].State != "running" || all[0].Labels[docker.LabelWorkspace] != id || all[0].Labels[docker.LabelLifetime] != "1h0m0s" {
		t.Fatalf("the workspace is the containers %v", all)
	}
	_, _, state := call(t, http.MethodGet, fake["admin"]+"/llm/state", "", nil)
	if !strings.Contains(state, id) || !strings.Contains(state, `"refused":1`) {
		t.Errorf("the agent made no preflight that was refused once: %s", state)
	}

	// A container that dies is offline; a restart launches another, and a delete ends it.
	if err := e.Client.KillContainer(dc.KillContainerOptions{ID: all[0].ID}); err != nil {
		t.Fatal(err)
	}
	until(t, "its silence is noticed", func() bool { return status(t, url, id) == "offline" })
	if code, _, text := call(t, http.MethodPost, url+"/workspaces/"+id+"/restart", "", nil); code != http.StatusOK {
		t.Fatalf("restart: %d %s", code, text)
	}
	until(t, "it is online again", func() bool { return status(t, url, id) == "online" })
	if running := e.containers("running"); len(running) != 1 || running[0].Labels[docker.LabelIncarnation] != "2" {
		t.Errorf("after the restart, these run: %v", running)
	}
	if code, _, text := call(t, http.MethodDelete, url+"/workspaces/"+id, "", nil); code != http.StatusOK {
		t.Fatalf("delete: %d %s", code, text)
	}
	until(t, "its container has ended", func() bool { return len(e.containers("running", "created")) == 0 })
	second.signal(syscall.SIGTERM)
	second.ends(exitHeld)
}

// The agent says what it lacks, and ends promptly when it is told to, in whatever phase it is.
func TestAgent(t *testing.T) {
	t.Parallel()
	_, fake := fakeAt(t, "--speed", "100")
	_, url := controllerAt(t)
	created := func(name string) string {
		t.Helper()
		code, reply, text := call(t, http.MethodPost, url+"/workspaces", "", map[string]any{"name": name, "runtime": "claude-code", "model": "minimax"})
		id, _ := reply["id"].(string)
		if code != http.StatusCreated {
			t.Fatalf("create: %d %s", code, text)
		}
		return id
	}
	id := created("slow")
	if code, _, text := call(t, http.MethodPut, fake["admin"]+"/llm/workspaces/"+id+"/preflight", "", map[string]any{"takes": "10h"}); code != http.StatusNoContent {
		t.Fatalf("preflight: %d %s", code, text)
	}
	agent := func(id string, args ...string) *process {
		return start(t, t.TempDir(), t.TempDir(), append([]string{"agent", "--workspace", id, "--platform-url", url, "--speed", "100"}, args...)...)
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		p := agent(id, "--llm", fake["llm"], "--model", "minimax/m2")
		p.says("msg=booting")
		until(t, "the preflight is under way", func() bool {
			_, _, state := call(t, http.MethodGet, fake["admin"]+"/llm/state", "", nil)
			return strings.Contains(state, `"under_way":1`)
		})
		p.signal(s)
		p.ends(exitHeld)
		until(t, "the provider notices", func() bool {
			_, _, state := call(t, http.MethodGet, fake["admin"]+"/llm/state", "", nil)
			return strings.Contains(state, `"under_way":0`)
		})
	}

	id = created("gone")
	p := agent(id)
	p.says("msg=register answered=200")
	p.says("msg=heartbeat answered=200")
	if got := status(t, url, id); got != "online" {
		t.Errorf("it is %s", got)
	}
	if code, _, text := call(t, http.MethodDelete, url+"/workspaces/"+id, "", nil); code != http.StatusOK {
		t.Fatalf("delete: %d %s", code, text)
	}
	p.says("the workspace is gone")
	p.ends(exitHeld)

	for _, c := range []struct {
		args []string
		says string
	}{
		{nil, "set WORKSPACE_ID to the workspace's id"},
		{nil, "set PLATFORM_URL to where that serves"},
		{[]string{"--workspace", "w"}, `WORKSPACE_ID is "w", which is no workspace's id`},
		{[]string{"--platform-url", "localhost"}, `PLATFORM_URL is "localhost", which is no http or https URL`},
		{[]string{"--llm", fake["llm"]}, "is no provider to make the preflight at"},
		{[]string{"--url", "x"}, `"x", where it claims to serve`},
	} {
		if code, _, err := inProcess(append([]string{"agent"}, c.args...)...); code != exitUsage || !strings.Contains(strings.Join(strings.Fields(err), " "), c.says) {
			t.Errorf("agent %q ended with %d, and without %q:\n%s", c.args, code, c.says, err)
		}
	}
}

// Whatever is missing for containers is said, with the way out, before anything is served.
func TestControllerWhoseDockerMakesNoSense(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--cloud", "docker"}, "Give --docker-deployment a name"},
		{[]string{"--cloud", "docker", "--docker-deployment", "a b"}, `deployment "a b" is not made of`},
		{[]string{"--cloud", "docker", "--docker-deployment", "d", "--docker-memory", "much"}, "--docker-memory much is no size"},
		{[]string{"--cloud", "docker", "--docker-deployment", "d", "--docker-memory", "1k"}, "the Engine takes no less than"},
		{[]string{"--cloud", "docker", "--docker-deployment", "d", "--docker-env", "A B=1"}, `"A B" is no name of an environment variable`},
		{[]string{"--docker-image", "x"}, "--docker-image was given, and --cloud docker was not"},
		{[]string{"--cloud", "ec2", "--docker-network", "x"}, "--docker-network was given, and --cloud docker was not"},
		{[]string{"--cloud", "docker", "--ec2-endpoint", "http://127.0.0.1:1"}, "--cloud ec2 was not"},
		{[]string{"--defect", "none"}, `there is no defect "none"`},
	} {
		if code, _, err := inProcess(append([]string{"controller", "--listen", "127.0.0.1:0"}, c.args...)...); code != exitUsage || !strings.Contains(strings.Join(strings.Fields(err), " "), c.says) {
			t.Errorf("%q ended with %d, and without %q:\n%s", c.args, code, c.says, err)
		}
	}
	good := []string{"controller", "--listen", "127.0.0.1:0", "--cloud", "docker", "--docker-deployment", "test-nobody"}
	if code, _, err := inProcess(append(good, "--docker-host", "tcp://127.0.0.1:1")...); code != exitEnvironment || !strings.Contains(err, "ping tcp://127.0.0.1:1: cannot connect") || !strings.Contains(err, "install and start Docker") {
		t.Errorf("without an Engine it ended with %d:\n%s", code, err)
	}
	e := onDocker(t)
	for _, c := range []struct {
		code int
		args []string
		says string
	}{
		{exitEnvironment, []string{"--docker-image", "bootrace-test:none"}, "image bootrace-test:none is not on the Engine, and none is pulled: build it"},
		{exitEnvironment, []string{"--docker-image", e.image, "--docker-network", "bootrace-none"}, "network bootrace-none is not there: docker network create bootrace-none"},
		{exitUsage, []string{"--docker-image", e.image, "--docker-network", e.network.Name}, "containers do not reach --listen 127.0.0.1:0, which is each container to itself: give --listen " + e.network.Gateway + ":0"},
		{exitUsage, []string{"--docker-image", e.image, "--public-url", "http://localhost:80"}, "containers do not reach --public-url http://localhost:80"},
	} {
		if code, _, err := inProcess(append(good, c.args...)...); code != c.code || !strings.Contains(strings.Join(strings.Fields(err), " "), c.says) {
			t.Errorf("%q ended with %d, and without %q:\n%s", c.args, code, c.says, err)
		}
	}
}

// What listens on all addresses is reached by the one that this machine has on the containers' network.
func TestDockerReach(t *testing.T) {
	t.Parallel()
	n := &docker.Network{Name: "n", Gateway: "172.20.0.1"}
	for _, c := range []struct{ listen, public, host string }{
		{"0.0.0.0:8080", "", n.Gateway},
		{":8080", "", n.Gateway},
		{"[::]:8080", "", n.Gateway},
		{"172.20.0.1:8080", "", ""},
		{"127.0.0.1:8080", "http://controller:8080", ""},
	} {
		if host, err := dockerReach(n, c.listen, c.public); err != nil || host != c.host {
			t.Errorf("%s, %q: %q, %v", c.listen, c.public, host, err)
		}
	}
	if host, err := dockerReach(&docker.Network{Name: "host"}, "127.0.0.1:8080", ""); err != nil || host != "" {
		t.Errorf("on the host's network: %q, %v", host, err)
	}
	if at := (machines{host: n.Gateway}).reach("[::]:8080"); at != "172.20.0.1:8080" {
		t.Error(at)
	}
}
