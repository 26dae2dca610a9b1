package harness_test

import (
	"context"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/explore"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// meddling is the reference controller with one more tick, which applies the event to every workspace in the status.
func meddling(event lifecycle.Event, status lifecycle.Status) sim.Target {
	return sim.Target{Name: "meddling", Deploy: func() sim.Deployment {
		return sim.Deployment{Table: lifecycle.Standard(), Start: func(c controller.Config) (sim.Instance, error) {
			k, err := controller.New(c)
			if err != nil {
				return sim.Instance{}, err
			}
			return sim.Instance{Handler: k.Handler(), Ticks: append(k.Ticks(), controller.Tick{
				Name: "meddler", Every: 7 * time.Minute, Run: func(ctx context.Context) error { return meddle(ctx, c, event, status) },
			})}, nil
		}}
	}}
}

func meddle(ctx context.Context, c controller.Config, event lifecycle.Event, status lifecycle.Status) error {
	rows, err := c.Store.List(ctx)
	if err != nil {
		return err
	}
	for _, w := range rows {
		if w.Status != status {
			continue
		}
		now := c.Clock.Now()
		if _, err := c.Store.Apply(ctx, store.Change{
			ID: w.ID, Event: event, Incarnation: w.Incarnation, Now: now, Boot: &store.Boot{Deadline: now.Add(10 * time.Minute)},
		}); err != nil {
			return err
		}
	}
	return nil
}

// Whatever a controller does to a workspace by itself that only a call may do, generated plans and the search of all
// interleavings find.
func TestNobodyAsked(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		event lifecycle.Event
		in    lifecycle.Status
	}{
		{lifecycle.Restart, lifecycle.Online},
		{lifecycle.Restart, lifecycle.Offline},
		{lifecycle.Pause, lifecycle.Online},
		{lifecycle.Hibernate, lifecycle.Online},
		{lifecycle.Remove, lifecycle.Online},
		{lifecycle.Remove, lifecycle.Failed},
		{lifecycle.Beat, lifecycle.Failed},
		{lifecycle.Resume, lifecycle.Paused},
	} {
		t.Run(c.event.String()+"-of-"+c.in.String(), func(t *testing.T) {
			t.Parallel()
			sampled(t, i, 4)
			target := meddling(c.event, c.in)
			r, err := harness.Checking{Target: target, Source: stores.Memory(), Seed: 1, Checks: 3000}.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			want := "unasked"
			if c.in.Held() {
				want = "operator-intent-holds"
			}
			if r.Found == nil {
				t.Fatalf("%d checks find nothing", r.Checks)
			}
			if x := r.Found.Outcome.Judgement.First(); x.Invariant != want {
				t.Errorf("blames %s: %s", x.Invariant, x.What)
			}
			if underRace {
				return
			}
			found, err := explore.Search{Target: target, Bounds: explore.Bounds{Workspaces: 1, Replicas: 1, Beats: 2, Sweeps: 2, Acts: 1, Faults: 1}}.
				Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if found.Found == nil || found.Found.Violation.Invariant != want {
				t.Errorf("a search of all interleavings: %+v", found.Found)
			}
		})
	}
}

// A quiet life is enough to find the loops that nobody asked for, whatever the seed.
func TestQuietLifeFindsLoops(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Find("left-alone")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"unasked-restart", "scale-down-active"} {
		for seed := range seeds(20, 2) {
			x := play(t, resolve(t, s, seed), stores.Memory(), defect(t, name)).Judgement.First()
			if x == nil || x.Invariant != "unasked" {
				t.Errorf("%s, seed %d: %+v", name, seed, x)
			}
		}
	}
}
