package harness_test

import (
	"context"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/controller/store"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
)

// However many plans are played at a time, the same are drawn, and the same one is found.
func TestJobsChangeNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		defect string
		seed   uint64
		checks int
	}{
		{"", 5, int(seeds(400, 40))}, {"late-start-error", 3, 400}, {"zombie-online", 6, 400},
	} {
		var d *defects.Defect
		if c.defect != "" {
			d = defect(t, c.defect)
		}
		type result struct {
			Checks, Twice int
			Found, Drawn  *plan.Plan
			Digest        string
		}
		var want result
		var reached *harness.Coverage
		for _, jobs := range []int{1, 2, 5} {
			r, err := harness.Checking{Target: sim.Reference(d), Source: stores.Memory(), Seed: c.seed, Checks: c.checks, Jobs: jobs}.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			got := result{Checks: r.Checks, Twice: r.Twice}
			if r.Found != nil {
				got.Found, got.Drawn, got.Digest = r.Found.Outcome.Plan, r.Found.Drawn, r.Found.Outcome.Digest
			}
			if jobs == 1 {
				want, reached = got, r.Coverage
				if !underRace && (r.Found != nil) != (c.defect != "") {
					t.Errorf("%s: found %v", c.defect, r.Found != nil)
				}
				continue
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %d at a time:\n%s", c.defect, jobs, diff)
			}
			if !reflect.DeepEqual(reached, r.Coverage) {
				t.Errorf("%s: %d at a time reach other things", c.defect, jobs)
			}
		}
	}
}

// A search that is ended in the middle of a round has played what it counts, from the first on.
func TestSearchEndsInARound(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	played := 0
	r, err := harness.Checking{
		Target: sim.Reference(nil), Source: ending{stores.Memory(), func() {
			if played++; played == 21 {
				cancel()
			}
		}}, Seed: 1, Checks: 100,
	}.Run(ctx)
	if err != nil || r.Checks < 18 || r.Checks > 21 {
		t.Errorf("%d checks, %v", r.Checks, err)
	}
}

// ending tells of each store that it opens.
type ending struct {
	stores.Source
	opens func()
}

func (e ending) Open(ctx context.Context, table *lifecycle.Table, observe func(store.RowChange)) (store.Store, func() error, error) {
	e.opens()
	return e.Source.Open(ctx, table, observe)
}
