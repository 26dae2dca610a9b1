package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/bootrace/bootrace/harness/foreign"
	"github.com/bootrace/bootrace/harness/runs"
)

// targetCmd is for controllers that somebody else runs.
type targetCmd struct {
	Probe targetProbeCmd `cmd:"" help:"Make each call of a dialect once at a target, show what was understood, and clean up."`
	Clean targetCleanCmd `cmd:"" help:"Delete what a run has left at a target, or list the runs that have left something."`
}

type targetCleanCmd struct {
	Mark        string `name:"run" placeholder:"MARK" help:"The run: the mark in the names of its workspaces, such as br0123456789, or its folder. Without it, the runs are listed and nothing is deleted."`
	targetFlags `embed:""`
}

// Run implements the command.
func (c *targetCleanCmd) Run(ctx context.Context, s streams) error {
	if !c.given() {
		return usage(errors.New("which target? give --target or --target-file"))
	}
	t, err := c.assemble()
	if err != nil {
		return usage(err)
	}
	if c.Mark == "" {
		found, err := foreign.Runs(ctx, t)
		if err != nil {
			return environment(err)
		}
		for _, run := range slices.Sorted(maps.Keys(found)) {
			fmt.Fprintf(s.out, "%s  %s\n", run, plural(found[run], "workspace", "workspaces"))
		}
		if len(found) == 0 {
			fmt.Fprintf(s.out, "no run has left anything at %s\n", t.Name)
		}
		return nil
	}
	mark := c.Mark
	if _, err := os.Stat(mark); err == nil {
		kept, err := runs.Load(mark)
		if err != nil {
			return usage(err)
		}
		mark = kept.Mark
	}
	if err := foreign.CheckMark(mark); err != nil {
		return usage(err)
	}
	deleted, left, err := foreign.Clean(ctx, t, mark)
	if err != nil {
		return environment(err)
	}
	fmt.Fprintf(s.out, "deleted %s of run %s at %s\n", plural(deleted, "workspace", "workspaces"), mark, t.Name)
	for _, l := range left {
		fmt.Fprintf(s.err, "left: %s\n", l)
	}
	if len(left) > 0 {
		return environment(fmt.Errorf("%s could not be deleted", plural(len(left), "workspace", "workspaces")))
	}
	return nil
}
