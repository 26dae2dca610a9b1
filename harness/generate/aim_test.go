package generate_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bootrace/bootrace/controller"
	"github.com/bootrace/bootrace/controller/lifecycle"
	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
)

func draw(seed uint64) generate.Draw {
	draws := oracle.NewRandom(seed, "test")
	return func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }
}

// A plan that is drawn for a meeting can be written as a scenario, holds up the tick that it is about at that moment, and is
// decided by its draws.
func TestAimed(t *testing.T) {
	t.Parallel()
	for i, e := range lifecycle.Standard().Edges() {
		for _, tick := range []string{controller.TickProvisionSweep, controller.TickLivenessSweep, controller.TickLauncher, controller.TickOrphanSweep} {
			for _, position := range []string{"before", "between", "after"} {
				aim := generate.Aim{Event: e.Event, From: e.From, Tick: tick, Position: position}
				p := generate.Aimed(draw(uint64(i)), generate.PCT2, aim)
				if _, err := p.Scenario("Aimed."); err != nil {
					t.Fatalf("%+v: %v", aim, err)
				}
				held := func(f plan.Fault) bool {
					return f.Kind == "stall" && slices.Equal(f.Calls, []string{tick}) && (f.When == "after") == (position == "after") &&
						time.Duration(f.Delay) >= f.End()-time.Duration(f.Until)
				}
				if position != "between" && !slices.ContainsFunc(p.Faults, held) {
					t.Errorf("%+v: nothing is held up: %+v", aim, p.Faults)
				}
				if again := generate.Aimed(draw(uint64(i)), generate.PCT2, aim); again.Seed != p.Seed || len(again.Faults) != len(p.Faults) {
					t.Errorf("%+v: the same draws gave another plan", aim)
				}
			}
		}
	}
}

// Fleets have families: parents are created no later than their children, and some are deleted or paused around that.
func TestFamilies(t *testing.T) {
	t.Parallel()
	parents, on := 0, map[string]int{}
	for seed := range uint64(2000) {
		p := generate.Plan(draw(seed), generate.Random)
		for i, w := range p.Workspaces {
			if w.Parent == 0 {
				continue
			}
			parents++
			if above := p.Workspaces[w.Parent-1]; w.Parent > len(p.Workspaces) || slices.Contains(p.Above(i+1), i+1) || above.CreateAt > w.CreateAt {
				t.Fatalf("seed %d: workspace %d has the parent %d: %+v", seed, i+1, w.Parent, p.Workspaces)
			}
			for _, a := range p.Acts {
				if a.Workspace == w.Parent {
					on[a.Do]++
				}
			}
		}
	}
	if parents < 300 || on["delete"] < 30 || on["pause"] < 30 || on["resume"] < 10 {
		t.Errorf("%d have parents, of whom the operator wanted %v", parents, on)
	}
}
