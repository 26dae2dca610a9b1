package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/bootrace/bootrace/fakeprovider"
	"github.com/bootrace/bootrace/fakeprovider/ec2wire"
	"github.com/bootrace/bootrace/fakeprovider/endpoints"
)

type fakeproviderCmd struct {
	Listen          string        `default:"127.0.0.1:8090" placeholder:"ADDRESS" help:"Address of everything that has no address of its own (default: ${default}). Port 0 selects a free port."`
	EC2Listen       string        `name:"ec2-listen" placeholder:"ADDRESS" help:"Separate address of the EC2 wire."`
	CPListen        string        `name:"cp-listen" placeholder:"ADDRESS" help:"Separate address of the control plane."`
	LLMListen       string        `name:"llm-listen" placeholder:"ADDRESS" help:"Separate address of the LLM providers."`
	AdminListen     string        `name:"admin-listen" placeholder:"ADDRESS" help:"Separate address of the administration, which needs no credentials."`
	Host            []string      `placeholder:"NAME" help:"Name at which clients reach the fakes, beside localhost and the address. Requests to other names are refused, so that no web page can make them."`
	Speed           float64       `default:"1" placeholder:"N" help:"How many times faster than the wall clock LLM providers answer and machines boot; 60 makes a minute a second."`
	Seed            uint64        `default:"1" placeholder:"NUMBER" help:"Seed of refusals, durations and shares (default: ${default})."`
	MachineBoot     time.Duration `default:"0s" placeholder:"TIME" help:"How long a machine is pending before it runs; divided by the speed."`
	MachineCheck    time.Duration `default:"0s" placeholder:"TIME" help:"How long a machine of EC2 runs before its status checks have passed; divided by the speed."`
	MachineStop     time.Duration `default:"0s" placeholder:"TIME" help:"How long a machine of EC2 is stopping; divided by the speed."`
	MachineShutdown time.Duration `default:"0s" placeholder:"TIME" help:"How long a machine of EC2 is shutting down; divided by the speed."`
	MaxMachines     int           `default:"100000" placeholder:"N" help:"The most machines that EC2 keeps (default: ${default})."`
	Region          string        `default:"us-east-1" placeholder:"NAME" help:"Region of EC2 (default: ${default})."`
	Image           []string      `placeholder:"ID[=ARCHITECTURE]" sep:"none" help:"Another machine image of EC2; x86_64 if no architecture is given."`
	AnyImage        bool          `help:"Have every well-formed id be a machine image of EC2."`
	CPToken         string        `name:"cp-token" env:"BOOTRACE_CP_TOKEN" placeholder:"TOKEN" help:"Bearer token for the control plane. Without it, calls need no token."`
	TellBoots       bool          `help:"Have the administration report what machines boot with, including tokens, so that another program can boot their agents: bootrace run --target … --fakeprovider URL."`
	JSON            bool          `help:"Print the addresses as one line of JSON."`
}

// Help says where things are, and what the administration takes.
func (fakeproviderCmd) Help() string {
	return `Addresses:

  POST /                  EC2:             AWS_ENDPOINT_URL=http://ADDRESS, any credentials
  /cp/…                   control plane:   MOLECULE_CP_URL=http://ADDRESS
  /{provider}/v1/…        LLM provider:    OPENAI_BASE_URL=http://ADDRESS/minimax/v1
                                           ANTHROPIC_BASE_URL=http://ADDRESS/anthropic
  /admin/…                administration:  see below

The key of an LLM request, or its header X-Workspace-Id, names the workspace.

The administration, in JSON (bodies of the type application/json: curl --json; durations as "1m30s"):

  GET    /admin/state                            machines, calls, faults and how often each has struck
  GET    /admin/boots?after=N                    with --tell-boots: what machines boot with, and when they end
  PUT    /admin/ec2/faults                       {"rules":[{"action":"RunInstances","kind":"no-capacity","times":3}]}
  PUT    /admin/cp/faults                        {"rules":[{"call":"provision","kind":"throttled","share":0.5}]}
  PUT    /admin/llm/faults                       {"rules":[{"kind":"outage","provider":"minimax"}]}
  DELETE /admin/ec2                              EC2 is as it was at the start
  PUT    /admin/ec2/snapshots/{name}             what calls can change is kept; POST …/restore brings it back
  DELETE /admin/faults                           remove all faults
  POST   /admin/ec2/machines/{id}/end            the machine dies; also /admin/cp/machines/{id}/end
  PUT    /admin/llm/workspaces/{id}/preflight    {"takes":"7m30s","refusals":2}

Kinds of faults:
  ec2   throttled, no-capacity, internal-error, unavailable, failed, dropped, lost-closed, lost-cut, lost-empty, lost-hang
  cp    the same without unavailable, and refused, slow (with a delay)
  llm   outage, throttle, slow (with a delay)

The documentation of the packages fakeprovider/endpoints, ec2wire, cpwire and llm has the rest.`
}

// Run implements the command.
func (c *fakeproviderCmd) Run(ctx context.Context, s streams) error {
	images, err := c.images()
	if err != nil {
		return usage(err)
	}
	e, err := endpoints.New(endpoints.Options{
		Hosts: c.Host, Seed: c.Seed, Speed: c.Speed, Boot: c.MachineBoot, Check: c.MachineCheck, Stop: c.MachineStop,
		ShutDown: c.MachineShutdown, MaxMachines: c.MaxMachines, Region: c.Region, Images: images, AnyImage: c.AnyImage,
		CPToken: c.CPToken, TellBoots: c.TellBoots,
	})
	if err != nil {
		return usage(err)
	}
	where, handlers, err := c.open(ctx, e)
	if err != nil {
		return environment(err)
	}
	if err := c.tell(s, where); err != nil {
		for listener := range handlers {
			listener.Close() //nolint:errcheck // nothing was served on it
		}
		return environment(err)
	}
	log := slog.New(slog.NewTextHandler(s.err, nil))
	log.Info("serving", "version", version(), "speed", c.Speed, "seed", c.Seed)
	if err := endpoints.Serve(ctx, handlers, slog.NewLogLogger(log.Handler(), slog.LevelWarn)); err != nil {
		return environment(err)
	}
	log.Info("stopped")
	return nil
}

// images are those that are named.
func (c *fakeproviderCmd) images() (all []ec2wire.Image, err error) {
	for _, text := range c.Image {
		id, architecture, _ := strings.Cut(text, "=")
		image := ec2wire.Image{ID: id, Name: id, Architecture: cmp.Or(architecture, "x86_64")}
		if err := image.Validate(); err != nil {
			return nil, err
		}
		all = append(all, image)
	}
	return all, nil
}

// open listens, and returns where each part is.
func (c *fakeproviderCmd) open(ctx context.Context, e *endpoints.Endpoints) (map[endpoints.Part]string, map[net.Listener]http.Handler, error) {
	own := map[endpoints.Part]string{
		endpoints.EC2: c.EC2Listen, endpoints.CP: c.CPListen, endpoints.LLM: c.LLMListen, endpoints.Admin: c.AdminListen,
	}
	on := map[string][]endpoints.Part{} // by address; two that are any free one are not the same
	var order []string
	for _, part := range endpoints.Parts() {
		address, owner := own[part], string(part)
		if address == "" {
			address, owner = c.Listen, ""
		}
		if _, port, _ := net.SplitHostPort(address); port == "0" {
			address += " " + owner
		}
		if on[address] == nil {
			order = append(order, address)
		}
		on[address] = append(on[address], part)
	}
	where, handlers := map[endpoints.Part]string{}, map[net.Listener]http.Handler{}
	for _, key := range order {
		address, _, _ := strings.Cut(key, " ")
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		if err != nil {
			for l := range handlers {
				l.Close() //nolint:errcheck // nothing was served on it
			}
			return nil, nil, fmt.Errorf("listening for %s: %w", parts(on[key]), err)
		}
		handlers[listener] = e.Handler(on[key]...)
		for _, part := range on[key] {
			where[part] = "http://" + listener.Addr().String() + part.Path()
		}
	}
	return where, handlers, nil
}

func parts(all []endpoints.Part) string {
	var names []string
	for _, p := range all {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// tell prints where the parts are.
func (c *fakeproviderCmd) tell(s streams, where map[endpoints.Part]string) error {
	if c.JSON {
		return json.NewEncoder(s.out).Encode(where)
	}
	var names []string
	for _, p := range fakeprovider.Providers() {
		names = append(names, p.Name)
	}
	var problems []error
	for _, part := range endpoints.Parts() {
		note := ""
		if part == endpoints.LLM {
			note = "/{" + strings.Join(names, "|") + "}"
		}
		_, err := fmt.Fprintf(s.out, "%-6s %s%s\n", part, where[part], note)
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
