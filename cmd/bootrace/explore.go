package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bootrace/bootrace/harness/explore"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/reports"
)

type exploreCmd struct {
	Workspaces int           `default:"1" placeholder:"N" help:"Workspaces on the controller's machines (default: ${default})."`
	External   int           `default:"0" placeholder:"N" help:"External workspaces, in addition (default: ${default})."`
	Replicas   int           `default:"1" placeholder:"N" help:"Controller replicas on one database (default: ${default})."`
	Beats      int           `default:"2" placeholder:"N" help:"Calls that each agent makes: a register, then heartbeats (default: ${default})."`
	Sweeps     int           `default:"1" placeholder:"N" help:"Turns of each tick of each replica (default: ${default})."`
	Acts       int           `default:"1" placeholder:"N" help:"Maximum number of acts of the operator (default: ${default})."`
	Faults     int           `default:"1" placeholder:"N" help:"Maximum number of faults (default: ${default})."`
	Stalls     int           `default:"1" placeholder:"N" help:"Maximum number of times that time passes while something is pending (default: ${default})."`
	States     int           `placeholder:"N" help:"Stop after this number of states; the search is then not exhausted."`
	For        time.Duration `placeholder:"TIME" help:"Stop after this time; the search is then not exhausted."`
	Defect     string        `predictor:"defect" placeholder:"NAME" help:"Give the reference controller a named defect: see bootrace defects."`
	JSON       bool          `name:"json" help:"Print the result as JSON."`
	Out        string        `default:"runs" type:"path" placeholder:"FOLDER" help:"Folder for the runs of findings (default: runs)."`
}

// Help says what is searched.
func (exploreCmd) Help() string {
	return `It searches each request, each turn of a tick, and each of their calls to the store or the cloud, in every order, with the
given number of acts, faults and stalls at every place where they can happen. exhausted: true says that nothing is left to
search within the bounds.

Bounds multiply. The defaults take about a minute; with two workspaces, start with --beats 1 --acts 0 --faults 0 --stalls 0.

Exit codes: 0 exhausted, nothing found; 1 violated; 10 not exhausted.`
}

func (c *exploreCmd) bounds() explore.Bounds {
	return explore.Bounds{
		Workspaces: c.Workspaces, External: c.External, Replicas: c.Replicas, Beats: c.Beats, Sweeps: c.Sweeps, Acts: c.Acts,
		Faults: c.Faults, Stalls: c.Stalls, States: c.States, Time: c.For,
	}
}

// Validate is called when the command line was read.
func (c *exploreCmd) Validate() error { return c.bounds().Validate() }

// Run implements the command.
func (c *exploreCmd) Run(ctx context.Context, s streams) error {
	began := time.Now()
	defect, err := findDefect(c.Defect)
	if err != nil {
		return usage(err)
	}
	target := sim.Reference(defect)
	report := reports.Explored{W: s.out, Color: s.color}
	if !c.JSON {
		report.Header(version(), c.bounds(), target.Name)
	}
	progress := reports.Progress{W: s.err, Live: s.liveErr}
	r, err := explore.Search{Target: target, Bounds: c.bounds(), Progress: func(r *explore.Result) {
		progress.Line(reports.ExploredLine(r))
	}}.Run(ctx)
	progress.End()
	switch {
	case errors.Is(err, explore.ErrRemembers):
		return usage(err)
	case err != nil:
		return environment(err)
	}
	var story *explore.Story
	var told *invariant.Explanation
	var kept *runs.Run
	if r.Found != nil {
		if story, err = r.Found.Story(r.Bounds); err != nil {
			return environment(err)
		}
		if kept, told, err = c.keep(r, story, began); err != nil {
			return environment(err)
		}
	}
	if c.JSON {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			return environment(err)
		}
		fmt.Fprintf(s.out, "%s\n", text)
	} else {
		report.Result(r, story, told)
		if kept != nil {
			terminal(s, false, nil).Kept(kept)
		}
	}
	switch {
	case r.Found != nil:
		return exitError{code: exitViolated}
	case ctx.Err() != nil:
		return interrupted()
	case !r.Exhausted:
		return exitError{code: exitInconclusive}
	}
	return nil
}

// keep keeps what was found as a run that can be judged again, and returns the explanation of it by the invariants of runs,
// or nil where they say nothing of it.
func (c *exploreCmd) keep(r *explore.Result, s *explore.Story, began time.Time) (*runs.Run, *invariant.Explanation, error) {
	var told *invariant.Explanation
	judged := invariant.Judge(s.Plan, s.History)
	for _, x := range judged.Violations() {
		if x.Invariant == r.Found.Violation.Invariant {
			e := invariant.Explain(s.Plan, s.History, &x)
			told = &e
			break
		}
	}
	kept := &runs.Run{
		Form: runs.Form, Began: began, Version: version(), World: runs.Explored, Store: "memory", Server: "memory store", Defect: c.Defect,
	}
	if err := kept.Create(c.Out); err != nil {
		return nil, nil, err
	}
	x := kept.Add(runs.Played{Plan: s.Plan, History: s.History, Digest: s.History.Digest(), Judgement: judged, Wall: r.Wall})
	kept.Wall = r.Wall
	steps, err := json.MarshalIndent(struct {
		*explore.Result
		Steps []explore.Step `json:"schedule"`
	}{r, s.Steps}, "", "  ")
	if err != nil {
		return nil, nil, err
	}
	return kept, told, errors.Join(kept.SaveHistory(x), kept.Save(), reports.Write(kept),
		runs.WriteFile(filepath.Join(kept.Folder(), "explored.json"), append(steps, '\n')))
}
