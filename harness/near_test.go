package harness_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// A plan near a scenario's has its fleet, acts and faults, at times that are no farther than the distance; and the reference controller
// survives it, as it survives the scenario.
func TestNearPlansAreRecognisable(t *testing.T) {
	t.Parallel()
	const distance = time.Minute
	for _, s := range scenarios.Builtin() {
		if len(s.Fleet) > 0 && s.Fleet[0].Count >= 50 {
			continue // a crowd costs as much as all others
		}
		around := resolve(t, s, 3)
		before := around.Clone()
		draws := oracle.NewRandom(5, "near")
		draw := func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }
		for i := range seeds(6, 1) {
			p := generate.Near(draw, generate.Random, around, distance)
			if !slices.EqualFunc(p.Workspaces, before.Workspaces, func(a, b plan.Workspace) bool {
				return a.Name == b.Name && a.Provider == b.Provider && a.Runtime == b.Runtime && a.CreateAt == b.CreateAt &&
					slices.EqualFunc(a.Boots, b.Boots, func(a, b plan.Boot) bool {
						return a.Dies == b.Dies && a.ImagePull > 0 == (b.ImagePull > 0) && (a.Total()-b.Total()).Abs() <= distance+40*time.Second
					})
			}) {
				t.Fatalf("%s: another fleet: %+v", s.Name, p.Workspaces)
			}
			if len(p.Faults) < len(before.Faults) || len(p.Acts) < len(before.Acts) {
				t.Fatalf("%s: %d faults and %d acts, of %d and %d", s.Name, len(p.Faults), len(p.Acts), len(before.Faults), len(before.Acts))
			}
			for j, f := range before.Faults {
				if g := p.Faults[j]; g.Kind != f.Kind || time.Duration(g.From-f.From).Abs() > distance || (g.Until == 0) != (f.Until == 0) {
					t.Errorf("%s: fault %d is %+v, and was %+v", s.Name, j+1, g, f)
				}
			}
			if around.Name != before.Name || around.Seed != before.Seed || len(around.Faults) != len(before.Faults) {
				t.Fatalf("%s: the plan itself was changed", s.Name)
			}
			o := harness.Play(context.Background(), p, stores.Memory(), sim.Reference(nil), nil)
			if o.Fault != nil || o.Judgement.Verdict == invariant.Violated {
				t.Errorf("%s, near plan %d: %v %v", s.Name, i+1, o.Fault, o.Judgement.Violations())
			}
		}
	}
}

// An incident whose one seed showed nothing is found near it.
func TestSearchAroundFindsTheIncident(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ defect, scenario string }{
		{"sticky-failed", "fleet: [{provider: minimax, count: 2, boot: {total: 9m}}]\n"},
		{"pause-leaks-machine", "fleet: [{provider: kimi, boot: {total: 1m}}]\nacts: [{at: 10m, do: pause, group: kimi}]\n"},
		{"late-start-error", "fleet: [{provider: kimi, boot: {total: 1m}}]\nfaults: [{kind: cloud-lost-reply, from: 0s, until: 1s}]\n"},
		{"restart-token-lockout", "fleet: [{provider: kimi, boot: {total: 1m}}]\nacts: [{at: 3m, do: restart, group: kimi}]\n"},
	} {
		s, err := scenarios.Load("near.yaml", []byte("name: near\nabout: What an incident looked like.\n"+c.scenario))
		if err != nil {
			t.Fatal(err)
		}
		around := resolve(t, s, 1)
		r, err := harness.Checking{
			Target: sim.Reference(defect(t, c.defect)), Source: stores.Memory(), Seed: 1, Around: around, Checks: 2000,
		}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if r.Found == nil {
			t.Errorf("%s: %d plans near it show nothing", c.defect, r.Checks)
		}
	}
}
