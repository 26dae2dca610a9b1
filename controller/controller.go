package controller

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bootrace/bootrace/controller/cloud"
	"github.com/bootrace/bootrace/controller/store"
)

// Config is what a controller is made of.
type Config struct {
	Store store.Store // required
	// Cloud boots the machines; without one, agents have to be booted by somebody else and are given their token by
	// their first register.
	Cloud    cloud.Cloud
	Settings Settings

	// AdminToken is the operators' bearer token; where empty, their calls are open (development mode).
	AdminToken string
	// Secret is what the tokens of booting machines are derived from. All replicas on one database must have the same,
	// and it must survive restarts. Where empty, a random one is drawn.
	Secret []byte
	// PublicURL is how agents reach the controller.
	PublicURL string

	Clock   Clock     // default: the machine's
	Entropy io.Reader // default: crypto/rand
	// Each runs do for 0 … n-1, concurrently if it likes, and returns when all have returned; default: at most 16
	// goroutines. A simulation runs them as its own tasks.
	Each func(ctx context.Context, n int, do func(ctx context.Context, i int))

	Logger  *slog.Logger          // default: discards
	Metrics prometheus.Registerer // default: none are exported
}

// Controller serves the HTTP contract and runs the ticks. Create one with New; it is safe for concurrent use.
type Controller struct {
	Config
	ticks   []Tick
	metrics *metrics
}

// Tick is a step that reads what is stored and acts on it, again and again.
type Tick struct {
	Name  string
	Every time.Duration // from the end of one run to the start of the next
	Run   func(context.Context) error
}

// Names of the ticks.
const (
	TickLauncher       = "launcher"
	TickProvisionSweep = "provision-sweep"
	TickLivenessSweep  = "liveness-sweep"
	TickOrphanSweep    = "orphan-sweep"
)

// New checks the configuration and fills in its defaults.
func New(c Config) (*Controller, error) {
	if c.Store == nil {
		return nil, errors.New("controller: Config.Store is required")
	}
	c.Settings = c.Settings.WithDefaults()
	if err := c.Settings.Validate(); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = WallClock{}
	}
	if c.Entropy == nil {
		c.Entropy = rand.Reader
	}
	if c.Each == nil {
		c.Each = eachGoroutine
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if len(c.Secret) == 0 {
		c.Secret = make([]byte, 32)
		if _, err := io.ReadFull(c.Entropy, c.Secret); err != nil {
			return nil, fmt.Errorf("controller: drawing a secret: %w", err)
		}
	}
	k := &Controller{Config: c, metrics: newMetrics(c.Metrics)}
	k.ticks = []Tick{
		{TickProvisionSweep, c.Settings.ProvisionSweepEvery, k.sweepProvisioning},
		{TickLivenessSweep, c.Settings.LivenessSweepEvery, k.sweepSilent},
	}
	if c.Cloud != nil {
		k.ticks = append(k.ticks,
			Tick{TickLauncher, c.Settings.LauncherEvery, k.reconcileMachines},
			Tick{TickOrphanSweep, c.Settings.OrphanSweepEvery, k.sweepOrphans})
	}
	return k, nil
}

// Ticks returns what has to be run again and again, each by itself and never twice at once in one replica.
func (c *Controller) Ticks() []Tick { return c.ticks }

// Run runs every tick on the wall clock until ctx is done, and returns when all have stopped. A tick that fails is logged
// and runs again at its next turn.
func (c *Controller) Run(ctx context.Context) { c.RunTicks(ctx, c.ticks) }

// RunTicks is Run for other ticks than the controller's own: those that somebody has altered.
func (c *Controller) RunTicks(ctx context.Context, ticks []Tick) {
	var all sync.WaitGroup
	for _, tick := range ticks {
		all.Go(func() {
			for {
				c.RunTick(ctx, tick)
				select {
				case <-ctx.Done():
					return
				case <-time.After(tick.Every):
				}
			}
		})
	}
	all.Wait()
}

// RunTick runs the tick once, and logs and counts its failure.
func (c *Controller) RunTick(ctx context.Context, tick Tick) {
	if err := tick.Run(ctx); err != nil && ctx.Err() == nil {
		c.metrics.tickErrors.WithLabelValues(tick.Name).Inc()
		c.Logger.WarnContext(ctx, "tick failed; its next turn goes on", "tick", tick.Name, "error", err)
	}
}

// Handler returns the HTTP contract's routes.
func (c *Controller) Handler() http.Handler { return c }

// LaunchesAtOnce bounds the calls that one replica makes to the cloud at the same time.
const LaunchesAtOnce = 16

func eachGoroutine(ctx context.Context, n int, do func(context.Context, int)) {
	var all sync.WaitGroup
	slots := make(chan struct{}, LaunchesAtOnce)
	for i := range n {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			do(ctx, i)
		})
	}
	all.Wait()
}
