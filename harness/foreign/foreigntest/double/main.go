// Command double serves one of the servers that the tests of targets play against, as a process of its own: for trying out what the
// documentation says of targets.
//
//	go run ./harness/foreign/foreigntest/double --defect --budget 5s
//	go run ./harness/foreign/foreigntest/double --dialect kubernetes-nodes
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/bootrace/bootrace/harness/foreign/foreigntest"
	"github.com/bootrace/bootrace/harness/foreign/nodetest"
	"github.com/bootrace/bootrace/harness/foreign/runnertest"
)

type flags struct {
	Dialect      string        `default:"molecule" enum:"molecule,kubernetes-nodes,github-runners" help:"What it speaks."`
	Listen       string        `default:"127.0.0.1:8080" help:"Where it listens."`
	AsFound      bool          `help:"Of molecule: as the public server was found, with all its faults."`
	Defect       bool          `help:"With the seed's defect alone, or its like: who comes late is heard, and stays as it was."`
	Budget       time.Duration `help:"How long boots may take; the dialect's where not given."`
	TTL          time.Duration `name:"ttl" help:"After how long a silence an agent is offline; the dialect's where not given."`
	Sweep        time.Duration `help:"How often it looks; the dialect's where not given."`
	ControlPlane string        `placeholder:"URL" help:"Of molecule: where it asks for machines."`
	RateLimit    int           `help:"Of molecule: calls a minute that it allows; 0 for any number."`
}

func main() {
	var f flags
	kong.Parse(&f, kong.Description("Serve a workspace server for trying bootrace's targets."))
	if err := f.serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (f *flags) serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listen := func(ctx context.Context, network, _ string) (net.Listener, error) {
		return (&net.ListenConfig{}).Listen(ctx, network, f.Listen)
	}
	var url, secret, more string
	switch f.Dialect {
	case "kubernetes-nodes":
		s, err := nodetest.Start(nodetest.Config{StickyNeverUpdated: f.Defect, StartupGrace: f.Budget, MonitorGrace: f.TTL, MonitorPeriod: f.Sweep, Listen: listen})
		if err != nil {
			return err
		}
		defer s.Close()
		url, secret, more = s.URL, nodetest.Token, " --dialect kubernetes-nodes" //nolint:gosec // it opens a test double
	case "github-runners":
		s, err := runnertest.Start(runnertest.Config{LateStayOffline: f.Defect, ComeBy: f.Budget, TTL: f.TTL, Sweep: f.Sweep, Listen: listen})
		if err != nil {
			return err
		}
		defer s.Close()
		url, secret, more = s.URL, runnertest.Token, " --dialect github-runners --param owner=acme --param repo=site" //nolint:gosec // it opens a test double
	default:
		b := foreigntest.Behaviour{BeatIgnoresFailed: f.Defect}
		if f.AsFound {
			b = foreigntest.AsFound()
		}
		b.RateLimit = f.RateLimit
		times := foreigntest.Times{Budget: f.Budget, TTL: f.TTL, ProvisionSweep: f.Sweep, LivenessSweep: f.Sweep}
		s, err := foreigntest.Start(foreigntest.Config{Behaviour: b, Times: times, ControlPlane: f.ControlPlane, Listen: listen})
		if err != nil {
			return err
		}
		defer s.Close()
		url, secret = s.URL, foreigntest.AdminToken
	}
	fmt.Printf("serving %s at %s; its operators' token is %q\n", f.Dialect, url, secret)
	fmt.Printf("BOOTRACE_TARGET_TOKEN=%q bootrace target probe %s%s\n", secret, url, more)
	<-ctx.Done()
	return nil
}
