package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/memory"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/internal/httpserver"
)

type controllerCmd struct {
	Listen      string        `default:"127.0.0.1:8080" placeholder:"ADDRESS" help:"Address to serve on (default: ${default}). Port 0 selects a free port."`
	DatabaseURL string        `env:"DATABASE_URL" placeholder:"URL" help:"Postgres database to keep the rows in. It is migrated on start. Without it, rows are kept in memory and lost on exit."`
	AdminToken  string        `env:"ADMIN_TOKEN" placeholder:"TOKEN" help:"Bearer token of the operators. Without it, their calls need no token (development mode)."`
	Secret      string        `env:"BOOTRACE_SECRET" placeholder:"TEXT" help:"Secret from which the tokens of booting machines are derived. It must be the same for all replicas, and must not change."`
	Host        []string      `placeholder:"NAME" help:"Name at which agents and operators reach this server, beside that of the public URL, localhost and the address. Requests to other names are refused, so that no web page can make them."`
	PublicURL   string        `placeholder:"URL" help:"URL at which agents reach this server. Default: http://<listen>."`
	Grace       time.Duration `default:"10s" help:"How long pending requests may take to finish after SIGTERM."`

	Speed  float64     `default:"1" placeholder:"N" help:"Divides every duration of the controller: budgets, liveness TTLs, sweeps, launches. 60 makes a minute a second. Timeouts of HTTP and of cloud calls, and the expiry of machines, stay as they are."`
	Cloud  string      `enum:"none,ec2,docker" default:"none" help:"Where to boot machines: none launches none, ec2 launches them by the EC2 protocol, docker as containers."`
	EC2    ec2Flags    `embed:"" prefix:"ec2-" group:"EC2"`
	Docker dockerFlags `embed:"" prefix:"docker-" group:"Docker"`

	Defect string `predictor:"defect" env:"BOOTRACE_DEFECT" placeholder:"NAME" help:"Give the controller a named defect, to test a harness: see bootrace defects."`

	ProvisionTimeoutSeconds int `env:"PROVISION_TIMEOUT_SECONDS" placeholder:"N" help:"One provision budget for all runtimes, in seconds."`
}

// Run implements the command.
func (c *controllerCmd) Run(ctx context.Context, s streams) error {
	log := slog.New(slog.NewTextHandler(s.err, nil))
	settings, err := controller.Settings{ProvisionTimeout: time.Duration(c.ProvisionTimeoutSeconds) * time.Second}.Scale(c.Speed)
	if err != nil {
		return usage(err)
	}
	defect, err := findDefect(c.Defect)
	if err != nil {
		return usage(err)
	}
	machines, err := c.machines(ctx, log)
	if err != nil {
		return err
	}
	defer machines.close()
	rows, closeRows, err := c.store(ctx, log, defect.Lifecycle(lifecycle.Standard()))
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
		public = "http://" + machines.reach(listener.Addr().String())
	}
	if defect != nil {
		log.Warn("this controller has a defect, on purpose", "defect", defect.Name, "breaks", defect.Breaks)
	}
	if c.AdminToken == "" {
		log.Warn("operators' calls are open: no admin token is set")
	}
	k, err := defects.Build(defect, defects.NewShared().Replica(time.Now()), controller.Config{
		Store: rows, AdminToken: c.AdminToken, Secret: []byte(c.Secret), PublicURL: public, Logger: log, Metrics: registry,
		Settings: settings, Cloud: machines.cloud,
	})
	if err != nil {
		return usage(err)
	}
	server := httpserver.New(httpserver.Closed(httpserver.JSONOnly(k.Handler, true), append(c.Host, hostOf(public))))
	server.ErrorLog, server.WriteTimeout = slog.NewLogLogger(log.Handler(), slog.LevelWarn), time.Minute
	log.Info("serving", "address", listener.Addr().String(), "public", public, "version", version())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ticked := make(chan struct{})
	ticks, stopTicks := context.WithCancel(ctx)
	defer stopTicks()
	go func() { defer close(ticked); k.Controller.RunTicks(ticks, k.Ticks) }()
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

// hostOf is the name in a URL.
func hostOf(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// store opens where the rows are kept.
func (c *controllerCmd) store(ctx context.Context, log *slog.Logger, table *lifecycle.Table) (store.Store, func(), error) {
	if c.DatabaseURL == "" {
		log.Warn("rows are kept in memory and lost at the end: no database URL is given")
		return memory.New(table, nil), func() {}, nil
	}
	if err := postgres.Migrate(ctx, c.DatabaseURL); err != nil {
		return nil, nil, err
	}
	p, err := postgres.Open(ctx, c.DatabaseURL, table)
	if err != nil {
		return nil, nil, err
	}
	return p, p.Close, nil
}

// machines is where the controller boots machines.
type machines struct {
	cloud cloud.Cloud // nil where it is for somebody else to do
	host  string      // by which they reach this machine, where that is not the one that is listened on
	close func()
}

// reach is the address at which machines reach what listens at the address.
func (m machines) reach(listener string) string {
	if _, port, err := net.SplitHostPort(listener); err == nil && m.host != "" {
		return net.JoinHostPort(m.host, port)
	}
	return listener
}

// machines opens the cloud, where there is one.
func (c *controllerCmd) machines(ctx context.Context, log *slog.Logger) (machines, error) {
	none := machines{close: func() {}}
	switch flag := c.Docker.given(); {
	case c.Cloud != "ec2" && (c.EC2.Endpoint != "" || c.EC2.AllowRealAWS):
		return none, usage(errors.New("where EC2 is was given, and --cloud ec2 was not"))
	case c.Cloud != "docker" && flag != "":
		return none, usage(fmt.Errorf("%s was given, and --cloud docker was not", flag))
	case c.Cloud == "none":
		return none, nil
	case c.Secret == "":
		log.Warn("machines that boot across a restart will be refused: no secret is given, so their tokens are forgotten")
	}
	if c.Cloud == "docker" {
		d, host, err := c.openDocker(ctx)
		if err != nil {
			return none, err
		}
		log.Info("launching machines", "cloud", "docker", "at", d.Where(), "deployment", c.Docker.Deployment)
		return machines{d, host, d.Close}, nil
	}
	config := c.EC2.config()
	if err := config.Validate(); err != nil {
		return none, usage(err)
	}
	e, err := ec2.New(ctx, config)
	if err != nil {
		return none, environment(err)
	}
	where := config.Endpoint
	if config.RealAWS() {
		where = "real AWS"
	}
	log.Info("launching machines", "cloud", "ec2", "at", where, "region", config.Region, "deployment", config.Deployment, "image", config.ImageID)
	return machines{e, "", e.Close}, nil
}
