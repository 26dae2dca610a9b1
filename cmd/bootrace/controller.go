package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/store/postgres"
)

type controllerCmd struct {
	Listen      string        `default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Address to serve on (default: ${default}); port 0 is any free one."`
	DatabaseURL string        `env:"DATABASE_URL" placeholder:"URL" help:"Postgres to keep the rows in; it is migrated at the start. Without it rows are kept in memory and lost at the end."`
	AdminToken  string        `env:"ADMIN_TOKEN" placeholder:"TOKEN" help:"Bearer token of the operators; without it their calls are open (development)."`
	Secret      string        `env:"BOOTRACE_SECRET" placeholder:"TEXT" help:"What the tokens of booting machines are derived from; the same for all replicas, and for ever."`
	PublicURL   string        `placeholder:"URL" help:"How agents reach this server; http://<listen> where not given."`
	Grace       time.Duration `default:"10s" help:"How long requests under way may take to end after SIGTERM."`

	Speed float64  `default:"1" placeholder:"N" help:"Divides every time that the controller goes by: budgets, liveness TTLs, sweeps, launches. 60 makes a minute a second. What is about the network (time-outs of HTTP and of the cloud's calls) and machines' expiry stay as they are."`
	Cloud string   `enum:"none,ec2" default:"none" help:"Where to boot machines: none leaves it to somebody else, ec2 launches them by the EC2 protocol."`
	EC2   ec2Flags `embed:"" prefix:"ec2-" group:"EC2"`

	ProvisionTimeoutSeconds int `env:"PROVISION_TIMEOUT_SECONDS" placeholder:"N" help:"One provision budget for the boots of all runtimes, in seconds."`
}

// Run implements the command.
func (c *controllerCmd) Run(ctx context.Context, s streams) error {
	log := slog.New(slog.NewTextHandler(s.err, nil))
	settings, err := controller.Settings{ProvisionTimeout: time.Duration(c.ProvisionTimeoutSeconds) * time.Second}.Scale(c.Speed)
	if err != nil {
		return usage(err)
	}
	machines, closeCloud, err := c.machines(ctx, log)
	if err != nil {
		return err
	}
	defer closeCloud()
	rows, closeRows, err := c.store(ctx, log)
	switch {
	case err != nil && ctx.Err() != nil:
		return interrupted()
	case err != nil:
		return environment(err)
	}
	defer closeRows()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return environment(fmt.Errorf("listening: %w", err))
	}
	public := c.PublicURL
	if public == "" {
		public = "http://" + listener.Addr().String()
	}
	if c.AdminToken == "" {
		log.Warn("operators' calls are open: no admin token is set")
	}
	k, err := controller.New(controller.Config{
		Store: rows, AdminToken: c.AdminToken, Secret: []byte(c.Secret), PublicURL: public, Logger: log, Metrics: registry,
		Settings: settings, Cloud: machines,
	})
	if err != nil {
		return usage(err)
	}
	server := &http.Server{
		Handler: k.Handler(), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
	}
	log.Info("serving", "address", listener.Addr().String(), "version", version())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ticked := make(chan struct{})
	ticks, stopTicks := context.WithCancel(ctx)
	defer stopTicks()
	go func() { defer close(ticked); k.Run(ticks) }()
	select {
	case err = <-served:
	case <-ctx.Done():
		log.Info("stopping", "grace", c.Grace)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Grace)
		defer cancel()
		if err = server.Shutdown(grace); errors.Is(err, context.DeadlineExceeded) {
			server.Close() //nolint:errcheck // what is said below matters more
			err = fmt.Errorf("requests under way did not end within %s and were cut off", c.Grace)
		}
	}
	stopTicks()
	<-ticked
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return environment(err)
	}
	log.Info("stopped")
	return nil
}

// store opens where the rows are kept.
func (c *controllerCmd) store(ctx context.Context, log *slog.Logger) (store.Store, func(), error) {
	if c.DatabaseURL == "" {
		log.Warn("rows are kept in memory and lost at the end: no database URL is given")
		return memory.New(lifecycle.Standard(), nil), func() {}, nil
	}
	if err := postgres.Migrate(ctx, c.DatabaseURL); err != nil {
		return nil, nil, err
	}
	p, err := postgres.Open(ctx, c.DatabaseURL, lifecycle.Standard())
	if err != nil {
		return nil, nil, err
	}
	return p, p.Close, nil
}

// machines opens the cloud, or returns nil where there is none.
func (c *controllerCmd) machines(ctx context.Context, log *slog.Logger) (cloud.Cloud, func(), error) {
	if c.Cloud == "none" {
		if c.EC2.Endpoint != "" || c.EC2.AllowRealAWS {
			return nil, nil, usage(errors.New("where EC2 is was given, and --cloud ec2 was not"))
		}
		return nil, func() {}, nil
	}
	config := c.EC2.config()
	if err := config.Validate(); err != nil {
		return nil, nil, usage(err)
	}
	if c.Secret == "" {
		log.Warn("machines that boot across a restart will be refused: no secret is given, so their tokens are forgotten")
	}
	machines, err := ec2.New(ctx, config)
	if err != nil {
		return nil, nil, environment(err)
	}
	where := config.Endpoint
	if config.RealAWS() {
		where = "real AWS"
	}
	log.Info("launching machines", "cloud", "ec2", "at", where, "region", config.Region, "deployment", config.Deployment, "image", config.ImageID)
	return machines, machines.Close, nil
}
