package live

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/bootrace/bootrace/controller/cloud/docker"
	programs "github.com/bootrace/bootrace/harness/live/machine"
)

// site is where a run's machines are containers: two networks, and the LLM providers in a container of their own. Machines
// reach the controller on the one, which a partition takes them off, and the providers on the other.
type site struct {
	world    *world
	engine   *docker.Engine
	name     string // of the run among those on the Engine
	owner    string
	image    string
	inner    *docker.Network // to the controller
	outer    *docker.Network // to the LLM providers
	llm      string          // the container's id
	llmBase  string          // URL of the providers in it
	metadata string          // URL that machines ask for their configuration
	events   <-chan docker.Event
	gone     sync.WaitGroup // what takes containers away
	turn     sync.Mutex     // held while a container joins or leaves a network: see docker.Engine.Remove
	deaf     atomic.Bool    // agents are not heard any more

	mu       sync.Mutex
	cuts     map[string][]window // by machine
	stopping map[string]bool     // machines that the controller stops
	ears     map[string]*ear
}

// window is a time in which a machine was off the network; until is zero while it is.
type window struct{ from, until time.Time }

// siteNumber tells the runs of this process apart.
var siteNumber atomic.Int64

// providersPort is where the LLM providers serve in their container.
const providersPort = "8090"

// buildSite makes the networks, and starts what a run has beside its machines.
func (w *world) buildSite() (err error) {
	o := w.options.Containers
	engine, err := docker.Connect(w.ctx, "") // a client of the run's own: its connections end with it
	if err != nil {
		return err
	}
	s := &site{
		world: w, engine: engine, owner: docker.Self(), cuts: map[string][]window{}, stopping: map[string]bool{}, ears: map[string]*ear{},
		name: fmt.Sprintf("run-%s-%d", strconv.FormatInt(time.Now().UnixNano(), 36), siteNumber.Add(1)),
	}
	w.site = s
	// The networks come first: they say that the image is in use.
	for _, n := range []struct {
		at   **docker.Network
		name string
	}{{&s.inner, "inner"}, {&s.outer, "outer"}} {
		labels := s.labels()
		labels[docker.LabelProgram] = o.hash
		if *n.at, err = engine.CreateNetwork(w.ctx, "bootrace-"+s.name+"-"+n.name, labels); err != nil {
			return err
		}
	}
	if s.image, err = engine.Image(w.ctx, o.program); err != nil {
		return err
	}
	if s.events, err = engine.Events(w.ctx, docker.LabelDeployment+"="+s.name); err != nil {
		return err
	}
	w.tasks.Go(s.listen)
	if err := s.startProviders(); err != nil {
		return err
	}
	return nil
}

func (s *site) labels() map[string]string { return docker.Owned(s.owner, containerLifetime) }

// startProviders starts the container of the LLM providers, and waits until they answer.
func (s *site) startProviders() error {
	w := s.world
	made, err := s.engine.Client.CreateContainer(dc.CreateContainerOptions{
		Name: "bootrace-" + s.name + "-providers", Context: w.ctx,
		Config: &dc.Config{
			Image: s.image, Labels: s.labels(), Cmd: []string{
				"fakeprovider", "--listen", "0.0.0.0:" + providersPort, "--speed", strconv.FormatFloat(w.clock.speed, 'g', -1, 64),
				"--seed", strconv.FormatUint(w.plan.Seed, 10),
			},
		},
		HostConfig: &dc.HostConfig{NetworkMode: s.outer.Name},
	})
	if err != nil {
		return fmt.Errorf("live: the container of the LLM providers: %w", err)
	}
	s.llm = made.ID
	if err := s.engine.Client.StartContainerWithContext(s.llm, nil, w.ctx); err != nil {
		return fmt.Errorf("live: starting the LLM providers: %w", err)
	}
	in, err := s.engine.Client.InspectContainerWithContext(s.llm, w.ctx)
	if err != nil {
		return fmt.Errorf("live: the container of the LLM providers: %w", err)
	}
	s.llmBase = "http://" + in.NetworkSettings.Networks[s.outer.Name].IPAddress + ":" + providersPort
	giveUp := time.NewTimer(siteTimeout)
	defer giveUp.Stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for ; ; <-again.C {
		if err = s.ask(http.MethodGet, "/admin/state", nil); err == nil {
			return nil
		}
		select {
		case <-giveUp.C:
			return fmt.Errorf("live: the LLM providers do not answer: %w", err)
		case <-w.ctx.Done():
			return w.ctx.Err()
		default:
		}
	}
}

// siteTimeout is how long a run's own containers may take until they serve, in real time.
const siteTimeout = time.Minute

// ask calls the administration of the LLM providers.
func (s *site) ask(method, path string, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(s.world.ctx, 10*time.Second)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, method, s.llmBase+path, bytes.NewReader(text)) //nolint:gosec // a container of our own
	if err != nil {
		return err
	}
	q.Header.Set("Content-Type", "application/json")
	r, err := s.client().Do(q) //nolint:gosec // see above
	if err != nil {
		return err
	}
	defer r.Body.Close() //nolint:errcheck // nothing is read
	if r.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s", method, path, r.Status)
	}
	return nil
}

func (s *site) client() *http.Client { return &http.Client{Transport: s.world.gateway.transport} }

// setPreflight has the providers take so long for a workspace's preflight.
func (s *site) setPreflight(workspace string, takes time.Duration, refusals int) error {
	return s.ask(http.MethodPut, "/admin/llm/workspaces/"+url.PathEscape(workspace)+"/preflight", map[string]any{
		"takes": takes.String(), "refusals": refusals,
	})
}

// providers is the providers behind the harness, which stands in front of them where the plan has faults of theirs.
func (s *site) providers() http.Handler {
	to, err := url.Parse(s.llmBase)
	if err != nil {
		return http.NotFoundHandler()
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = s.world.gateway.transport
	proxy.ErrorLog = silent
	return proxy
}

// providersURL is where machines find the providers.
func (s *site) providersURL() string {
	for _, f := range s.world.plan.Faults {
		switch f.Kind {
		case "llm-outage", "llm-throttle", "llm-slow":
			return s.world.llmURL
		}
	}
	return s.llmBase
}

// serve begins to tell machines what they are.
func (s *site) serve() error {
	server := newServer(s.metadataHandler())
	url, err := server.listenOn(s.inner.Gateway)
	if err != nil {
		return err
	}
	s.world.servers = append(s.world.servers, server)
	s.metadata = url
	return nil
}

// llmHost is the address on which the harness's own end of the LLM providers is.
func (w *world) llmHost() string {
	if w.site != nil {
		return w.site.outer.Gateway
	}
	return loopback
}

// cloud is how controllers launch machines: through the harness, at the address.
func (s *site) cloud(host string) *docker.Config {
	return &docker.Config{
		Deployment: s.name, Host: host, Image: s.image, Network: s.inner.Name, Owner: s.owner, Lifetime: containerLifetime,
		Command: []string{CommandAgent}, Env: map[string]string{programs.EnvMetadata: s.metadata, "GOMAXPROCS": "2"},
	}
}

// front is the gateway's server, for who is on the network to the controller, and for as long as agents are to be heard.
func (s *site) front() *server {
	f := newServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.deaf.Load() {
			panic(http.ErrAbortHandler)
		}
		s.world.gateway.ServeHTTP(w, r)
	}))
	f.only = s.inner.Subnet
	return f
}

// frontHost is the address on which the gateway is.
func (w *world) frontHost() string {
	if w.site != nil {
		return w.site.inner.Gateway
	}
	return loopback
}

// clear takes away the run's containers and networks.
func (s *site) clear() error {
	s.gone.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), siteTimeout)
	defer cancel()
	var problems []error
	found, err := s.engine.Client.ListContainers(dc.ListContainersOptions{
		All: true, Context: ctx, Filters: map[string][]string{"label": {docker.LabelDeployment + "=" + s.name}},
	})
	problems = append(problems, err)
	ids := []string{}
	if s.llm != "" {
		ids = append(ids, s.llm)
	}
	for _, c := range found {
		ids = append(ids, c.ID)
	}
	problems = append(problems, s.engine.Remove(ctx, ids...))
	for _, n := range []*docker.Network{s.inner, s.outer} {
		if n == nil {
			continue
		}
		// One that is stuck is the Engine's mistake, and the next run's to try again and to tell.
		if err := n.Remove(ctx); !errors.Is(err, docker.ErrStuck) {
			problems = append(problems, err)
		}
	}
	s.engine.Close()
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("live: removing the run's containers: %w", err)
	}
	return nil
}
