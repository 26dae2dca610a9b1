package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/reports"
)

// targetFlags say which controller of somebody else's is tried, and by which times it is run.
type targetFlags struct {
	Target         string            `placeholder:"URL" help:"URL of a controller to test instead of the reference controller." group:"Another controller:"`
	TargetFile     string            `type:"existingfile" placeholder:"FILE" help:"YAML file with the same settings: name, url, the flags below with underscores, and policies." group:"Another controller:"`
	TargetName     string            `placeholder:"NAME" help:"Name of the target in reports. Default: its host." group:"Another controller:"`
	Dialect        string            `placeholder:"NAME" help:"Its dialect: a built-in one (see bootrace dialects), or a YAML file. Default: molecule." group:"Another controller:"`
	Token          string            `env:"BOOTRACE_TARGET_TOKEN" placeholder:"TOKEN" help:"Bearer token of its operators." group:"Another controller:"`
	OrgID          string            `name:"org-id" placeholder:"ID" help:"Organisation, sent as X-Molecule-Org-Id; required in multi-tenant mode." group:"Another controller:"`
	Param          map[string]string `placeholder:"NAME=VALUE" help:"Parameter of its dialect, such as owner=acme." group:"Another controller:"`
	ServeCP        string            `name:"serve-cp" placeholder:"ADDRESS" help:"Address to serve the control plane on that it asks for machines; the agents boot on those." group:"Another controller:"`
	Fakeprovider   string            `placeholder:"URL" help:"URL of the bootrace fakeprovider (with --tell-boots) on which it launches machines. The agents boot on those and make their LLM preflights there." group:"Another controller:"`
	Boots          string            `placeholder:"WHO" help:"Who boots the agents: harness, target (implied by --serve-cp and --fakeprovider), or none, for external agents only." group:"Another controller:"`
	Budget         []string          `placeholder:"[RUNTIME=]TIME" help:"Provision budget, of one runtime or of all. Default: 10m, and 30m for hermes." group:"Another controller:"`
	TTL            time.Duration     `name:"ttl" placeholder:"TIME" help:"Liveness TTL: how long a workspace may be silent before it is offline. Default: 180s." group:"Another controller:"`
	ExternalTTL    time.Duration     `name:"external-ttl" placeholder:"TIME" help:"Liveness TTL of external workspaces. Default: half of the TTL." group:"Another controller:"`
	Heartbeat      time.Duration     `placeholder:"TIME" help:"Interval of the agents' heartbeats. Default: 30s." group:"Another controller:"`
	ProvisionSweep time.Duration     `placeholder:"TIME" help:"Interval of its provision-timeout sweep. Default: 30s." group:"Another controller:"`
	LivenessSweep  time.Duration     `placeholder:"TIME" help:"Interval of its liveness sweep. Default: 15s." group:"Another controller:"`
	Poll           time.Duration     `placeholder:"TIME" help:"Interval at which its statuses are read. Default: 1s." group:"Another controller:"`
	Tolerance      time.Duration     `placeholder:"TIME" help:"Tolerance by which every bound is widened. Default: 1s." group:"Another controller:"`
	Patience       time.Duration     `placeholder:"TIME" help:"How long it may fail to answer before the run, or its clean-up, is given up. Default: 30s." group:"Another controller:"`
	Wait           time.Duration     `placeholder:"TIME" help:"How long to wait for a target that is still starting. Default: not at all." group:"Another controller:"`
	Resume         string            `type:"existingdir" placeholder:"FOLDER" help:"Continue a run that did not finish: play only what it has not judged." group:"Another controller:"`
	Lacks          []string          `placeholder:"CAPABILITY" help:"Capabilities that it lacks, such as hibernate. Scenarios that need them are left out." group:"Another controller:"`
}

// given reports whether a target is.
func (f *targetFlags) given() bool { return f.Target != "" || f.TargetFile != "" }

// stray names a flag that only means something beside a target.
func (f *targetFlags) stray() string {
	for _, x := range []struct {
		name string
		set  bool
	}{
		{"--target-name", f.TargetName != ""}, {"--dialect", f.Dialect != ""}, {"--org-id", f.OrgID != ""}, {"--param", len(f.Param) > 0}, {"--serve-cp", f.ServeCP != ""},
		{"--fakeprovider", f.Fakeprovider != ""},
		{"--boots", f.Boots != ""}, {"--budget", f.Budget != nil}, {"--ttl", f.TTL != 0}, {"--external-ttl", f.ExternalTTL != 0}, {"--heartbeat", f.Heartbeat != 0},
		{"--provision-sweep", f.ProvisionSweep != 0}, {"--liveness-sweep", f.LivenessSweep != 0}, {"--poll", f.Poll != 0},
		{"--tolerance", f.Tolerance != 0}, {"--patience", f.Patience != 0}, {"--lacks", f.Lacks != nil}, {"--wait", f.Wait != 0}, {"--resume", f.Resume != ""},
		{"--token", f.Token != "" && f.Token != os.Getenv("BOOTRACE_TARGET_TOKEN")},
	} {
		if x.set && !f.given() {
			return x.name
		}
	}
	return ""
}

// assemble puts the file and the flags together; flags win.
func (f *targetFlags) assemble() (foreign.Target, error) {
	t := foreign.Target{Budgets: map[string]time.Duration{}}
	if f.TargetFile != "" {
		if err := readTarget(f.TargetFile, &t); err != nil {
			return t, err
		}
	}
	for _, x := range []struct {
		value string
		to    *string
	}{
		{f.Target, &t.URL}, {f.TargetName, &t.Name}, {f.Dialect, &t.Dialect}, {f.Token, &t.Token}, {f.OrgID, &t.OrgID},
		{f.ServeCP, &t.ServeCP}, {f.Fakeprovider, &t.Fakeprovider}, {f.Boots, &t.Boots},
	} {
		if x.value != "" {
			*x.to = x.value
		}
	}
	for _, x := range []struct {
		value time.Duration
		to    *time.Duration
	}{
		{f.TTL, &t.TTL}, {f.ExternalTTL, &t.ExternalTTL}, {f.Heartbeat, &t.Heartbeat}, {f.ProvisionSweep, &t.ProvisionSweep}, {f.LivenessSweep, &t.LivenessSweep},
		{f.Poll, &t.Poll}, {f.Tolerance, &t.Tolerance}, {f.Patience, &t.Patience},
	} {
		if x.value != 0 {
			*x.to = x.value
		}
	}
	if f.Lacks != nil {
		t.Lacks = f.Lacks
	}
	for name, value := range f.Param {
		if t.Params == nil {
			t.Params = map[string]string{}
		}
		t.Params[name] = value
	}
	for _, budget := range f.Budget {
		runtime, takes, ok := strings.Cut(budget, "=")
		if !ok {
			runtime, takes = "", budget
		}
		if err := addBudget(&t, runtime, takes); err != nil {
			return t, fmt.Errorf("--budget %s: %w", budget, err)
		}
	}
	return t.Complete()
}

func addBudget(t *foreign.Target, runtime, takes string) error {
	d, err := time.ParseDuration(takes)
	if err != nil {
		return fmt.Errorf("%q is no time, such as 10m", takes)
	}
	t.Budgets[runtime] = d
	return nil
}

// target plays the scenarios against a controller that somebody else runs.
func (c *runCmd) target(ctx context.Context, s streams, seed uint64, began time.Time) error {
	if c.Defect != "" {
		return usage(errors.New("--defect is for the reference controller; what is wrong with a target, bootrace finds out"))
	}
	t, err := c.assemble()
	if err != nil {
		return usage(err)
	}
	list, err := find(c.Scenarios)
	if err != nil {
		return usage(err)
	}
	before, seed, err := c.before(t, seed)
	if err != nil {
		return usage(err)
	}
	var plans []*plan.Plan
	var left []runs.LeftOut
	var impossible []*foreign.Impossible
	shown := []*plan.Plan{} // of all that has a verdict
	for _, scenario := range list {
		p, why, err := t.Fit(scenario, seed)
		var no *foreign.Impossible
		switch {
		case errors.As(err, &no):
			impossible, shown = append(impossible, no), append(shown, no.Plan)
		case err != nil:
			return usage(err)
		case p == nil:
			left = append(left, runs.LeftOut{Scenario: scenario.Name, Reason: why})
		default:
			plans = append(plans, p)
		}
	}
	stop := newStopper(ctx, s)
	defer stop.close()
	session, err := foreign.Await(stop.ctx, t, c.Wait)
	switch {
	case err != nil && stop.ctx.Err() != nil:
		return interrupted()
	case err != nil:
		return environment(err)
	}
	defer session.Close() //nolint:errcheck // nothing is kept there
	stop.again = session.Abandon
	plans = slices.DeleteFunc(plans, func(p *plan.Plan) bool {
		why := session.TooMuch(p)
		if why != "" {
			left = append(left, runs.LeftOut{Scenario: p.Name, Reason: why})
		}
		return why != ""
	})
	out := terminal(s, c.All, append(shown, plans...))
	out.Header(version(), seed, runs.Foreign, t.Describe(), "")
	out.LeftOut(left)
	jobs := c.jobs(liveJobs)
	waits(s, plans, jobs)
	if len(plans)+len(impossible) == 0 {
		return exitError{code: exitInconclusive, err: errors.New("every scenario is left out: nothing was judged")}
	}
	clean := c.cleanCommand(t)
	fmt.Fprintf(s.out, "all that it creates has %s in its name; should it be killed: %s\n\n", t.Run, clean)
	r, err := harness.Foreign{
		Session: session, Plans: plans, LeftOut: left, Impossible: impossible, Seed: seed, Version: version(), Began: began, Parent: c.Out, Jobs: jobs,
		Before: before, Progress: out.Result,
	}.Run(stop.ctx)
	if err != nil {
		return environment(err)
	}
	if err := reports.Write(r); err != nil {
		return environment(err)
	}
	out.Summary(r)
	for _, note := range session.Notes() {
		fmt.Fprintf(s.out, "note   %s\n", note)
	}
	out.Kept(r)
	if rest := session.Left(); len(rest) > 0 {
		fmt.Fprintf(s.err, "bootrace: left at the target, %s:\n", plural(len(rest), "workspace", "workspaces"))
		for _, l := range rest {
			fmt.Fprintf(s.err, "  %s\n", l)
		}
		fmt.Fprintf(s.err, "%s\n", clean)
	}
	return targetVerdict(r)
}

// targetVerdict is verdict, but that a target that is gone comes first: what it was judged by is not all that was asked for.
func targetVerdict(r *runs.Run) error {
	for _, x := range r.Results {
		if x.Fault != "" {
			return exitError{code: exitEnvironment, err: errors.New(x.Fault), hint: "bootrace run --resume " + relativeTo(r.Folder()) + " and the same flags go on where it stopped"}
		}
	}
	return verdict(r)
}

func relativeTo(folder string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, folder); err == nil && !strings.HasPrefix(rel, "..") {
			return rel
		}
	}
	return folder
}

// before loads the run that is to be gone on with, whose seed is this one's, too.
func (c *runCmd) before(t foreign.Target, seed uint64) (*runs.Run, uint64, error) {
	if c.Resume == "" {
		return nil, seed, nil
	}
	kept, err := runs.Load(c.Resume)
	switch {
	case err != nil:
		return nil, 0, err
	case kept.World != runs.Foreign || kept.Target != t.Name:
		return nil, 0, fmt.Errorf("%s is no run against %s, so it cannot be gone on with there", c.Resume, t.Name)
	case c.Seed != nil && *c.Seed != kept.Seed:
		return nil, 0, fmt.Errorf("%s has the seed %d, and cannot be gone on with by another", c.Resume, kept.Seed)
	}
	return kept, kept.Seed, nil
}

// cleanCommand is what deletes everything that a run has left.
func (f *targetFlags) cleanCommand(t foreign.Target) string {
	to := "--target " + t.URL
	if f.TargetFile != "" {
		to = "--target-file " + f.TargetFile
	} else {
		if f.Dialect != "" {
			to += " --dialect " + f.Dialect
		}
		for _, name := range slices.Sorted(maps.Keys(t.Params)) {
			to += fmt.Sprintf(" --param %s=%s", name, t.Params[name])
		}
	}
	return fmt.Sprintf("bootrace target clean --run %s %s", t.Run, to)
}

// waits says how long the run will take.
func waits(s streams, plans []*plan.Plan, jobs int) {
	if len(plans) == 0 {
		return
	}
	lanes := make([]time.Duration, jobs)
	for _, p := range plans {
		least := 0
		for i := range lanes {
			if lanes[i] < lanes[least] {
				least = i
			}
		}
		lanes[least] += time.Duration(p.Duration)
		fmt.Fprintf(s.out, "  %-30s takes %s\n", p.Name, time.Duration(p.Duration).Round(time.Second))
	}
	var longest time.Duration
	for _, d := range lanes {
		longest = max(longest, d)
	}
	fmt.Fprintf(s.out, "%s, %d at a time: %s, which follows from the budgets and the TTL above; Ctrl-C stops it and deletes what it created\n\n",
		plural(len(plans), "scenario", "scenarios"), min(jobs, len(plans)), longest.Round(time.Second))
}
