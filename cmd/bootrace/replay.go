package main

import (
	"context"
	"fmt"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/stores"
)

type replayCmd struct {
	Folder   string `arg:"" predictor:"run" help:"The run's folder, such as runs/latest."`
	Scenario string `help:"Only this scenario of the run."`
	Store    string `enum:"memory,postgres" default:"memory" help:"Where the controller keeps its rows: ${enum}. The course does not depend on it."`
	All      bool   `help:"Tell the story of every violated scenario, not only of the first."`
}

// Run implements the command.
func (c *replayCmd) Run(ctx context.Context, s streams) error {
	kept, err := runs.Load(c.Folder)
	if err != nil {
		return usage(err)
	}
	source, err := c.source(ctx)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // nothing is left to be done about it
	t := terminal(s, c.All)
	t.Header(version(), kept.Seed, kept.World, source.Describe(), kept.Defect)
	again := &runs.Run{Form: runs.Form, Seed: kept.Seed, World: kept.World, Defect: kept.Defect, Store: c.Store}
	found, other := false, 0
	for _, x := range kept.Results {
		if c.Scenario != "" && x.Scenario != c.Scenario {
			continue
		}
		found = true
		replayed, err := harness.Replay(ctx, kept, x, source)
		if err != nil {
			return environment(err)
		}
		if ctx.Err() != nil {
			return exitError{code: exitInterrupted}
		}
		o := replayed.Outcome
		t.Result(again.Add(runs.Played{
			Plan: o.Plan, History: o.History, Digest: o.Digest, Judgement: o.Judgement, Wall: o.Wall, Fault: o.Fault,
		}))
		again.Wall += o.Wall
		if !replayed.Same() {
			other++
			fmt.Fprintf(s.out, "      took another course: digest %s, kept %s\n", o.Digest, x.Digest)
		}
	}
	if !found {
		return usage(fmt.Errorf("%s has no scenario %q", c.Folder, c.Scenario))
	}
	t.Summary(again)
	if other > 0 {
		return environment(fmt.Errorf("%d of %d scenarios took another course than the kept run, which was written by bootrace %s: "+
			"the controller, the harness or the defect has changed since", other, len(again.Results), kept.Version))
	}
	fmt.Fprintf(s.out, "digest %s: the same as kept\n", digestOf(kept, again))
	return verdict(again)
}

func (c *replayCmd) source(ctx context.Context) (stores.Source, error) {
	return storeFlags{Store: c.Store, Postgres: "auto"}.open(ctx)
}

// digestOf is the digest to name: the run's where all of it was replayed, else the scenario's.
func digestOf(kept, again *runs.Run) string {
	if len(again.Results) == len(kept.Results) {
		return again.Digest
	}
	return again.Results[0].Digest
}
