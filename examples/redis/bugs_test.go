package redis_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bootrace/bootrace/examples/redis"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/invariant"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
)

// TestRaces puts the mistakes back, each in a plan whose schedule is the one that matters. The corrected controller holds in all.
func TestRaces(t *testing.T) {
	after := func(d time.Duration) plan.Duration { return plan.Duration(d) }
	boot := plan.Boot{ImagePull: after(20 * time.Second), AgentStart: after(5 * time.Second), Preflight: after(15 * time.Second)}
	for _, c := range []struct {
		name       string
		mistake    func(*redis.Config)
		acts       []plan.Act
		faults     []plan.Fault
		invariants []string // any of them is true of it
		says       string
	}{
		{
			name: "an agent is believed that was asked before", mistake: func(c *redis.Config) { c.Trusting = true },
			acts: []plan.Act{{At: after(3 * time.Minute), Do: "delete", Workspace: 1}},
			faults: []plan.Fault{{
				Kind: "stall", From: after(150 * time.Second), Until: after(3 * time.Minute), Calls: []string{"heartbeat"}, Workspaces: []int{1},
				Delay: after(35 * time.Second), When: "after", Nth: []int{2},
			}},
			invariants: []string{"removed-is-terminal"}, says: "update agents set report = $3",
		},
		{
			name: "a sweep writes what it saw", mistake: func(c *redis.Config) { c.StaleSweep = true },
			faults: []plan.Fault{
				{Kind: "partition", From: after(100 * time.Second), Until: after(258 * time.Second)},
				{
					Kind: "stall", From: after(254 * time.Second), Until: after(258 * time.Second), Calls: []string{"liveness-sweep"},
					Delay: after(15 * time.Second), Nth: []int{4},
				},
			},
			invariants: []string{"stays-online", "loser-cannot-overwrite-winner"}, says: "set state = 'gone'",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &plan.Plan{
				Name: "race", Seed: 1, Duration: after(13 * time.Minute), Controllers: 1, Acts: c.acts, Faults: c.faults,
				Workspaces: []plan.Workspace{{Name: "w-1", Group: "w", Provider: "kimi", Runtime: "claude-code", Boots: []plan.Boot{boot}}},
			}
			o := harness.Play(t.Context(), p, stores.Memory(), target(c.mistake).For(t), nil)
			if o.Fault != nil {
				t.Fatal(o.Fault)
			}
			x := o.Judgement.First()
			if x == nil {
				t.Fatal("nothing is violated")
			}
			mechanism := invariant.Explain(o.Plan, o.History, x).Mechanism
			t.Logf("%s: %s", x.Invariant, mechanism)
			if !slices.Contains(c.invariants, x.Invariant) || !strings.Contains(mechanism, c.says) {
				t.Errorf("want one of %v, and a mechanism with %q", c.invariants, c.says)
			}
			sound := harness.Play(t.Context(), p, stores.Memory(), target(nil).For(t), nil)
			if x := sound.Judgement.First(); sound.Fault != nil || x != nil {
				t.Errorf("corrected: %v %v", sound.Fault, x)
			}
		})
	}
}
