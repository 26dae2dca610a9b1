package explore

import (
	"context"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/store"
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

// What is kept beside the store is a value: a step makes another, equal ones are one, and a crash takes a replica's own part with it
// and nothing else.
func TestMindIsAValue(t *testing.T) {
	t.Parallel()
	d, err := defects.Find("nat-throttle")
	if err != nil {
		t.Fatal(err)
	}
	w, s, v, err := newWorld(sim.Reference(d), Bounds{Workspaces: 1, Replicas: 2, Beats: 1, Sweeps: 1, Faults: 1}, nil)
	if err != nil || v != nil {
		t.Fatal(err, v)
	}
	step := &op{memory: func(k defects.Kept) defects.Recalled {
		k.Keys[w.ids[0]] = epoch
		k.Tokens[w.ids[0]] = append(k.Tokens[w.ids[0]], store.TokenHash{1})
		k.Count["somewhere"]++
		return defects.Recalled{OK: true, IDs: w.ids}
	}}
	first, answer := s.mind.after(step, 0)
	if len(s.mind.server.Keys) != 0 || len(s.mind.own[0].Count) != 0 || !answer.ok || len(answer.ids) != 1 {
		t.Fatalf("a step changed what was there before, or was answered %+v", answer)
	}
	first = w.internMind(first)
	again, _ := s.mind.after(step, 0)
	elsewhere, _ := s.mind.after(step, 1)
	if w.internMind(again) != first || w.internMind(elsewhere) == first || s.mind == first {
		t.Error("equal ones are two, or different ones are one")
	}
	crashed := s.clone()
	crashed.mind, crashed.now = first, time.Minute
	crashed.tasks = append(crashed.tasks, task{node: w.start(w.ticks[0], crashed.now), who: aTick, life: -1})
	after, _ := w.apply(crashed, choice{kind: aCrash, replica: 0})
	own := after.mind.own
	if len(own[0].Count) != 0 || !own[0].Started.Equal(epoch.Add(time.Minute)) || !own[1].Started.Equal(epoch) || len(after.mind.server.Keys) != 1 {
		t.Errorf("after a crash there is %+v, %+v, %+v", after.mind.server, own[0], own[1])
	}
	if after.hash() == crashed.hash() {
		t.Error("two states that differ in it look alike")
	}
}
