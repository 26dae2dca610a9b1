package shrink_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/shrink"
)

func generated(seed uint64) *plan.Plan {
	draws := oracle.NewRandom(seed, "test")
	return generate.Plan(func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }, generate.Random)
}

// Whatever a failure needs is all that is left.
func TestShrinkLeavesWhatMatters(t *testing.T) {
	t.Parallel()
	needs := func(p *plan.Plan) bool {
		return slices.ContainsFunc(p.Faults, func(f plan.Fault) bool { return f.Kind == "partition" && f.Until-f.From >= plan.Duration(time.Minute) })
	}
	tried := 0
	for seed := range uint64(400) {
		p := generated(seed)
		if !needs(p) {
			continue
		}
		tried++
		before := p.Clone()
		small, plays := shrink.Plan(p, 0, needs, 2000)
		if diff := cmp.Diff(before, p); diff != "" {
			t.Fatalf("the plan that was given was changed:\n%s", diff)
		}
		if !needs(small) {
			t.Fatalf("seed %d: what is left does not fail: %+v", seed, small)
		}
		if len(small.Workspaces) != 1 || len(small.Acts) != 0 || len(small.Faults) != 1 || small.Controllers != 1 || plays >= 2000 {
			t.Errorf("seed %d: after %d plays there is left %+v", seed, plays, small)
		}
		if f := small.Faults[0]; f.From%plan.Duration(time.Second) != 0 || f.Until%plan.Duration(time.Second) != 0 || f.Workspaces != nil {
			t.Errorf("seed %d: the fault is not as a person would write it: %+v", seed, f)
		}
	}
	if tried < 10 {
		t.Errorf("only %d plans had a partition", tried)
	}
}

// A large fleet takes about as many plays as a small one.
func TestShrinkHalvesLargePlans(t *testing.T) {
	t.Parallel()
	p := generated(1)
	for len(p.Workspaces) < 400 {
		w := p.Workspaces[0]
		w.Name = fmt.Sprintf("%s-%d", w.Group, len(p.Workspaces)+1)
		p.Workspaces = append(p.Workspaces, w)
	}
	for _, number := range []int{1, 137, 400} {
		p.Acts = append(p.Acts, plan.Act{Do: "restart", Workspace: number, At: plan.Duration(time.Duration(number) * time.Minute)})
		at := p.Acts[len(p.Acts)-1].At
		small, plays := shrink.Plan(p, 0, func(p *plan.Plan) bool {
			return slices.ContainsFunc(p.Acts, func(a plan.Act) bool { return a.Do == "restart" && a.At >= at })
		}, 2000)
		if len(small.Workspaces) != 1 || len(small.Acts) != 1 || len(small.Faults) != 0 || plays > 200 {
			t.Errorf("workspace %d: after %d plays there are left %d workspaces, %d acts, %d faults", number, plays, len(small.Workspaces), len(small.Acts), len(small.Faults))
		}
	}
}

// What had many chances among many workspaces is given many alone: with other seeds, and sooner.
func TestShrinkTriesTheWorkspaceAlone(t *testing.T) {
	t.Parallel()
	for name, lucky := range map[string]func(*plan.Plan) bool{
		"seed":   func(p *plan.Plan) bool { return p.Seed == 40 },
		"sooner": func(p *plan.Plan) bool { return p.Acts[0].At == plan.Duration(20*time.Second) },
	} {
		p := generated(1)
		p.Acts, p.Faults = []plan.Act{{Do: "pause", Workspace: 7, At: plan.Duration(time.Minute)}}, nil
		for len(p.Workspaces) < 100 {
			w := plan.Workspace{Name: fmt.Sprintf("crowd%d-1", len(p.Workspaces)), Group: fmt.Sprintf("crowd%d", len(p.Workspaces)), Boots: p.Workspaces[0].Boots}
			p.Workspaces = append(p.Workspaces, w)
		}
		small, plays := shrink.Plan(p, 7, func(p *plan.Plan) bool { return len(p.Acts) > 0 && (len(p.Workspaces) == 100 || lucky(p)) }, 500)
		if len(small.Workspaces) != 1 || len(small.Acts) != 1 {
			t.Errorf("%s: after %d plays there are left %d workspaces, %d acts", name, plays, len(small.Workspaces), len(small.Acts))
		}
	}
}

func TestShrinkStopsAtItsLimit(t *testing.T) {
	t.Parallel()
	plays := 0
	if _, n := shrink.Plan(generated(1), 0, func(*plan.Plan) bool { plays++; return false }, 7); n != 7 || plays != 7 {
		t.Errorf("said %d, played %d", n, plays)
	}
}

// What is left of a plan can be written as a scenario: nobody resumes what was not paused before.
func TestKeepsRestBeforeResume(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) plan.Duration { return plan.Duration(d) }
	p := &plan.Plan{Name: "resumed", Seed: 1, Controllers: 1, Workspaces: []plan.Workspace{{
		Name: "w-1", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{{ImagePull: at(time.Minute)}},
	}}, Acts: []plan.Act{
		{At: at(95 * time.Second), Do: "pause", Workspace: 1}, {At: at(100 * time.Second), Do: "resume", Workspace: 1},
	}}
	small, _ := shrink.Plan(p, 0, func(p *plan.Plan) bool {
		return slices.ContainsFunc(p.Acts, func(a plan.Act) bool { return a.Do == "resume" })
	}, 1000)
	if len(small.Acts) != 2 || small.Acts[0].At >= small.Acts[1].At {
		t.Errorf("it left %+v", small.Acts)
	}
	if _, err := small.Scenario("It is resumed."); err != nil {
		t.Error(err)
	}
}

// What only brings a meeting about is left out, where the clock can do so.
func TestShrinkMeetsByTheClock(t *testing.T) {
	t.Parallel()
	at := func(s int) plan.Duration { return plan.Duration(time.Duration(s) * time.Second) }
	base := func() *plan.Plan {
		p := generated(1)
		p.Workspaces, p.Controllers, p.Settings = p.Workspaces[:1], 1, plan.Settings{}
		return p
	}
	// An act has to meet a heartbeat that a partition has put off.
	put := base()
	put.Acts = []plan.Act{{At: at(190), Do: "delete", Workspace: 1}}
	put.Faults = []plan.Fault{{Kind: "partition", From: at(60), Until: at(120)}}
	small, _ := shrink.Plan(put, 0, func(p *plan.Plan) bool {
		parted := slices.ContainsFunc(p.Faults, func(f plan.Fault) bool { return f.Kind == "partition" })
		return len(p.Acts) == 1 && (parted || p.Acts[0].At%at(30) > at(11) && p.Acts[0].At%at(30) < at(29))
	}, 1000)
	if len(small.Faults) != 0 {
		t.Errorf("the partition is still there: %+v", small.Faults)
	}
	// A controller has to be down when a silence is over.
	down := base()
	down.Acts = []plan.Act{{At: at(120), Do: "hibernate", Workspace: 1}}
	down.Faults = []plan.Fault{
		{Kind: "crash", Until: at(300), Calls: []string{"release_machine"}, Nth: []int{2}, When: "before", Delay: at(60)},
		{Kind: "machine-death", From: at(180)},
	}
	small, _ = shrink.Plan(down, 0, func(p *plan.Plan) bool {
		held, dead := len(p.Acts) > 0, slices.ContainsFunc(p.Faults, func(f plan.Fault) bool { return f.Kind == "machine-death" })
		return dead && slices.ContainsFunc(p.Faults, func(f plan.Fault) bool {
			return f.Kind == "crash" && (len(f.Calls) > 0 && held || len(f.Calls) == 0 && f.From > at(300) && f.From < at(360))
		})
	}, 1000)
	if len(small.Acts) != 0 || len(small.Faults) != 2 {
		t.Errorf("what brought the crash about is still there: %+v, %+v", small.Acts, small.Faults)
	}
}

// What is left without a parent is below the parent's own, and without any below nobody; a plan can be written all the way.
func TestDropsParents(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) plan.Duration { return plan.Duration(d) }
	p := &plan.Plan{Name: "family", Seed: 1, Controllers: 1}
	for i, name := range []string{"top", "middle", "low", "aside"} {
		parent := i
		if name == "aside" {
			parent = 2
		}
		p.Workspaces = append(p.Workspaces, plan.Workspace{
			Name: name + "-1", Group: name, Provider: "kimi", Runtime: "claude-code", Parent: parent, CreateAt: at(time.Duration(i) * time.Second),
			Boots: []plan.Boot{{ImagePull: at(time.Minute)}},
		})
	}
	index := func(p *plan.Plan, group string) int {
		return 1 + slices.IndexFunc(p.Workspaces, func(w plan.Workspace) bool { return w.Group == group })
	}
	below := func(p *plan.Plan, group, above string) bool {
		return index(p, group) > 0 && index(p, above) > 0 && slices.Contains(p.Above(index(p, group)), index(p, above))
	}
	for _, c := range []struct {
		needs func(*plan.Plan) bool
		left  int
	}{
		{func(p *plan.Plan) bool { return below(p, "low", "top") }, 2},
		{func(p *plan.Plan) bool { return below(p, "low", "middle") && below(p, "aside", "middle") }, 3},
		{func(p *plan.Plan) bool { return index(p, "low") > 0 }, 1},
	} {
		small, _ := shrink.Plan(p, 0, func(p *plan.Plan) bool {
			if _, err := p.Scenario("A family."); err != nil {
				t.Error(err)
			}
			return c.needs(p)
		}, 1000)
		if len(small.Workspaces) != c.left || !c.needs(small) || c.left == 1 && small.Workspaces[0].Parent != 0 {
			t.Errorf("it left %+v", small.Workspaces)
		}
	}
}
