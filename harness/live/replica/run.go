package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/cloud/docker"
	"github.com/bootrace/bootrace/controller/cloud/ec2"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/controller/store/postgres"
	"github.com/bootrace/bootrace/harness/child"
	"github.com/bootrace/bootrace/harness/hiccup"
	"github.com/bootrace/bootrace/internal/httpserver"
)

// maxConns is how many connections to Postgres a replica opens at most.
const maxConns = 6

// storePatience is how long a replica tries to reach its database when it starts, in real time: a Postgres that is being
// restarted is there again long before.
const storePatience = 30 * time.Second

// Run is the program of a replica's process. It returns only where the replica cannot start or stop serving; what ends it
// is a kill, or the end of its standard input.
func Run(ctx context.Context, stdin io.Reader, stdout, stderr io.Writer) error {
	var c Config
	if err := child.Configure(stdin, &c); err != nil {
		return err
	}
	r := &replica{Config: c, out: child.NewReporter(stdout), log: slog.New(slog.NewTextHandler(stderr, nil))}
	if err := r.serve(ctx); err != nil {
		r.report(Report{Kind: Unusable, Err: err.Error()})
		return err
	}
	return nil
}

type replica struct {
	Config
	rows *postgres.Store
	out  *child.Reporter
	log  *slog.Logger
}

func (r *replica) report(x Report) {
	if x.At.IsZero() {
		x.At = time.Now()
	}
	r.out.Report(x)
}

func (r *replica) panicked(by string, p any) {
	r.report(Report{Kind: Panicked, By: by, Err: fmt.Sprint(p)})
}

// sourceStore names what a replica measures of its store, and nominalRead is what a read may take on a machine that keeps up, which
// is an allowance and no measurement.
const (
	sourceStore = "a read of its store"
	nominalRead = 10 * time.Millisecond
)

// read reads a row that is not there, on the connections that all else of the controller uses: it waits in line with its calls and
// its sweeps, which no other measurement does. Faults do not strike it.
func (r *replica) read(ctx context.Context) error {
	if _, err := r.rows.Get(ctx, uuid.Nil); !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("reading a row that is not there: %w", err)
	}
	return nil
}

func (r *replica) serve(ctx context.Context) error {
	built, err := r.build(ctx)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("replica: %w", err)
	}
	for _, tick := range built.Ticks {
		go r.tick(ctx, tick)
	}
	meter := hiccup.Start(hiccup.Options{
		Kernel: true, Report: func(w hiccup.Window) { r.report(Report{Kind: Slow, Window: &w}) },
		Probes: []hiccup.Probe{{Source: sourceStore, Nominal: nominalRead, Do: r.read}},
	})
	defer meter.Close()
	r.report(Report{Kind: Ready, Address: listener.Addr().String()})
	server := httpserver.New(introduced(built.Handler, r.panicked))
	server.ErrorLog = slog.NewLogLogger(r.log.Handler(), slog.LevelWarn)
	return server.Serve(listener)
}

// build makes the controller: on Postgres and EC2, with the defect that was asked for.
func (r *replica) build(ctx context.Context) (defects.Built, error) {
	var defect *defects.Defect
	var err error
	if r.Defect != "" {
		if defect, err = defects.Find(r.Defect); err != nil {
			return defects.Built{}, err
		}
	}
	rows, err := r.open(ctx, defect.Lifecycle(lifecycle.Standard()))
	if err != nil {
		return defects.Built{}, err
	}
	r.rows = rows
	machines, err := r.machines(ctx)
	if err != nil {
		return defects.Built{}, err
	}
	c := controller.Config{
		Store: rows, Cloud: told{machines, r.report}, Settings: r.Settings, Secret: []byte(r.Secret), PublicURL: r.PublicURL,
		AdminToken: r.AdminToken,
		Clock:      controller.WallClock{}, Logger: r.log,
	}
	if r.Steps != "" {
		transport := &http.Transport{MaxIdleConnsPerHost: maxConns}
		c.Store = (&steps{r.Config, &http.Client{Transport: transport}}).around(rows)
	}
	return defects.Build(defect, defects.NewShared().Replica(c.Clock.Now()), c)
}

// machines is the cloud.
func (r *replica) machines(ctx context.Context) (cloud.Cloud, error) {
	if r.Docker != nil {
		return docker.New(*r.Docker)
	}
	return ec2.New(ctx, ec2.Config{
		Deployment: "live", Endpoint: r.Endpoint, ImageID: "ami-0b007ace000000001", AgentCommand: "bootrace agent",
		// One try: the SDK waits by the wall clock between tries, which is minutes of the contract's time, and the launcher
		// tries again anyhow.
		MaxAttempts: 1, AttemptTimeout: r.Settings.LaunchTimeout, Settle: r.Settle,
	})
}

// open opens the store, as soon as the database lets it.
func (r *replica) open(ctx context.Context, table *lifecycle.Table) (*postgres.Store, error) {
	giveUp := time.Now().Add(storePatience)
	for {
		rows, err := postgres.Open(ctx, r.DatabaseURL, table, postgres.MaxConns(maxConns), postgres.Speaker(speaker))
		if err == nil || time.Now().After(giveUp) {
			return rows, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// tick runs a tick for ever. Its errors and panics are reported, and its next turn goes on.
func (r *replica) tick(ctx context.Context, tick controller.Tick) {
	ctx = within(ctx, task{name: tick.Name})
	time.Sleep(r.Phases[tick.Name])
	for ctx.Err() == nil {
		r.turn(ctx, tick)
		time.Sleep(tick.Every)
	}
}

func (r *replica) turn(ctx context.Context, tick controller.Tick) {
	defer func() {
		if p := recover(); p != nil {
			r.panicked(tick.Name, p)
		}
	}()
	if err := tick.Run(ctx); err != nil {
		r.report(Report{Kind: TickErr, By: tick.Name, Err: err.Error()})
	}
}
