package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/reports"
)

// defaultSearch is how long a search goes on for which no bound is given.
const defaultSearch = 30 * time.Second

type checkCmd struct {
	Scenario   string        `arg:"" optional:"" predictor:"scenario" help:"Search around this scenario, a built-in one or a YAML file: the same fleet, acts and faults, with times, boots and schedules nearby. Default: whole plans are drawn."`
	From       string        `predictor:"run" placeholder:"FOLDER" help:"Search around a scenario of this kept run, such as runs/latest; of a live run, as it was measured."`
	Of         string        `placeholder:"NAME" help:"Which scenario of --from. Default: the first that is violated."`
	Distance   time.Duration `placeholder:"TIME" help:"How far times move at most from the scenario's. Default: 2m."`
	Checks     int           `placeholder:"NUMBER" help:"Stop after this number of plans."`
	For        time.Duration `placeholder:"TIME" help:"Stop after this time. Default: 30s, unless --checks is given."`
	Jobs       int           `placeholder:"N" help:"Play N plans at a time (default: one for each core). It does not change what is found."`
	KeepGoing  bool          `help:"Go on after a finding. Findings of one cause are counted together, and the first of each is made small and kept."`
	Seed       *uint64       `placeholder:"NUMBER" help:"Seed of the plans. Default: a random one, which is printed."`
	Strategy   string        `enum:"${strategies}" default:"${strategy}" help:"How schedules are drawn: ${enum}. portfolio alternates between the others; pct-d is probabilistic concurrency testing of depth d (default: ${default})."`
	Defect     string        `predictor:"defect" placeholder:"NAME" help:"Give the reference controller a named defect: see bootrace defects."`
	Coverage   bool          `help:"List how often each transition met each tick, before, between and after its steps."`
	storeFlags `embed:"" set:"store=memory"`
	Cloud      string `enum:"fake,ec2" default:"fake" help:"Where machines run: fake, or ec2, which has the controller's EC2 client speak EC2's protocol to a fake."`
	Out        string `default:"runs" type:"path" placeholder:"FOLDER" help:"Folder for the runs of findings (default: runs)."`
}

// Help says which search is for what.
func (checkCmd) Help() string {
	return `It plays plans until one breaks an invariant, then makes the plan small, explains it, and keeps it as a run and as a scenario.

Without a scenario it draws whole plans: fleets, boots around the edges of their budgets, faults, acts and schedules. With one, or with
--from and a kept run, it draws plans near it, of which the first is the scenario itself.

  bootrace run X               whether a scenario holds
  bootrace run X --seeds 1000  how often it breaks
  bootrace check X             what goes wrong near it
  bootrace check               what goes wrong that nobody thought of
  bootrace explore             whether anything can go wrong in a small world

Exit codes: 0 nothing found; 1 violated; 10 a plan takes two courses.`
}

// Validate is called when the command line was read.
func (c *checkCmd) Validate() error {
	if c.Checks < 0 || c.For < 0 || c.Jobs < 0 || c.Distance < 0 {
		return errors.New("--checks, --for, --jobs and --distance must not be below zero")
	}
	if c.Of != "" && c.From == "" {
		return errors.New("--of is which scenario of --from")
	}
	return nil
}

// Run implements the command.
func (c *checkCmd) Run(ctx context.Context, s streams) error {
	collectLess()
	began := time.Now()
	seed := rand.Uint64N(1_000_000) //nolint:gosec // it only has to differ
	if c.Seed != nil {
		seed = *c.Seed
	}
	if c.Checks == 0 && c.For == 0 {
		c.For = defaultSearch
	}
	defect, err := findDefect(c.Defect)
	if err != nil {
		return usage(err)
	}
	around, err := c.around(seed)
	if err != nil {
		return usage(err)
	}
	source, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	source = stores.Reusing(source)
	defer source.Close() //nolint:errcheck // closed below where it matters
	t := terminal(s, false, nil)
	t.Header(version(), seed, runs.Simulated, source.Describe(), c.Defect)
	progress := reports.Progress{W: s.err, Live: s.liveErr}
	strategies, err := generate.FindPortfolio(c.Strategy)
	if err != nil {
		return usage(err)
	}
	checked, err := harness.Checking{
		Target: sim.Reference(defect), Source: source, Seed: seed, Around: around, Distance: c.Distance, KeepGoing: c.KeepGoing, Strategies: strategies, Cloud: plansCloud(c.Cloud), Jobs: cmp.Or(c.Jobs, runtime.NumCPU()), Checks: c.Checks, For: c.For, Progress: func(k *harness.Checked) {
			progress.Line(checkLine(k))
		},
	}.Run(ctx)
	progress.End()
	var course *harness.Nondeterminism
	if errors.As(err, &course) && ctx.Err() == nil {
		return exitError{code: exitInconclusive, err: fmt.Errorf("check %d: %w", checked.Checks, err)}
	}
	if err != nil && ctx.Err() == nil {
		return environment(fmt.Errorf("check %d: %w", checked.Checks+1, err))
	}
	fmt.Fprintln(s.out, checkLine(checked))
	if checked.Found == nil && around == nil || c.Coverage {
		c.coverage(s, checked.Coverage)
	}
	kept := map[*harness.Finding]string{} // the folders
	for _, f := range checked.Causes {
		if c.KeepGoing {
			fmt.Fprintf(s.out, "\ncause %s\n  %s, the first in check %d\n", f.Fingerprint, plural(f.Plans, "plan", "plans"), f.Check)
		}
		if kept[f], err = c.keep(s, t, source, f.Found, seed, began); err != nil {
			return environment(err)
		}
	}
	if c.KeepGoing && len(checked.Causes) > 0 {
		causes(s, checked, kept)
	}
	if err := source.Close(); err != nil {
		return environment(fmt.Errorf("cleaning up: %w", err))
	}
	switch {
	case checked.Found != nil:
		return exitError{code: exitViolated}
	case ctx.Err() != nil:
		return interrupted()
	}
	return nil
}

// causes sums up what a search found that went on.
func causes(s streams, k *harness.Checked, kept map[*harness.Finding]string) {
	failed := 0
	for _, f := range k.Causes {
		failed += f.Plans
	}
	fmt.Fprintf(s.out, "\n%d of %d plans failed, of %s:\n", failed, k.Checks, plural(len(k.Causes), "cause", "causes"))
	for _, f := range slices.SortedStableFunc(slices.Values(k.Causes), func(a, b *harness.Finding) int { return cmp.Compare(b.Plans, a.Plans) }) {
		fmt.Fprintf(s.out, "  %6d × %s\n           %s; kept as %s\n", f.Plans, f.Fingerprint, share(f.Plans, k.Checks), kept[f])
	}
}

// coverage says what the search never reached, and on request all that it did.
func (c *checkCmd) coverage(s streams, k *harness.Coverage) {
	if missing := k.Missing(); len(missing) > 0 {
		fmt.Fprintf(s.out, "never reached: %s\n", strings.Join(missing, ", "))
	}
	reached, all := k.ReachedMeetings()
	fmt.Fprintf(s.out, "%d of %d possible meetings of a transition with a tick, before, between and after its steps", reached, all)
	if !c.Coverage {
		fmt.Fprintf(s.out, "; --coverage lists them\n")
		return
	}
	fmt.Fprintf(s.out, ":\n\n  %-34s %-16s %9s %9s %9s\n", "transition", "tick", sim.Before, sim.Between, sim.After)
	for _, m := range k.Meetings() {
		fmt.Fprintf(s.out, "  %-34s %-16s", m.Edge, m.Tick)
		for p := range sim.Positions {
			if m.Possible[p] {
				fmt.Fprintf(s.out, " %9d", m.Times[p])
			} else {
				fmt.Fprintf(s.out, " %9s", "–")
			}
		}
		fmt.Fprintln(s.out)
	}
	fmt.Fprintln(s.out)
	for _, why := range k.Impossible() {
		fmt.Fprintf(s.out, "  impossible: %s\n", why)
	}
}

// checkLine says how far a search is.
func checkLine(k *harness.Checked) string {
	reached, all := k.Coverage.Reached()
	return fmt.Sprintf("%d checks (%d of them twice), %.0f a second, %.0f virtual hours, %d of %d transitions reached", k.Checks,
		k.Twice, float64(k.Checks)/max(k.Wall.Seconds(), 1e-9), k.Virtual.Hours(), reached, all)
}

// keep writes what was found into a run's folder, which it returns, and as a scenario.
func (c *checkCmd) keep(s streams, t reports.Terminal, source stores.Source, f *harness.Found, seed uint64, began time.Time) (string, error) {
	o := f.Outcome
	r := &runs.Run{
		Form: runs.Form, Began: began, Version: version(), Seed: o.Plan.Seed, World: runs.Simulated, Store: source.Name(),
		Server: source.Describe(), Defect: c.Defect,
	}
	if err := r.Create(c.Out); err != nil {
		return "", err
	}
	x := r.Add(runs.Played{
		Plan: o.Plan, History: o.History, Digest: o.Digest, Judgement: o.Judgement, Wall: o.Wall, Fault: o.Fault,
	})
	r.Wall = time.Since(began)
	if err := errors.Join(r.SaveHistory(x), r.Save(), reports.Write(r)); err != nil {
		return "", err
	}
	size, drawn := harness.SizeOf(o.Plan), harness.SizeOf(f.Drawn)
	fmt.Fprintf(s.out, "found after %s by %s; made small in %s, %d plans: %s (drawn as %s)\n\n", f.After.Round(time.Millisecond), f.Strategy,
		f.Shrinking.Round(time.Millisecond), f.Tried, sizeText(size), sizeText(drawn))
	t.Fit([]*plan.Plan{o.Plan}).Summary(r)
	t.Kept(r)
	where := cmp.Or(c.Scenario, c.From)
	if where != "" {
		where = " around " + where
	}
	about := fmt.Sprintf("Found by bootrace check%s with seed %d. It violates %s: %s.", where, seed, x.First.Invariant, x.First.What)
	text, err := f.Scenario(about, o.Plan.Seed)
	if err != nil {
		fmt.Fprintf(s.out, "no scenario can say it: %v\n", err)
		return shown(r.Folder()), nil // the run is kept all the same
	}
	file := filepath.Join(r.Folder(), "scenario.yaml")
	if err := runs.WriteFile(file, text); err != nil {
		return "", err
	}
	command := fmt.Sprintf("bootrace run %s --seed %d", shown(file), o.Plan.Seed)
	if c.Defect != "" {
		command += " --defect " + c.Defect
	}
	if o.Plan.Cloud != "" {
		command += " --cloud " + o.Plan.Cloud
	}
	fmt.Fprintf(s.out, "scenario %s\n", command)
	return shown(r.Folder()), nil
}

// shown is the path from the working directory, where the file is below it.
func shown(file string) string {
	if here, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(here, file); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return file
}

func sizeText(s harness.Size) string {
	count := func(n int, one, many string) string {
		if n == 1 {
			return "1 " + one
		}
		return fmt.Sprintf("%d %s", n, many)
	}
	return fmt.Sprintf("%s, %s, %s", count(s.Workspaces, "workspace", "workspaces"),
		count(s.FaultsAndActs, "fault or act", "faults or acts"), count(s.Preemptions, "preemption", "preemptions"))
}
