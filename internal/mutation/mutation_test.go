//go:build mutation

package mutation_test

import (
	"context"
	"testing"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/explore"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// checks is how many generated plans a mutant has to get past.
const checks = 1500

// TestProperties plays the built-in scenarios, explores a small world, and checks generated plans.
func TestProperties(t *testing.T) {
	ctx := context.Background()
	for _, s := range scenarios.Builtin() {
		p, err := plan.Resolve(s, 1)
		if err != nil {
			t.Fatal(err)
		}
		o := harness.Play(ctx, p, stores.Memory(), sim.Reference(nil), nil)
		if o.Fault != nil || o.Judgement.Verdict != invariant.Held {
			t.Fatalf("%s: %v %s %v %v", s.Name, o.Fault, o.Judgement.Verdict, o.Judgement.Violations(), o.Judgement.Doubts)
		}
	}
	for _, b := range []explore.Bounds{
		{Workspaces: 1, Replicas: 1, Beats: 1, Sweeps: 1, Acts: 1, Faults: 1},
		{Workspaces: 1, External: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1},
	} {
		r, err := explore.Search{Target: sim.Reference(nil), Bounds: b}.Run(ctx)
		if err != nil || r.Found != nil || !r.Exhausted {
			t.Fatalf("explored %+v: %v, %+v", b, err, r)
		}
	}
	r, err := harness.Checking{Target: sim.Reference(nil), Source: stores.Memory(), Seed: 1, Checks: checks}.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if r.Found != nil {
		t.Fatalf("check %d: %v", r.Checks, r.Found.Outcome.Judgement.Violations())
	}
	if missing := r.Coverage.Missing(); len(missing) > 2 {
		t.Fatalf("%d checks never reached %v", r.Checks, missing)
	}
}
