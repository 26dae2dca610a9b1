package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	liveworld "github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

// liveControllerCmd and liveAgentCmd are how this program starts itself for the parts of a live run. They are configured on
// their standard input, and nobody calls them by hand.
type liveControllerCmd struct{}

// Run implements the command.
func (liveControllerCmd) Run(s streams) error { return livePart(liveworld.CommandController, s) }

type liveAgentCmd struct{}

// Run implements the command.
func (liveAgentCmd) Run(s streams) error { return livePart(liveworld.CommandAgent, s) }

type liveSignalCmd struct {
	Name string `arg:""`
}

// Run implements the command.
func (liveSignalCmd) Run(s streams) error { return livePart(liveworld.CommandSignal, s) }

// livePart runs until it is killed or its parent is gone: a signal that reaches it by the terminal is its parent's to heed.
func livePart(command string, s streams) error {
	if err := liveworld.Main(context.Background(), command, os.Stdin, s.out, s.err); err != nil {
		return environment(err)
	}
	return nil
}

// containerJobs is the same where each workspace is a container, whose start keeps the cores busy.
const containerJobs = 1

// liveJobs is how many scenarios are played at a time on wall-clock time, where they sleep most of it.
const liveJobs = 8

// liveFlags choose the world.
type liveFlags struct {
	World string  `enum:"sim,live" default:"sim" help:"Where scenarios are played: sim, in virtual time, or live, on wall-clock time with real processes."`
	Cloud string  `enum:"fake,docker" default:"fake" help:"Where a live run's machines are: fake, processes that a fake EC2 starts, or docker, containers."`
	Speed float64 `placeholder:"FACTOR" help:"How many times faster a live run goes than the contract's time (default: 60, so that ten minutes are ten seconds; 20 with --cloud docker)."`
}

// check reports what makes no sense of the flags together.
func (f liveFlags) check(store string) error {
	switch {
	case f.World != "live" && f.Speed != 0:
		return errors.New("--speed is for --world live: virtual time takes no time")
	case f.World != "live" && f.Cloud != "fake":
		return errors.New("--cloud is for --world live: in virtual time, machines are simulated")
	case f.World != "live":
		return nil
	case store != "postgres":
		return errors.New("--world live keeps its rows in Postgres: leave --store out")
	case f.Speed < 0 || f.Speed > maxSpeed:
		return fmt.Errorf("--speed must be above 0 and at most %d, not %g", maxSpeed, f.Speed)
	}
	return nil
}

// maxSpeed is where a heartbeat's time-out gets shorter than a process may be kept waiting for a core.
const maxSpeed = 600

func (f liveFlags) speed() float64 {
	switch {
	case f.Speed != 0:
		return f.Speed
	case f.Cloud == "docker":
		return liveworld.DefaultContainerSpeed
	default:
		return liveworld.DefaultSpeed
	}
}

// containers opens the Docker Engine, where machines are to be on one; else it returns nil.
func (f liveFlags) containers(ctx context.Context, s streams) (*liveworld.Containers, error) {
	if f.Cloud != "docker" {
		return nil, nil
	}
	c, err := liveworld.OpenContainers(ctx, func(step string) { fmt.Fprintf(s.err, "bootrace: %s\n", step) })
	if err != nil {
		return nil, stopped(ctx, err)
	}
	return c, nil
}

// where says where the scenarios are played.
func (f liveFlags) where(c *liveworld.Containers) string {
	where := fmt.Sprintf("live, %g× real time", f.speed())
	if c != nil {
		where += ", " + c.Describe()
	}
	return where
}

// sort makes live plans of those that can be carried out so, and says why the others cannot.
func (f liveFlags) sort(plans []*plan.Plan, o liveworld.Options) (possible []*plan.Plan, leftOut []runs.LeftOut) {
	for _, p := range plans {
		if reason, ok := o.Supports(p); ok {
			possible = append(possible, liveworld.Plan(p, f.speed()))
		} else {
			leftOut = append(leftOut, runs.LeftOut{Scenario: p.Name, Reason: reason})
		}
	}
	return possible, leftOut
}

// ticker shows how far a live run is, which takes its time.
type ticker struct {
	mu       sync.Mutex
	progress reports.Progress
	began    time.Time
	plans    int
	over     int
	stop     chan struct{}
	stopped  sync.WaitGroup
}

// startTicker begins to show. Close it when done.
func startTicker(s streams, plans []*plan.Plan) *ticker {
	t := &ticker{
		progress: reports.Progress{W: s.err, Live: s.liveErr}, began: time.Now(), plans: len(plans), stop: make(chan struct{}),
	}
	t.stopped.Go(func() {
		every := time.NewTicker(500 * time.Millisecond)
		defer every.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-every.C:
				t.show()
			}
		}
	})
	return t
}

func (t *ticker) show() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress.Line(fmt.Sprintf("playing for %s: %d of %s over", time.Since(t.began).Round(time.Second), t.over,
		plural(t.plans, "scenario", "scenarios")))
}

// count notes that a scenario is over.
func (t *ticker) count(*plan.Plan) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over++
}

// result writes a result in between.
func (t *ticker) result(x *runs.Result, write func(*runs.Result)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.progress.End()
	write(x)
}

// close ends the line, for good.
func (t *ticker) close() {
	close(t.stop)
	t.stopped.Wait()
	t.progress.End()
}
