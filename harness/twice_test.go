package harness_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// moody is a controller of which every second deployment does something else, whatever the plan: the alteration is made to
// what it is configured with.
func moody(alter func(*controller.Config)) sim.Target {
	deployed := 0
	return sim.Target{Name: "moody", Deploy: func() sim.Deployment {
		deployed++
		odd := deployed%2 == 1
		return sim.Deployment{Table: lifecycle.Standard(), Start: func(c controller.Config) (sim.Instance, error) {
			if odd {
				alter(&c)
			}
			k, err := controller.New(c)
			if err != nil {
				return sim.Instance{}, err
			}
			return sim.Instance{Handler: k.Handler(), Ticks: k.Ticks()}, nil
		}}
	}}
}

func TestNondeterminismNamesTheChoice(t *testing.T) {
	t.Parallel()
	p := steadyFleet(5 * time.Minute)
	if err := harness.Twice(context.Background(), p, stores.Memory(), sim.Reference(nil)); err != nil {
		t.Fatalf("the reference controller: %v", err)
	}
	for _, schedule := range []string{"", plan.PCT} {
		p := p.Clone()
		p.Schedule = schedule
		// A task that nothing but the deployment's number decides about.
		err := harness.Twice(context.Background(), p, stores.Memory(), moody(func(c *controller.Config) {
			each := c.Each
			c.Each = func(ctx context.Context, n int, do func(context.Context, int)) {
				each(ctx, n+1, func(ctx context.Context, i int) {
					if i < n {
						do(ctx, i)
					}
				})
			}
		}))
		var n *harness.Nondeterminism
		if !errors.As(err, &n) || n.Choice == 0 {
			t.Fatalf("schedule %q: got %v", schedule, err)
		}
		for _, want := range []string{"not deterministic", "part at choice ", "the first run asked for a ", " among ", "; event "} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("schedule %q: %q lacks %q", schedule, err, want)
			}
		}
	}
}

// A search ends at it, whether anything is violated or not.
func TestSearchNoticesNondeterminism(t *testing.T) {
	t.Parallel()
	_, err := harness.Checking{Source: stores.Memory(), Checks: 200, Target: moody(func(c *controller.Config) {
		c.Settings.LivenessSweepEvery = 16 * time.Second
	})}.Run(context.Background())
	var n *harness.Nondeterminism
	if !errors.As(err, &n) {
		t.Errorf("got %v", err)
	}
}
