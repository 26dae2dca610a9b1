package live_test

import (
	"testing"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/live"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// builtin resolves a built-in scenario to a plan for this world.
func builtin(t testing.TB, name string, speed float64) *plan.Plan {
	t.Helper()
	s, err := scenarios.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return resolved(t, s, speed)
}

func resolved(t testing.TB, s *scenarios.Scenario, speed float64) *plan.Plan {
	t.Helper()
	p, err := plan.Resolve(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	return live.Plan(p, speed)
}

func play(t testing.TB, p *plan.Plan, d *defects.Defect) (*history.History, *invariant.Judgement) {
	t.Helper()
	h, err := live.Run(t.Context(), p, live.Options{Postgres: database, Defect: d})
	if err != nil {
		t.Fatal(err)
	}
	return h, invariant.Judge(p, h)
}

// The seed of this program: late boots must come online all the same, and where they do not it must be told why.
func TestSeedScenario(t *testing.T) {
	t.Parallel()
	t.Run("reference", func(t *testing.T) {
		t.Parallel()
		_, j := play(t, builtin(t, "minimax-past-budget", 120), nil)
		if j.Verdict != invariant.Held {
			t.Errorf("%s: %v %v", j.Verdict, j.Doubts, j.Violations())
		}
	})
	t.Run("sticky-failed", func(t *testing.T) {
		t.Parallel()
		d, err := defects.Find("sticky-failed")
		if err != nil {
			t.Fatal(err)
		}
		p := builtin(t, "minimax-past-budget", 120)
		h, j := play(t, p, d)
		x := j.First()
		if x == nil || x.Invariant != "converges" {
			t.Fatalf("%s: %v %v", j.Verdict, j.Doubts, j.Violations())
		}
		t.Log(invariant.Explain(p, h, x).Mechanism)
	})
}
