package explore_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/explore"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/sim"
)

func search(t testing.TB, target sim.Target, b explore.Bounds) *explore.Result {
	t.Helper()
	r, err := explore.Search{Target: target, Bounds: b}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// The reference controller holds everywhere within the bounds, and a second search visits the same.
func TestReferenceIsExhausted(t *testing.T) {
	t.Parallel()
	for i, b := range []explore.Bounds{
		{Workspaces: 2, Replicas: 1, Beats: 1, Sweeps: 1},
		{Workspaces: 1, Replicas: 1, Beats: 1, Sweeps: 1, Acts: 1, Faults: 1},
		{Workspaces: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1, Faults: 1},
		{Workspaces: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1, Stalls: 1},
		{Workspaces: 2, Replicas: 1, Beats: 1, Sweeps: 1, Acts: 1},
		{External: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1, Stalls: 1},
		{Workspaces: 1, Replicas: 2, Beats: 1, Sweeps: 1},
		{Workspaces: 1, Replicas: 1, Beats: 1, Sweeps: 1, Acts: 2},
	} {
		if underRace && i > 1 {
			break // the race detector makes it ten times as slow; make test runs the rest without it
		}
		r := search(t, sim.Reference(nil), b)
		if r.Found != nil || !r.Exhausted || r.States < 500 || r.Schedules < 5 {
			t.Fatalf("%+v: %+v", b, r)
		}
		if i > 2 {
			continue
		}
		again := search(t, sim.Reference(nil), b)
		if again.States != r.States || again.Steps != r.Steps || again.Settled != r.Settled || again.Depth != r.Depth {
			t.Errorf("%+v: %+v, then %+v", b, r, again)
		}
	}
}

// What it finds in a defect is what the defect breaks, and the way there, told as a history, violates the same.
func TestFindsDefects(t *testing.T) {
	t.Parallel()
	plain := explore.Bounds{Workspaces: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1, Faults: 1, Stalls: 1}
	bounds := map[string]explore.Bounds{
		"degraded-resurrect": {Workspaces: 1, Replicas: 1, Beats: 3, Sweeps: 1, Acts: 1, Faults: 1},
		"enum-drift":         {External: 1, Replicas: 1, Beats: 1, Sweeps: 1},
		"double-sweep":       {Workspaces: 1, Replicas: 2, Beats: 1, Sweeps: 1},
		"delete-again":       {Workspaces: 1, Replicas: 1, Beats: 1, Sweeps: 1, Acts: 2},
	}
	// What cannot show in a small world, and why: each is exhausted, and nothing is found.
	hidden := map[string]string{
		"swallowed-4xx":       "only an agent that was given no token is ever refused for good, and those of external workspaces here are given theirs",
		"budget-from-restart": "so many restarts put a budget off so often, and no more: a promise is broken only where they never end",
		"orphaned-child":      "nobody has a parent",
		"list-hides-paused":   "nobody looks at the list",
		"dead-address":        "nobody looks at an address, and no agent moves to another one",
		"blank-cause":         "a cause is only looked for, and its words are not read",

		"name-taken":        "nobody creates a workspace again under its name",
		"token-per-attempt": "the cloud goes by a launch's workspace and incarnation, whatever its client token",
		"trusted-launch":    "whether a machine is launched at all is not judged: where none is, the boot is given up at its budget, as a dead one",

		"throttled-is-refused": "a state does not remember what the cloud said about a launch",
	}
	small := explore.Bounds{Workspaces: 1, Replicas: 1, Beats: 1, Sweeps: 1, Acts: 1, Faults: 1}
	for name := range hidden {
		bounds[name] = small
	}
	// A log that has what the row never did is seen with the first entry, before it overwrites anything.
	also := map[string]string{
		"late-start-error": "event-iff-transition", "restart-token-lockout": "current-incarnation",
		"token-of-the-dead": "current-incarnation", // the machine that the cloud answers with is the former boot's, and still runs
	}
	for _, d := range defects.All() {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			if underRace && d.Name != "old-incarnation-online" && d.Name != "sticky-failed" && d.Name != "fresh-row-offline" {
				t.Skip("make test runs this without the race detector, under which it takes minutes")
			}
			b, ok := bounds[d.Name]
			if !ok {
				b = plain
			}
			r, err := explore.Search{Target: sim.Reference(d), Bounds: b}.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if why := hidden[d.Name]; why != "" {
				if r.Found != nil || !r.Exhausted {
					t.Fatalf("found or not exhausted, though %s: %+v", why, r)
				}
				return
			}
			if r.Found == nil {
				t.Fatalf("not found: %+v", r)
			}
			name := r.Found.Violation.Invariant
			if name != d.Breaks && name != also[d.Name] && !slices.Contains(d.Also, name) {
				t.Errorf("blames %s: %s", name, r.Found.Violation.What)
			}
			s, err := r.Found.Story(b)
			if err != nil {
				t.Fatal(err)
			}
			var judged []string
			for _, x := range invariant.Judge(s.Plan, s.History).Violations() {
				judged = append(judged, x.Invariant)
			}
			if !slices.Contains(judged, name) {
				t.Errorf("as a history it violates %v, and not %s: %+v", judged, name, r.Found.Violation)
			}
			if len(s.Steps) < 5 && len(s.History.Events) < 4 {
				t.Errorf("the story has %d steps", len(s.Steps))
			}
		})
	}
}

// custom is the reference controller with something in front of its handler.
func custom(front func(http.Handler) http.Handler) sim.Target {
	return sim.Target{Name: "custom", Deploy: func() sim.Deployment {
		return sim.Deployment{Table: lifecycle.Standard(), Start: func(c controller.Config) (sim.Instance, error) {
			k, err := controller.New(c)
			if err != nil {
				return sim.Instance{}, err
			}
			return sim.Instance{Handler: front(k.Handler()), Ticks: k.Ticks()}, nil
		}}
	}}
}

// A controller that counts in memory is recognised, not searched wrongly.
func TestMemoryBesideTheStoreIsNoticed(t *testing.T) {
	t.Parallel()
	_, err := explore.Search{Bounds: explore.DefaultBounds(), Target: custom(func(h http.Handler) http.Handler {
		seen := 0
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/hibernate") || strings.HasSuffix(r.URL.Path, "/restart") {
				if seen++; seen%2 == 0 {
					r.URL.Path = strings.Replace(r.URL.Path, "hibernate", "pause", 1)
				}
			}
			h.ServeHTTP(w, r)
		})
	})}.Run(context.Background())
	if err == nil || !strings.Contains(err.Error(), "keeps something in memory beside its store") {
		t.Errorf("got %v", err)
	}
}

// A target that says that it remembers, and has no way to put that back, is not searched.
func TestWhoRemembersIsRefused(t *testing.T) {
	t.Parallel()
	target := custom(func(h http.Handler) http.Handler { return h })
	target.Remembers = true
	if _, err := (explore.Search{Target: target, Bounds: explore.DefaultBounds()}).Run(context.Background()); !errors.Is(err, explore.ErrRemembers) {
		t.Errorf("got %v", err)
	}
}

func TestPanicsAreFound(t *testing.T) {
	t.Parallel()
	r := search(t, custom(func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/pause") {
				panic("boom")
			}
			h.ServeHTTP(w, r)
		})
	}), explore.DefaultBounds())
	if r.Found == nil || r.Found.Violation.Invariant != "no-panic" || r.Found.Costs != 1 {
		t.Errorf("%+v", r.Found)
	}
}

// Bounds end a search, which then says that it is not exhausted.
func TestBoundedSearchSaysSo(t *testing.T) {
	t.Parallel()
	b := explore.DefaultBounds()
	b.States = 5000
	r := search(t, sim.Reference(nil), b)
	if r.Exhausted || r.Found != nil || !strings.Contains(r.Why, "bound of states") {
		t.Errorf("%+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := explore.Search{Target: sim.Reference(nil), Bounds: explore.DefaultBounds()}.Run(ctx)
	if err != nil || r.Exhausted || !strings.Contains(r.Why, "interrupted") {
		t.Errorf("%+v, %v", r, err)
	}
	b.Workspaces = 9
	if _, err := (explore.Search{Target: sim.Reference(nil), Bounds: b}).Run(context.Background()); err == nil {
		t.Error("nine workspaces were taken")
	}
}

func TestJudgedAreInvariants(t *testing.T) {
	t.Parallel()
	var names []string
	for _, i := range invariant.All() {
		names = append(names, i.Name)
	}
	for _, name := range explore.Judged() {
		if !slices.Contains(names, name) {
			t.Errorf("%s is no invariant", name)
		}
	}
}

// BenchmarkExplore exhausts a world of one workspace.
//
//	states/s   different states visited, over wall time
func BenchmarkExplore(b *testing.B) {
	states := 0
	for b.Loop() {
		r := search(b, sim.Reference(nil), explore.Bounds{Workspaces: 1, Replicas: 1, Beats: 2, Sweeps: 1, Acts: 1, Stalls: 1})
		states += r.States
	}
	b.ReportMetric(float64(states)/b.Elapsed().Seconds(), "states/s")
	b.ReportMetric(0, "ns/op")
}
