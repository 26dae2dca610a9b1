package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness/bridge"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/runs"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/reports"
)

// bridging replays a live run in the simulated world: see package bridge.
type bridging struct {
	*replayCmd
	s      streams
	kept   *runs.Run
	again  *runs.Run // what is kept of the simulation
	defect *defects.Defect
}

// suspectSeeds is how many seeds each named defect is tried with: enough to see whether it shows at all.
const suspectSeeds = 5

// live replays the results of a live run. Its exit code says whether the simulated world shows what was seen.
func (c *replayCmd) live(ctx context.Context, s streams, kept *runs.Run, results []*runs.Result) error {
	b := &bridging{replayCmd: c, s: s, kept: kept, again: &runs.Run{
		Form: runs.Form, Began: time.Now(), Version: version(), Seed: kept.Seed, World: runs.Simulated, Store: stores.Memory().Name(),
		Server: stores.Memory().Describe(), Defect: kept.Defect,
	}}
	if kept.Defect != "" {
		var err error
		if b.defect, err = defects.Find(kept.Defect); err != nil {
			return environment(fmt.Errorf("the run cannot be replayed: %w", err))
		}
	}
	t := terminal(s, c.All, plansOf(results))
	t.Header(version(), kept.Seed, kept.World, fmt.Sprintf("a live run, played in sim under %s each", plural(c.Seeds, "seed", "seeds")), kept.Defect)
	missed, reproduced := 0, 0
	for _, x := range results {
		h, err := kept.History(x)
		if err != nil {
			return usage(err)
		}
		shown, err := b.result(ctx, x, h)
		switch {
		case ctx.Err() != nil:
			return interrupted()
		case err != nil:
			return environment(err)
		case !shown:
			missed++
		case x.First != nil:
			reproduced++
		}
	}
	if len(b.again.Results) > 0 {
		if err := b.save(); err != nil {
			return environment(err)
		}
		t.Summary(b.again)
		for _, x := range b.again.Results {
			if x.First == nil { // what it shows is not judged of what is simulated
				fmt.Fprintf(s.out, "replay %s\n", reports.ReplayCommand(b.again, x))
			}
		}
		t.Kept(b.again)
	}
	switch {
	case missed > 0:
		return exitError{code: exitInconclusive}
	case reproduced > 0:
		return exitError{code: exitViolated}
	case len(b.again.Results) > 0:
		return verdict(b.again)
	}
	return nil
}

// result replays one result, and reports whether the simulated world shows what the live one did.
func (b *bridging) result(ctx context.Context, x *runs.Result, h *history.History) (bool, error) {
	var names []string
	for _, f := range x.Judgement.Findings {
		if f.Verdict == invariant.Violated {
			names = append(names, f.Invariant)
		}
	}
	if len(names) == 0 {
		r, err := bridge.Reproduce(ctx, x.Plan, h, "", b.defect, x.Plan.Seed, b.Seeds)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(b.s.out, "  %s: %s\n", x.Scenario, r)
		if len(r.Shown) > 0 {
			b.keep(r)
		}
		return true, nil
	}
	shown, kept := true, false
	for _, name := range names {
		r, err := bridge.Reproduce(ctx, x.Plan, h, name, b.defect, x.Plan.Seed, b.Seeds)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(b.s.out, "  %s: %s\n", x.Scenario, r)
		if len(r.Shown) == 0 {
			if name == x.First.Invariant {
				shown = false
				if err := b.suspects(ctx, x, h); err != nil {
					return false, err
				}
			}
			continue
		}
		if name == x.First.Invariant || !kept && x.First.Invariant != name {
			kept = true
			b.keep(r)
		}
	}
	return shown, nil
}

// suspects names the defects with which the reference controller shows what a controller did whose code is not ours.
func (b *bridging) suspects(ctx context.Context, x *runs.Result, h *history.History) error {
	if b.defect != nil {
		fmt.Fprintf(b.s.out, "      what it takes is in the live world, and in no plan\n")
		return nil
	}
	found, err := bridge.Suspects(ctx, x.Plan, h, x.First.Invariant, x.Plan.Seed, suspectSeeds)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintf(b.s.out, "      no named defect shows it by the same mechanism\n")
	}
	for _, r := range found {
		fmt.Fprintf(b.s.out, "      %s\n", r)
	}
	return nil
}

// keep adds what happened under the first seed that shows the violation, in place of what is kept of the same scenario.
func (b *bridging) keep(r *bridge.Reproduction) {
	o := r.First
	for i, x := range b.again.Results {
		if x.Scenario == o.Plan.Name {
			b.again.Results = append(b.again.Results[:i], b.again.Results[i+1:]...)
			break
		}
	}
	b.again.Add(runs.Played{
		Plan: o.Plan, History: o.History, Digest: o.Digest, Judgement: o.Judgement, Wall: o.Wall, Fault: o.Fault,
	})
}

// save keeps the simulation as a run, which can be replayed to the byte.
func (b *bridging) save() error {
	r := b.again
	if err := r.Create(b.Out); err != nil {
		return err
	}
	for _, x := range r.Results {
		if err := r.SaveHistory(x); err != nil {
			return err
		}
	}
	r.Wall = time.Since(r.Began)
	return errors.Join(r.Save(), reports.Write(r))
}
