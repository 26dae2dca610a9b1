package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/runs"
)

type replayCmd struct {
	Folder     string `arg:"" predictor:"run" help:"The run's folder, such as runs/latest."`
	Scenario   string `placeholder:"NAME" help:"Only this scenario of the run."`
	storeFlags `embed:"" set:"store=memory"`
	All        bool   `help:"Explain every violated scenario, not only one for each cause."`
	Seeds      int    `default:"20" help:"Number of seeds with which a live run is played in sim (default: 20)."`
	Out        string `default:"runs" type:"path" placeholder:"FOLDER" help:"Folder for the sim runs of a live run (default: runs)."`
}

// Validate is called when the command line was read.
func (c *replayCmd) Validate() error {
	if c.Seeds < 1 {
		return fmt.Errorf("--seeds must be at least 1, not %d", c.Seeds)
	}
	return nil
}

// Help says what a replay does not depend on.
func (replayCmd) Help() string {
	return "A run is the same on every store, so the replay of a run on Postgres needs no Postgres. A live run is played in sim " +
		"instead, with what was measured of it and with many seeds, to see whether the race happens there as well."
}

// Run implements the command.
func (c *replayCmd) Run(ctx context.Context, s streams) error {
	kept, err := runs.Load(c.Folder)
	if err != nil {
		return usage(err)
	}
	if kept.World == runs.Explored {
		return exitError{
			code: exitUsage, err: errors.New("this run is the way that bootrace explore found, and no simulation"),
			hint: "bootrace explore with the same bounds and defect finds the same way again; bootrace judge judges it",
		}
	}
	if kept.Test != "" {
		folder, err := filepath.Abs(kept.Folder())
		if err != nil {
			return environment(err)
		}
		return exitError{
			code: exitUsage, err: errors.New("this run is of a controller that only its Go test can start"),
			hint: kept.Test + "'" + strings.ReplaceAll(folder, "'", `'\''`) + "'",
		}
	}
	results, err := c.results(kept)
	if err != nil {
		return usage(err)
	}
	if results[0].Plan.Live != nil {
		return c.live(ctx, s, kept, results)
	}
	source, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // closed below where it matters
	t := terminal(s, c.All, plansOf(results))
	t.Header(version(), kept.Seed, kept.World, source.Describe(), kept.Defect)
	again := kept.Again(version())
	other := 0
	for _, x := range results {
		replayed, err := harness.Replay(ctx, kept, x, source)
		if err != nil {
			return environment(err)
		}
		if ctx.Err() != nil {
			return interrupted()
		}
		o := replayed.Outcome
		t.Result(again.Add(runs.Played{
			Plan: o.Plan, History: o.History, Digest: o.Digest, Judgement: o.Judgement, Wall: o.Wall, Fault: o.Fault,
		}))
		again.Wall += o.Wall
		if o.Digest != x.Digest {
			other++
			fmt.Fprintf(s.out, "      took another course: %s\n", parting(kept, x, o))
		}
	}
	t.Summary(again)
	if err := source.Close(); err != nil {
		return environment(fmt.Errorf("cleaning up: %w", err))
	}
	if other > 0 {
		return environment(fmt.Errorf("%d of %s took another course than the kept run, which bootrace %s wrote: the controller, "+
			"the harness, the defect or run.json is another by now", other, plural(len(again.Results), "scenario", "scenarios"), kept.Version))
	}
	digest := again.Digest
	if len(results) < len(kept.Results) {
		digest = results[0].Digest
	} else if digest != kept.Digest {
		return environment(fmt.Errorf("every scenario took the course of the kept run, but run.json's digest %s is not theirs: it is damaged", kept.Digest))
	}
	fmt.Fprintf(s.out, "digest %s: the same as kept\n", digest)
	return verdict(again)
}

// recorded returns an error where the run of the folder holds nothing to go by.
func recorded(kept *runs.Run, folder string) error {
	if len(kept.Results) == 0 {
		return fmt.Errorf("%s holds no scenario: it was interrupted before the first was over", folder)
	}
	return nil
}

// results returns those of the run that are to be played again.
func (c *replayCmd) results(kept *runs.Run) ([]*runs.Result, error) {
	if err := recorded(kept, c.Folder); err != nil {
		return nil, err
	}
	if c.Scenario == "" {
		return kept.Results, nil
	}
	for i, x := range kept.Results {
		if x.Scenario == c.Scenario {
			return kept.Results[i : i+1], nil
		}
	}
	return nil, fmt.Errorf("%s has no scenario %q", c.Folder, c.Scenario)
}

// parting says where the course of a replay parts from the kept one.
func parting(kept *runs.Run, x *runs.Result, o *harness.Outcome) string {
	h, err := kept.History(x)
	if err != nil {
		return err.Error()
	}
	return runs.Parting(h, o.History)
}
