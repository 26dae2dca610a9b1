package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/store/postgres/pgserver"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/reports"
	"github.com/bootrace/bootrace/scenarios"
)

// storeFlags choose where controllers keep their rows.
type storeFlags struct {
	Store       string `enum:"postgres,memory" default:"postgres" help:"Where the controller keeps its rows: ${enum}."`
	DatabaseURL string `env:"BOOTRACE_DATABASE_URL" placeholder:"URL" help:"A Postgres server to use, as a user who may create databases; without it one is found or started."`
	Postgres    string `enum:"auto,binaries,download,docker" default:"auto" help:"Where Postgres comes from where no URL is given: ${enum}. auto tries them in this order."`
}

// open opens the source of stores.
func (f storeFlags) open(ctx context.Context) (stores.Source, error) {
	if f.Store == "memory" {
		return stores.Memory(), nil
	}
	o := pgserver.Options{URL: f.DatabaseURL}
	if f.Postgres != "auto" {
		o.Source = f.Postgres
	}
	source, err := stores.Postgres(ctx, o)
	if err != nil {
		return nil, environment(err)
	}
	return source, nil
}

type runCmd struct {
	Scenarios []string `arg:"" optional:"" predictor:"scenario" help:"Built-in scenarios by name, or YAML files or folders; all built-in ones where none is given."`

	Seed   *uint64 `help:"Decides every choice: boot times, latencies, interleavings. Drawn and printed where not given."`
	Defect string  `predictor:"defect" help:"Give the reference controller a named defect: see bootrace defects."`
	storeFlags
	Out  string `default:"runs" type:"path" help:"Folder that runs are kept in."`
	Jobs int    `default:"${jobs}" help:"Scenarios played at a time."`
	All  bool   `help:"Tell the story of every violated scenario, not only of the first."`
}

// Run implements the command.
func (c *runCmd) Run(ctx context.Context, s streams) error {
	began := time.Now()
	seed := rand.Uint64N(1_000_000) //nolint:gosec // it only has to differ
	if c.Seed != nil {
		seed = *c.Seed
	}
	var defect *defects.Defect
	if c.Defect != "" {
		var err error
		if defect, err = defects.Find(c.Defect); err != nil {
			return usage(err)
		}
	}
	plans, err := c.plans(seed)
	if err != nil {
		return usage(err)
	}
	source, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // closed below where it matters
	t := terminal(s, c.All)
	t.Header(version(), seed, "sim", source.Describe(), c.Defect)
	r, err := harness.Suite{
		Plans: plans, Source: source, Defect: defect, Seed: seed, Version: version(), Began: began, Parent: c.Out,
		Jobs: c.Jobs, Progress: t.Result,
	}.Run(ctx)
	if err != nil {
		return environment(err)
	}
	if err := reports.Write(r); err != nil {
		return environment(err)
	}
	t.Summary(r)
	if err := source.Close(); err != nil {
		return environment(fmt.Errorf("cleaning up: %w", err))
	}
	return verdict(r)
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
		plans = append(plans, p)
	}
	return plans, nil
}

// find returns the scenarios that the arguments name: built-in ones by name, others by file or folder.
func find(args []string) ([]*scenarios.Scenario, error) {
	if len(args) == 0 {
		return scenarios.Builtin(), nil
	}
	var list []*scenarios.Scenario
	for _, arg := range args {
		if _, err := os.Stat(arg); err == nil {
			some, err := scenarios.Files([]string{arg})
			if err != nil {
				return nil, err
			}
			list = append(list, some...)
			continue
		}
		one, err := scenarios.Find(arg)
		if err != nil {
			return nil, fmt.Errorf("%w, and there is no file of that name", err)
		}
		list = append(list, one)
	}
	seen := map[string]bool{}
	for _, s := range list {
		if seen[s.Name] {
			return nil, fmt.Errorf("two scenarios are named %s", s.Name)
		}
		seen[s.Name] = true
	}
	return list, nil
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

// terminal writes to the standard output: in colour where a person reads it and has not asked for none.
func terminal(s streams, all bool) reports.Terminal {
	color := false
	if f, ok := s.out.(*os.File); ok && os.Getenv("NO_COLOR") == "" {
		if info, err := f.Stat(); err == nil {
			color = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return reports.Terminal{W: s.out, Color: color, All: all}
}
