package harness_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/pgserver"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sched"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// onPostgres is a real Postgres for the tests that need one. Where none is available, they fail: a skip would hide that the
// half of what is promised was never tried.
var onPostgres stores.Source

// reusedPostgres is the same for searches, which empty their stores instead of making others.
var reusedPostgres stores.Source

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		if onPostgres, err = stores.Postgres(context.Background(), pgserver.Options{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		reusedPostgres = stores.Reusing(onPostgres)
		code := m.Run()
		if err := reusedPostgres.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		sched.Release()
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

func resolve(t testing.TB, s *scenarios.Scenario, seed uint64) *plan.Plan {
	t.Helper()
	p, err := plan.Resolve(s, seed)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func play(t testing.TB, p *plan.Plan, source stores.Source, d *defects.Defect) *harness.Outcome {
	t.Helper()
	o := harness.Play(context.Background(), p, source, sim.Reference(d), nil)
	if o.Fault != nil {
		t.Fatalf("%s, seed %d: %v", p.Name, p.Seed, o.Fault)
	}
	return o
}

// seeds is how many seeds a test tries: fewer under the race detector, which looks for something else.
func seeds(without, with uint64) uint64 {
	if underRace {
		return with
	}
	return without
}

// sampled skips all but every n-th of a list where the race detector watches: one course of a kind shows it what there is.
func sampled(t *testing.T, i, n int) {
	t.Helper()
	if underRace && i%n != 0 {
		t.Skip("make test plays this without the race detector")
	}
}

// The reference controller keeps every promise in every built-in scenario, whatever the seed, and every scenario's race
// takes place.
func TestReferenceHolds(t *testing.T) {
	t.Parallel()
	seeds := seeds(20, 1)
	for i, s := range scenarios.Builtin() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			sampled(t, i, 2)
			for seed := range seeds {
				o := play(t, resolve(t, s, seed), stores.Memory(), nil)
				if o.Judgement.Verdict != invariant.Held {
					t.Errorf("seed %d is %s: %v %v", seed, o.Judgement.Verdict, o.Judgement.Doubts, o.Judgement.Violations())
				}
			}
		})
	}
}

// sameCourse fails where two histories differ, and shows where they part. It compares events only where they do: that is
// slow.
func sameCourse(t *testing.T, a, b *harness.Outcome) {
	t.Helper()
	if slices.Equal(a.History.Events, b.History.Events) {
		return
	}
	for i := range min(len(a.History.Events), len(b.History.Events)) {
		if diff := cmp.Diff(a.History.Events[i], b.History.Events[i]); diff != "" {
			t.Fatalf("the courses part at event %d:\n%s", i, diff)
		}
	}
	t.Fatalf("one course is longer: %d and %d events", len(a.History.Events), len(b.History.Events))
}

// The same plan and seed take the same course to the byte, on every store.
func TestSamePlanSameHistory(t *testing.T) {
	t.Parallel()
	for i, s := range scenarios.Builtin() {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			sampled(t, i, 8)
			p := resolve(t, s, 7)
			first := play(t, p, stores.Memory(), nil)
			again := play(t, resolve(t, s, 7), stores.Memory(), nil)
			sameCourse(t, first, again)
			onPG := play(t, p, onPostgres, nil)
			sameCourse(t, first, onPG)
			if first.Digest != onPG.Digest || first.Digest != first.History.Digest() {
				t.Error("one history has two digests")
			}
			if other := play(t, resolve(t, s, 8), stores.Memory(), nil); other.Digest == first.Digest {
				t.Error("another seed took the same course")
			}
		})
	}
}

// What each defect must be told by: the first violation of the suite, and words of its mechanism.
var told = map[string]struct {
	scenario string
	words    []string
}{
	"sticky-failed":       {"minimax-past-budget", []string{"provision-timeout sweeper gave up", "before it ended", `found "failed" each time`, "no transition out of it"}},
	"fix-regressed":       {"minimax-past-budget", []string{`found "failed" each time`, "no transition out of it"}},
	"zombie-online":       {"second-silence", []string{"had been offline", "the heartbeat handler brought it back", "nothing watches for its silence"}},
	"lost-expiry":         {"silence-during-crash", []string{"a controller was down", "what announces a silence was lost"}},
	"fresh-row-offline":   {"silence-at-the-sweep", []string{"The liveness sweeper wrote offline", "a heartbeat was accepted", "wrote without looking again"}},
	"degraded-resurrect":  {"delete-while-recovering", []string{"The DELETE committed", "read the row as degraded before that", "wrote online", "without a guard"}},
	"late-start-error":    {"launch-error-after-life", []string{"came back as an error", "That was written as failed", "does not look at what is there"}},
	"delete-during-start": {"delete-during-boot", []string{"The operator's delete made it removed", "returned its id", "Nobody has asked the cloud to stop it"}},
	"swallowed-4xx":       {"register-overtaken", []string{"got 401", "never registered anew", "takes a refusal for success"}},
	"budget-from-restart": {"rolling-updates", []string{"too late", "after controller 1 started", "began the budget anew"}},
}

// earlier are scenarios that have the race of a defect by chance, for some seeds, before the one that is about it.
var earlier = map[string][]string{
	"late-start-error": {"cloud-lost-replies"}, // a launch that times out again and again may do so after the boot of an earlier one ended
}

func defect(t testing.TB, name string) *defects.Defect {
	t.Helper()
	d, err := defects.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The whole suite finds these defects, each first in the scenario that is about it, and blames and explains it rightly.
func TestSuiteFindsDefects(t *testing.T) {
	t.Parallel()
	for i, name := range slices.Sorted(maps.Keys(told)) {
		want := told[name]
		d := defect(t, name)
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			sampled(t, i, 5)
			for _, s := range scenarios.Builtin() {
				if s.Name == want.scenario {
					break
				}
				if slices.Contains(earlier[name], s.Name) {
					continue
				}
				if o := play(t, resolve(t, s, 1), stores.Memory(), d); o.Judgement.Verdict == invariant.Violated {
					t.Errorf("found in %s before %s", s.Name, want.scenario)
				}
			}
			s, err := scenarios.Find(want.scenario)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range seeds(30, 3) {
				o := play(t, resolve(t, s, seed), stores.Memory(), d)
				x := o.Judgement.First()
				if x == nil {
					t.Errorf("seed %d does not find it", seed)
					continue
				}
				if x.Invariant != d.Breaks {
					t.Errorf("seed %d blames %s, and the defect breaks %s: %s", seed, x.Invariant, d.Breaks, x.What)
				}
				e := invariant.Explain(o.Plan, o.History, x)
				for _, words := range want.words {
					if !strings.Contains(e.Mechanism, words) {
						t.Errorf("seed %d: the mechanism does not say %q: %s", seed, words, e.Mechanism)
					}
				}
			}
		})
	}
}

// A defect takes the same course on Postgres, through its unguarded doors too.
func TestDefectsOnPostgres(t *testing.T) {
	t.Parallel()
	for i, name := range slices.Sorted(maps.Keys(told)) {
		d := defect(t, name)
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			sampled(t, i, 5)
			s, err := scenarios.Find(told[d.Name].scenario)
			if err != nil {
				t.Fatal(err)
			}
			p := resolve(t, s, 3)
			inMemory, onPG := play(t, p, stores.Memory(), d), play(t, p, onPostgres, d)
			sameCourse(t, inMemory, onPG)
			if onPG.Judgement.Verdict != invariant.Violated {
				t.Errorf("%s on Postgres", onPG.Judgement.Verdict)
			}
		})
	}
}

// A history that was kept says the same as the one that was written.
func TestJudgementIsOfTheHistoryAlone(t *testing.T) {
	t.Parallel()
	d, err := defects.Find("sticky-failed")
	if err != nil {
		t.Fatal(err)
	}
	s, err := scenarios.Find("minimax-past-budget")
	if err != nil {
		t.Fatal(err)
	}
	o := play(t, resolve(t, s, 1), stores.Memory(), d)
	var b strings.Builder
	if _, err := o.History.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	kept, err := history.Read(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(o.Judgement, invariant.Judge(o.Plan, kept)); diff != "" {
		t.Error(diff)
	}
}
