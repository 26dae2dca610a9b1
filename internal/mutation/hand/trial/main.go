// Command trial is built with a mutant laid over the module, and looks for it: by the built-in scenarios, by generated plans,
// and in small worlds. It prints an outcome as JSON. Package hand starts it; see there.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/explore"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/pgserver"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/internal/mutation/hand/outcome"
	"github.com/bootrace/bootrace/scenarios"
)

type trial struct {
	source  stores.Source
	cloud   string // as plans name it
	target  sim.Target
	budget  time.Duration
	outcome outcome.Outcome
}

func main() {
	store := flag.String("store", "memory", "memory or postgres")
	budget := flag.Duration("for", 10*time.Second, "processor time of one search")
	seeds := flag.Uint64("seeds", 3, "seeds of the check, from 1")
	cloud := flag.String("cloud", "fake", "fake or ec2")
	quick := flag.Bool("quick", false, "no small worlds, and no more seeds once one has not found it")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &trial{source: stores.Memory(), target: sim.Reference(nil), budget: *budget}
	if err := t.run(ctx, *store, *cloud, *seeds, *quick); err != nil {
		fmt.Fprintln(os.Stderr, "trial:", err)
		stop()
		os.Exit(30) //nolint:gocritic // stop was called
	}
	if err := json.NewEncoder(os.Stdout).Encode(t.outcome); err != nil {
		os.Exit(30)
	}
}

func (t *trial) run(ctx context.Context, store, cloud string, seeds uint64, quick bool) error {
	if cloud == plan.EC2 {
		t.cloud = cloud
	}
	if store == "postgres" {
		source, err := stores.Postgres(ctx, pgserver.Options{})
		if err != nil {
			return err
		}
		defer source.Close() //nolint:errcheck // what was found is found
		t.source = stores.Reusing(source)
	}
	t.suite(ctx)
	for seed := uint64(1); seed <= seeds; seed++ {
		if err := t.check(ctx, seed); err != nil {
			return err
		}
		if found, all := t.outcome.Seeds(); quick && found < all {
			break
		}
	}
	if quick {
		return ctx.Err()
	}
	// Where every seed finds it, an exploration adds nothing that the table needs.
	if found, all := t.outcome.Seeds(); found < all && store != "postgres" && t.cloud == "" { // only the memory store and the fake cloud can be explored
		for _, b := range []explore.Bounds{explore.DefaultBounds(), {Workspaces: 1, External: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1}} {
			if err := t.explore(ctx, b); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// suite plays the built-in scenarios, until one is violated or says less than it was made for.
func (t *trial) suite(ctx context.Context) {
	began := time.Now()
	try := outcome.Try{By: "run"}
	for _, s := range scenarios.Builtin() {
		p, err := plan.Resolve(s, 1)
		if err != nil || ctx.Err() != nil {
			break
		}
		p.Cloud = t.cloud
		o := harness.Play(ctx, p, t.source, t.target, nil)
		x := o.Judgement.First()
		switch {
		case o.Fault != nil:
			try.Found, try.Invariant, try.Mechanism = true, "the world fails", o.Fault.Error()
		case x != nil:
			try.Found, try.Invariant = true, x.Invariant
			try.Mechanism = invariant.Explain(o.Plan, o.History, x).Mechanism
		default:
			continue
		}
		try.Where = s.Name
		break
	}
	t.add(try, began)
}

// check searches generated plans.
func (t *trial) check(ctx context.Context, seed uint64) error {
	began := time.Now()
	limited, stop := limit(ctx, t.budget, t.source.Name() != "memory")
	defer stop()
	r, err := harness.Checking{Target: t.target, Source: t.source, Seed: seed, Cloud: t.cloud, For: 100 * t.budget}.Run(limited)
	try := outcome.Try{By: "check", Seed: seed}
	if r != nil {
		try.Checks = r.Checks
	}
	var course *harness.Nondeterminism
	switch {
	case errors.As(err, &course) && ctx.Err() == nil:
		try.Found, try.Invariant, try.Mechanism = true, "nondeterminism", err.Error()
	case err != nil && limited.Err() == nil:
		try.Found, try.Invariant, try.Mechanism = true, "the world fails", err.Error()
	case r != nil && r.Found != nil:
		o := r.Found.Outcome
		x := o.Judgement.First()
		try.Found, try.Invariant = true, x.Invariant
		try.Mechanism = invariant.Explain(o.Plan, o.History, x).Mechanism
		began = time.Now().Add(-r.Found.After)
	}
	t.add(try, began)
	return ctx.Err()
}

// explore searches a small world.
func (t *trial) explore(ctx context.Context, b explore.Bounds) error {
	began := time.Now()
	limited, stop := limit(ctx, t.budget, false)
	defer stop()
	r, err := explore.Search{Target: t.target, Bounds: b}.Run(limited)
	try := outcome.Try{By: "explore"}
	switch {
	case err != nil && limited.Err() == nil:
		try.Found, try.Invariant, try.Mechanism = true, "the world fails", err.Error()
	case r != nil && r.Found != nil:
		try.Found, try.Checks, try.Invariant = true, r.States, r.Found.Violation.Invariant
		try.Mechanism = r.Found.Violation.What
	case r != nil:
		try.Checks, try.Where = r.States, r.Why
	}
	t.add(try, began)
	return ctx.Err()
}

func (t *trial) add(try outcome.Try, began time.Time) {
	try.Wall = time.Since(began)
	t.outcome.Tries = append(t.outcome.Tries, try)
	runtime.GC()
}
