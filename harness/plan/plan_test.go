package plan_test

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/harness/generate"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/scenarios"
)

// A scenario's acts can be repeated, groups can have the names of one that was deleted, and ticks and agents times of their own: a
// plan has all of that, and, where its groups are of one, can be written as the same scenario again.
func TestRepeatedAndAgain(t *testing.T) {
	t.Parallel()
	s := &scenarios.Scenario{
		Name: "again", About: "Twice.", Settings: &scenarios.Settings{FirstTurns: scenarios.AtOnce},
		Fleet: []scenarios.Group{
			{Name: "first", Provider: "kimi", Boot: &scenarios.Boot{Total: scenarios.Duration(time.Minute)}},
			{
				Name: "again", Provider: "kimi", SameNamesAs: "first", CreateAt: scenarios.Duration(9 * time.Minute), RegisterOnce: true, IgnoresGone: true,
				BeatEvery: scenarios.Duration(40 * time.Second), BeatJitter: scenarios.Duration(time.Second),
				Boot: &scenarios.Boot{ImagePull: scenarios.Duration(time.Minute), AgentStart: scenarios.Duration(time.Second), Preflight: scenarios.Duration(time.Second)},
			},
		},
		Acts: []scenarios.Act{
			{At: scenarios.Duration(time.Minute), Do: "restart", Group: "first", Times: 3, Every: scenarios.Duration(time.Minute)},
			{At: scenarios.Duration(8 * time.Minute), Do: "delete", Group: "first"},
		},
	}
	s, err := s.Check()
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Resolve(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Acts) != 4 || p.Acts[2].At != plan.Duration(3*time.Minute) || len(p.Workspaces[0].Boots) != 4 {
		t.Errorf("acts %+v, boots %+v", p.Acts, p.Workspaces[0].Boots)
	}
	w := p.Workspaces[1]
	if w.Name != p.Workspaces[0].Name || w.Group != "again" || p.Beat(&w) != 40*time.Second || p.Beat(&p.Workspaces[0]) != 30*time.Second {
		t.Errorf("again %+v", w)
	}
	for i := range p.Workspaces { // which no scenario can say
		p.Workspaces[i].Boots = p.Workspaces[i].Boots[:1]
		p.Workspaces[i].Boots[0].Refusals = 0
	}
	written, err := p.Scenario("Twice.")
	if err != nil {
		t.Fatal(err)
	}
	again, err := plan.Resolve(written, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(again.Acts, p.Acts) || again.Settings != p.Settings || again.Workspaces[1].Name != w.Name || !again.Workspaces[1].IgnoresGone ||
		!again.Workspaces[1].RegisterOnce || again.Workspaces[1].BeatJitter != w.BeatJitter {
		t.Errorf("written, it is another plan: %+v", again)
	}
}

func TestResolveIsTheSeeds(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios.Builtin() {
		a, err := plan.Resolve(s, 7)
		if err != nil {
			t.Fatal(err)
		}
		b, err := plan.Resolve(s, 7)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s: %s", s.Name, diff)
		}
		raw, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var kept plan.Plan
		if err := json.Unmarshal(raw, &kept); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a, &kept); diff != "" {
			t.Errorf("%s is not what was kept: %s", s.Name, diff)
		}
		if a.Duration < plan.Duration(a.Healed()) {
			t.Errorf("%s ends at %s, before its last fault does, at %s", s.Name, a.Duration, a.Healed())
		}
	}
}

func TestResolveFixesWhatIsFixed(t *testing.T) {
	t.Parallel()
	s := &scenarios.Scenario{Name: "s", About: "a", Fleet: []scenarios.Group{
		{Provider: "minimax", Count: 20, Boot: &scenarios.Boot{Total: scenarios.Duration(702 * time.Second), Preflight: scenarios.Duration(450 * time.Second)}},
		{Provider: "kimi", Count: 20},
	}, Acts: []scenarios.Act{{At: scenarios.Duration(time.Minute), Do: "restart", Group: "minimax", First: 3}}}
	p, err := plan.Resolve(s, 3)
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[time.Duration]bool{}
	for i, w := range p.Workspaces {
		if i < 20 {
			if b := w.Boot(1); b.Total() != 702*time.Second || b.Preflight != plan.Duration(450*time.Second) || len(w.Boots) != 2 {
				t.Errorf("workspace %d boots %+v", i+1, w.Boots)
			}
			continue
		}
		drawn[w.Boot(1).Total()] = true
	}
	if len(drawn) < 15 {
		t.Errorf("20 drawn boots take only %d times", len(drawn))
	}
	if len(p.Acts) != 3 || p.Acts[2].Workspace != 3 {
		t.Errorf("acts %+v", p.Acts)
	}
	if _, err := plan.Resolve(&scenarios.Scenario{Fleet: []scenarios.Group{{Provider: "nobody"}}}, 1); err == nil {
		t.Error("an unknown provider was resolved")
	}
}

func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		draws := oracle.NewRandom(seed, "test")
		p := generate.Plan(func(_ string, n int) int { return int(draws.Choose(oracle.Ident, uint64(n))) }, generate.Random)
		before, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		c := p.Clone()
		if diff := cmp.Diff(p, c); diff != "" {
			t.Fatal(diff)
		}
		for i := range c.Workspaces {
			c.Workspaces[i].Boots[0].Dies = "changed"
		}
		for i := range c.Acts {
			c.Acts[i].Do = "changed"
		}
		for i := range c.Faults {
			f := &c.Faults[i]
			for j := range f.Calls {
				f.Calls[j] = "changed"
			}
			for j := range f.Nth {
				f.Nth[j] = 99
			}
			for j := range f.Workspaces {
				f.Workspaces[j] = 99
			}
		}
		if after, err := json.Marshal(p); err != nil || string(after) != string(before) {
			t.Fatalf("seed %d: the original changed", seed)
		}
	}
}

// Parents are dealt out in turn; what is resumed through a parent boots once more; and a plan writes them back.
func TestParents(t *testing.T) {
	t.Parallel()
	s := &scenarios.Scenario{
		Name: "family", About: "A family.", Fleet: []scenarios.Group{
			{Name: "low", Provider: "kimi", Parent: "middle"}, {Name: "middle", Provider: "kimi", Count: 3, Parent: "top"},
			{Name: "top", Provider: "kimi", Count: 2},
		},
		Acts: []scenarios.Act{
			{At: scenarios.Duration(time.Minute), Do: "pause", Group: "top"}, {At: scenarios.Duration(2 * time.Minute), Do: "resume", Group: "top"},
		},
	}
	p, err := plan.Resolve(s, 1)
	if err != nil {
		t.Fatal(err)
	}
	var parents []int
	for _, w := range p.Workspaces {
		parents = append(parents, w.Parent)
		if len(w.Boots) != 2 {
			t.Errorf("%s has %d boots", w.Name, len(w.Boots))
		}
	}
	for _, diff := range []string{
		cmp.Diff([]int{2, 5, 6, 5, 0, 0}, parents), cmp.Diff([]int{2, 5}, p.Above(1)), cmp.Diff([]int{1, 2, 4}, p.Below(5)),
		cmp.Diff([]int(nil), p.Below(1)), cmp.Diff(2, p.Generations()),
	} {
		if diff != "" {
			t.Error(diff)
		}
	}
	for i := range p.Workspaces { // a plan of single ones can be written
		w := &p.Workspaces[i]
		w.Group += "-" + w.Name
		w.Name = w.Group + "-1"
		w.Boots = []plan.Boot{{ImagePull: plan.Duration(time.Minute)}}
	}
	p.Acts = nil
	again, err := p.Scenario("A family.")
	if err != nil {
		t.Fatal(err)
	}
	back, err := plan.Resolve(again, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range back.Workspaces {
		if w.Parent != parents[i] {
			t.Errorf("%s is below %d, and was below %d", w.Name, w.Parent, parents[i])
		}
	}
}
