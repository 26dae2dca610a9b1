package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"time"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	liveworld "github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/pgserver"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/reports"
	"github.com/bootrace/bootrace/scenarios"
)

// storeFlags choose where controllers keep their rows.
type storeFlags struct {
	Store       string `enum:"postgres,memory" default:"${store}" help:"Where the controller keeps its rows: postgres or memory."`
	DatabaseURL string `env:"BOOTRACE_DATABASE_URL" placeholder:"URL" help:"A Postgres server to use, as a user that may create databases. Without it, one is found or started."`
	Postgres    string `enum:"auto,binaries,docker" default:"auto" help:"Where Postgres comes from if no URL is given: binaries or docker; auto tries them in this order."`
}

// fakeCloud is the cloud without a wire.
const fakeCloud = "fake"

// plansCloud is the simulated cloud as plans name it.
func plansCloud(flag string) string {
	if flag == plan.EC2 {
		return plan.EC2
	}
	return ""
}

// open opens the source of stores.
func (f storeFlags) open(ctx context.Context, s streams) (stores.Source, error) {
	if f.Store == "memory" {
		return stores.Memory(), nil
	}
	return openPostgres(ctx, f, s, stores.Postgres)
}

// openPostgres finds or starts the server that the flags choose.
func openPostgres[T any](ctx context.Context, f storeFlags, s streams, open func(context.Context, pgserver.Options) (T, error)) (T, error) {
	o := pgserver.Options{URL: f.DatabaseURL, Progress: func(step string) { fmt.Fprintf(s.err, "bootrace: %s\n", step) }}
	if f.Postgres != "auto" {
		o.Source = f.Postgres
	}
	var none T
	if o.URL != "" && o.Source != "" {
		return none, usage(fmt.Errorf("--postgres %s is for where no URL is given", f.Postgres))
	}
	opened, err := open(ctx, o)
	switch {
	case err != nil && ctx.Err() != nil:
		return none, interrupted()
	case err != nil:
		return none, environment(err)
	}
	return opened, nil
}

type runCmd struct {
	Scenarios []string `arg:"" optional:"" predictor:"scenario" help:"Built-in scenarios by name, or YAML files or folders. Default: all built-in scenarios."`

	Seed       *uint64 `placeholder:"NUMBER" help:"Seed of every choice: boot times, latencies, interleavings. Default: a random one, which is printed."`
	Seeds      *int    `placeholder:"N" help:"Play each scenario with N seeds, from --seed on (default: from 1), and print how often each promise breaks, with the smallest seed that breaks it. Use --store memory for thousands."`
	Defect     string  `predictor:"defect" placeholder:"NAME" help:"Give the reference controller a named defect: see bootrace defects."`
	storeFlags `embed:"" set:"store=postgres"`
	Out        string `default:"runs" type:"path" placeholder:"FOLDER" help:"Folder for runs (default: runs)."`
	Jobs       *int   `placeholder:"N" help:"Number of scenarios played at a time (default: one for each core; 8 in live runs, which mostly wait)."`
	liveFlags  `embed:""`
	All        bool `help:"Explain every violated scenario, not only one for each cause."`

	targetFlags `embed:""`
}

// Validate is called when the command line was read.
func (c *runCmd) Validate() error {
	if c.Jobs != nil && *c.Jobs < 1 {
		return fmt.Errorf("--jobs must be at least 1, not %d", *c.Jobs)
	}
	switch {
	case c.Seeds != nil && *c.Seeds < 1:
		return fmt.Errorf("--seeds must be at least 1, not %d", *c.Seeds)
	case c.Seeds != nil && (c.given() || c.World == runs.Live):
		return errors.New("--seeds is for the simulated world: on a wall clock a seed does not decide the course")
	}
	if name := c.stray(); name != "" {
		return fmt.Errorf("%s is for a --target", name)
	}
	if c.given() && c.Cloud != fakeCloud {
		return fmt.Errorf("a --target has a cloud of its own: leave --cloud out")
	}
	if c.given() && c.World == runs.Live {
		return errors.New("a --target is its own world: leave --world out")
	}
	return c.check(c.Store)
}

// Run implements the command.
func (c *runCmd) Run(ctx context.Context, s streams) error {
	began := time.Now()
	seed := rand.Uint64N(1_000_000) //nolint:gosec // it only has to differ
	if c.Seed != nil {
		seed = *c.Seed
	}
	if c.given() {
		return c.target(ctx, s, seed, began)
	}
	defect, err := findDefect(c.Defect)
	if err != nil {
		return usage(err)
	}
	if c.Seeds != nil {
		return c.seeds(ctx, s, defect, began)
	}
	plans, err := c.plans(seed)
	if err != nil {
		return usage(err)
	}
	suite := harness.Suite{Plans: plans, Defect: defect, Seed: seed, Version: version(), Began: began, Parent: c.Out}
	if c.World == runs.Live {
		return c.playLive(ctx, s, suite)
	}
	if suite.Source, err = c.open(ctx, s); err != nil {
		return err
	}
	suite.Jobs = c.jobs(runtime.NumCPU())
	t := terminal(s, c.All, plans)
	t.Header(version(), seed, runs.Simulated, suite.Source.Describe(), c.Defect)
	suite.Progress = t.Result
	defer context.AfterFunc(ctx, func() {
		if context.Cause(ctx) != context.Canceled { //nolint:errorlint // a signal's cause is that, too, to errors.Is
			fmt.Fprintln(s.err, "bootrace: stopping when the scenarios under way are over; a second signal ends it at once")
		}
	})()
	return finish(ctx, suite, t, suite.Source.Close, func() {})
}

// playLive plays the suite on wall-clock time.
func (c *runCmd) playLive(ctx context.Context, s streams, suite harness.Suite) error {
	postgres, err := openPostgres(ctx, c.storeFlags, s, liveworld.OpenPostgres)
	if err != nil {
		return err
	}
	containers, err := c.containers(ctx, s)
	if err != nil {
		postgres.Close() //nolint:errcheck // the first error is the one to tell
		return err
	}
	if containers != nil {
		defer containers.Close()
	}
	suite.Live = &liveworld.Options{Postgres: postgres, Containers: containers}
	suite.Plans, suite.LeftOut = c.sort(suite.Plans, *suite.Live)
	suite.Pace = c.pace()
	suite.Pace.Measure()
	t := terminal(s, c.All, suite.Plans)
	t.Header(version(), suite.Seed, c.where(containers, suite.Pace), postgres.Describe(), c.Defect)
	t.LeftOut(suite.LeftOut)
	ticker := startTicker(s, suite.Plans)
	suite.Progress = func(x *runs.Result) { ticker.result(x, t.Result) }
	suite.Over = ticker.count
	defer context.AfterFunc(ctx, func() {
		if context.Cause(ctx) != context.Canceled { //nolint:errorlint // a signal's cause is that, too, to errors.Is
			fmt.Fprintln(s.err, "bootrace: stopping")
		}
	})()
	return finish(ctx, suite, t, postgres.Close, ticker.close)
}

// finish runs the suite, tells and keeps what came of it, and gives back what it was played on. Before it tells, played is
// called.
func finish(ctx context.Context, suite harness.Suite, t reports.Terminal, giveBack func() error, played func()) error {
	defer giveBack() //nolint:errcheck // done below where it matters
	r, err := suite.Run(ctx)
	played()
	if err != nil {
		return environment(err)
	}
	if err := reports.Write(r); err != nil {
		return environment(err)
	}
	t.Summary(r)
	t.Kept(r)
	if err := giveBack(); err != nil {
		return environment(fmt.Errorf("cleaning up: %w", err))
	}
	return verdict(r)
}

// jobs is how many scenarios are played at a time, where nobody says otherwise so many.
func (c *runCmd) jobs(otherwise int) int {
	if c.Jobs != nil {
		return *c.Jobs
	}
	return otherwise
}

// plans resolves the scenarios that the arguments name.
func (c *runCmd) plans(seed uint64) ([]*plan.Plan, error) {
	list, err := find(c.Scenarios)
	if err != nil {
		return nil, err
	}
	plans := make([]*plan.Plan, 0, len(list))
	for _, s := range list {
		p, err := plan.Resolve(s, seed)
		if err != nil {
			return nil, err
		}
		p.Cloud = plansCloud(c.Cloud)
		plans = append(plans, p)
	}
	return plans, nil
}

// find returns the scenarios that the arguments name: built-in ones by name, others by file or folder.
func find(args []string) ([]*scenarios.Scenario, error) {
	if len(args) == 0 {
		return scenarios.Builtin(), nil
	}
	var found []*scenarios.Scenario
	var bad scenarios.Problems
	homes := map[string]string{}
	for _, arg := range args {
		some, err := named(arg)
		var problems *scenarios.Problems
		switch {
		case errors.As(err, &problems):
			bad.List = append(bad.List, problems.List...)
			continue
		case err != nil:
			return nil, err
		}
		for _, s := range some {
			switch home, twice := homes[s.Name]; {
			case twice && home == arg:
				return nil, fmt.Errorf("%s is given twice", arg)
			case twice:
				return nil, fmt.Errorf("two scenarios are named %s: one of %s, one of %s", s.Name, home, arg)
			}
			homes[s.Name] = arg
		}
		found = append(found, some...)
	}
	if len(bad.List) > 0 {
		return nil, &bad
	}
	return found, nil
}

// named returns the scenarios that one argument names. A built-in name is one even where there is a folder of that name,
// as in the folder of a run.
func named(arg string) ([]*scenarios.Scenario, error) {
	one, unknown := scenarios.Find(arg)
	if unknown == nil {
		return []*scenarios.Scenario{one}, nil
	}
	if _, err := os.Stat(arg); err == nil {
		return scenarios.Files([]string{arg})
	}
	return nil, fmt.Errorf("there is no such file, and %w", unknown)
}

// verdict turns a run's verdict into the program's exit code.
func verdict(r *runs.Run) error {
	switch {
	case r.Interrupted:
		return exitError{code: exitInterrupted}
	case r.Verdict == invariant.Violated:
		return exitError{code: exitViolated}
	}
	for _, x := range r.Results {
		if x.Fault != "" {
			return exitError{code: exitEnvironment}
		}
	}
	if r.Verdict == invariant.Inconclusive {
		return exitError{code: exitInconclusive}
	}
	return nil
}

// terminal writes what comes of the plans to the standard output.
func terminal(s streams, all bool, plans []*plan.Plan) reports.Terminal {
	return reports.Terminal{W: s.out, Color: s.color, All: all}.Fit(plans)
}

func plansOf(results []*runs.Result) []*plan.Plan {
	plans := make([]*plan.Plan, len(results))
	for i, x := range results {
		plans[i] = x.Plan
	}
	return plans
}
