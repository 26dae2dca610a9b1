package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/bootrace/bootrace/harness"
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
	World string `enum:"sim,live" default:"sim" help:"Where scenarios are played: sim, in virtual time, or live, on wall-clock time with real processes."`
	Cloud string `enum:"fake,ec2,docker" default:"fake" help:"Where machines run. In sim: fake, without a protocol, or ec2, which has the controller's EC2 client speak EC2's protocol to a fake. Live: fake, which are processes that a fake EC2 starts, or docker, which are containers."`
	Speed speed  `placeholder:"FACTOR" default:"auto" help:"How many times faster than the contract's time a live run is, exactly; or auto: up to 60 (20 with --cloud docker), so that ten minutes take ten seconds, and slower if this machine cannot keep up. A scenario that it was too slow to judge is played again at half the speed, at most twice."`
}

// check reports what makes no sense of the flags together.
func (f liveFlags) check(store string) error {
	switch {
	case f.World != "live" && f.Speed.factor != 0:
		return errors.New("--speed is for --world live: virtual time takes no time")
	case f.World != "live" && f.Cloud == "docker":
		return errors.New("--cloud docker is for --world live: in virtual time, machines are simulated")
	case f.World == "live" && f.Cloud == plan.EC2:
		return errors.New("--cloud ec2 is for the simulated world: a live run's fake cloud is EC2's already")
	case f.World != "live":
		return nil
	case store != "postgres":
		return errors.New("--world live keeps its rows in Postgres: leave --store out")
	}
	return nil
}

// maxSpeed is where a heartbeat's time-out gets shorter than a process may be kept waiting for a core.
const maxSpeed = 600

// speed is a factor, or 0 for auto.
type speed struct{ factor float64 }

// UnmarshalText reads the flag.
func (s *speed) UnmarshalText(text []byte) error {
	if string(text) == "auto" {
		s.factor = 0
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(f > 0 && f <= maxSpeed) {
		return fmt.Errorf("must be auto, or a number above 0 and at most %d, not %q", maxSpeed, text)
	}
	s.factor = f
	return nil
}

// fastest is the speed, or the highest where it adapts.
func (f liveFlags) fastest() float64 {
	switch {
	case f.Speed.factor != 0:
		return f.Speed.factor
	case f.Cloud == "docker":
		return liveworld.DefaultContainerSpeed
	default:
		return liveworld.DefaultSpeed
	}
}

// pace is how fast the run goes, and how many scenarios at a time.
func (c *runCmd) pace() *harness.Pace {
	jobs := liveJobs
	if c.Cloud == "docker" {
		jobs = containerJobs
	}
	return harness.NewPace(c.fastest(), c.Speed.factor != 0, c.jobs(jobs), c.Jobs != nil)
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
func (f liveFlags) where(c *liveworld.Containers, p *harness.Pace) string {
	now, free := p.Speed()
	where := fmt.Sprintf("live, %g× real time", now)
	if f.Speed.factor == 0 {
		where = fmt.Sprintf("live, %g× real time at the start (auto, %.0f%% of this machine is free)", now, free*100)
	}
	if c != nil {
		where += ", " + c.Describe()
	}
	return where
}

// sort makes live plans of those that can be carried out so, and says why the others cannot.
func (f liveFlags) sort(plans []*plan.Plan, o liveworld.Options) (possible []*plan.Plan, leftOut []runs.LeftOut) {
	for _, p := range plans {
		if reason, ok := o.Supports(p); ok {
			possible = append(possible, liveworld.Plan(p, f.fastest()))
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
