package explore

import (
	"context"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/sim"
)

// pass visits everything within the bounds, in one pass.
func pass(t *testing.T, b Bounds, sleepless, backwards bool) *search {
	t.Helper()
	w, first, v, err := newWorld(sim.Reference(nil), b, nil)
	if err != nil || v != nil {
		t.Fatal(err, v)
	}
	x := &search{
		query: Search{Bounds: b}, world: w, result: &Result{}, costs: b.Acts + b.Faults + b.Stalls, began: time.Now(), passed: time.Now(),
		visited: map[key][]asleep{}, settled: map[uint64]*settled{}, sleepless: sleepless, backwards: backwards,
	}
	if v := x.explore(context.Background(), first); v != nil {
		t.Fatalf("%+v", v)
	}
	return x
}

// What sleeps leaves out steps, and no state; and it does not matter in which order things are tried.
func TestNeitherSleepNorOrderHidesStates(t *testing.T) {
	t.Parallel()
	for i, b := range []Bounds{
		{Workspaces: 2, Replicas: 1, Beats: 1, Sweeps: 1},
		{Workspaces: 2, Replicas: 1, Beats: 1, Sweeps: 1, Acts: 1},
		{Workspaces: 1, External: 1, Replicas: 1, Beats: 2, Sweeps: 1, Stalls: 1},
		{Workspaces: 2, Replicas: 2, Beats: 1, Sweeps: 1},
		{Workspaces: 1, Replicas: 1, Beats: 2, Sweeps: 1, Faults: 1},
	} {
		if watched && i > 0 {
			break // the race detector makes it ten times as slow; make test runs the rest without it
		}
		all := pass(t, b, true, false)
		for _, backwards := range []bool{false, true} {
			some := pass(t, b, false, backwards)
			if len(some.visited) != len(all.visited) || len(some.settled) != len(all.settled) {
				t.Errorf("%+v, backwards %v: %d states and %d settled ones; without sleep %d and %d", b, backwards,
					len(some.visited), len(some.settled), len(all.visited), len(all.settled))
			}
			if b.Workspaces+b.External > 1 && (some.result.Asleep == 0 || some.result.Steps >= all.result.Steps) {
				t.Errorf("%+v: %d steps asleep, %d taken, %d without sleep", b, some.result.Asleep, some.result.Steps, all.result.Steps)
			}
		}
	}
}
