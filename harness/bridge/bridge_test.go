package bridge_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bootrace/bootrace/controller/defects"
	"github.com/bootrace/bootrace/harness"
	"github.com/bootrace/bootrace/harness/bridge"
	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/oracle"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/sim"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

func find(t *testing.T, name string) *defects.Defect {
	t.Helper()
	if name == "" {
		return nil
	}
	d, err := defects.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// live plays the scenario, and makes of what happened the history of a live run: times are off by up to so much, as a real
// machine's are, and unseen kinds are left out.
func live(t *testing.T, scenario, defect string, jitter time.Duration, unseen ...string) (*plan.Plan, *history.History) {
	t.Helper()
	s, err := scenarios.Find(scenario)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Resolve(s, 7)
	if err != nil {
		t.Fatal(err)
	}
	o := harness.Play(context.Background(), p, stores.Memory(), sim.Reference(find(t, defect)), nil)
	if o.Fault != nil {
		t.Fatal(o.Fault)
	}
	draws := oracle.NewRandom(1, "jitter")
	h := &history.History{}
	out := map[string]bool{}
	for _, kind := range unseen {
		out[kind] = true
	}
	var last, late history.Time
	for _, e := range o.History.Events {
		if out[e.Kind.String()] {
			continue
		}
		late = history.Time(draws.Choose(oracle.Latency, uint64(jitter/time.Microsecond)+1)) * history.Time(time.Microsecond)
		if e.Sent > 0 {
			e.Sent = min(e.Sent+late, e.At+late)
		}
		e.At = max(e.At+late, last)
		last = e.At
		h.Add(e)
	}
	measured := p.Clone()
	measured.Live = &plan.Live{Speed: 1, Tolerance: plan.Duration(jitter), Unseen: unseen}
	return measured, h
}

// TestReproduces takes live histories of defects over into virtual time, where each must show again.
func TestReproduces(t *testing.T) {
	t.Parallel()
	blackBox := []string{"move", "log", "row", "machine", "cloud", "boot", "panic"}
	for _, c := range []struct {
		scenario, defect, invariant string
		unseen                      []string
		least                       int
	}{
		{"minimax-past-budget", "sticky-failed", "converges", nil, 20},
		{"minimax-past-budget", "sticky-failed", "converges", blackBox, 20},
		{"pause-resume-during-boot", "unpause-by-register", "operator-intent-holds", nil, 20},
		{"hibernate-and-wake", "lying-hibernate", "reply-is-state", nil, 20},
		{"delete-while-recovering", "degraded-resurrect", "removed-is-terminal", nil, 10},
		{"delete-while-recovering", "degraded-resurrect", "linearizable", nil, 10},
		{"silence-during-crash", "lost-expiry", "detects-silence", nil, 15},
	} {
		p, h := live(t, c.scenario, c.defect, 300*time.Millisecond, c.unseen...)
		// What is reproduced must come of what was measured, not of what was planned.
		for i := range p.Workspaces {
			p.Workspaces[i].CreateAt += plan.Duration(time.Second)
			for j := range p.Workspaces[i].Boots {
				p.Workspaces[i].Boots[j].Preflight = plan.Duration(time.Minute)
			}
		}
		for i := range p.Acts {
			p.Acts[i].At += plan.Duration(time.Minute)
		}
		r, err := bridge.Reproduce(context.Background(), p, h, c.invariant, find(t, c.defect), 100, 20)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Shown) < c.least {
			t.Errorf("%s, %s: %s, want at least %d", c.scenario, c.defect, r, c.least)
			continue
		}
		text, err := json.Marshal(r.First.Plan)
		if err != nil {
			t.Fatal(err)
		}
		var kept plan.Plan
		if err := json.Unmarshal(text, &kept); err != nil {
			t.Errorf("%s: the plan cannot be kept: %v", c.scenario, err)
		}
		if r.First.Plan.Seed != r.Shown[0] || r.First.Plan.Live != nil {
			t.Errorf("%s: the outcome is of seed %d, and %d is the first that shows it", c.scenario, r.First.Plan.Seed, r.Shown[0])
		}
		again := harness.Play(context.Background(), r.First.Plan, stores.Memory(), sim.Reference(find(t, c.defect)), nil)
		if again.Digest != r.First.Digest {
			t.Errorf("%s: the outcome cannot be replayed", c.scenario)
		}
		if c.unseen == nil {
			healthy, err := bridge.Reproduce(context.Background(), p, h, c.invariant, nil, 100, 5)
			if err != nil || len(healthy.Shown) > 0 || !strings.Contains(healthy.String(), "sim does not reproduce "+c.invariant+": with none of 5 seeds") {
				t.Errorf("%s without the defect: %v, %v", c.scenario, healthy, err)
			}
		}
	}
}

// TestSuspects names what may be wrong with a controller whose code nobody here has seen.
func TestSuspects(t *testing.T) {
	t.Parallel()
	p, h := live(t, "minimax-past-budget", "sticky-failed", 300*time.Millisecond, "log", "row", "machine", "cloud", "boot", "panic")
	found, err := bridge.Suspects(context.Background(), p, h, "converges", 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range found {
		names = append(names, r.Defect)
	}
	if len(names) < 2 || names[0] != "sticky-failed" || names[1] != "fix-regressed" || len(names) > 4 {
		t.Errorf("suspected: %v", names)
	}
}

// TestHeldRun says so where neither world violates anything.
func TestHeldRun(t *testing.T) {
	t.Parallel()
	p, h := live(t, "provider-matrix", "", 300*time.Millisecond)
	r, err := bridge.Reproduce(context.Background(), p, h, "", nil, 1, 3)
	if err != nil || r.String() != "sim violates nothing with 3 of 3 seeds either" {
		t.Errorf("%v, %v", r, err)
	}
}

// TestPlanOfAFastRun checks that a run with a short budget is played slower, all of it alike.
func TestPlanOfAFastRun(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{
		Name: "s", Duration: sec(10), Controllers: 1, Live: &plan.Live{Speed: 1},
		Settings:   plan.Settings{ProvisionTimeout: sec(20), HeartbeatInterval: sec(1), LivenessTTL: sec(6)},
		Workspaces: []plan.Workspace{{Name: "a-1", CreateAt: sec(1), Boots: []plan.Boot{{ImagePull: sec(2), Refusals: 1}}}},
		Acts:       []plan.Act{{At: sec(5), Do: "restart", Workspace: 1}},
		Faults:     []plan.Fault{{Kind: "partition", From: sec(3), Until: sec(4)}},
	}
	slow := bridge.Plan(p, &history.History{})
	c := slow.Settings.Controller()
	if c.Budget("claude-code") != 10*time.Minute || c.LivenessTTL != 3*time.Minute || slow.Settings.Heartbeat() != 30*time.Second || c.ProvisionSweepEvery != 15*time.Minute {
		t.Errorf("settings %+v", slow.Settings)
	}
	if w := slow.Workspaces[0]; w.CreateAt != sec(30) || w.Boots[0].Total() != 30*14*time.Second || slow.Acts[0].At != sec(150) || slow.Faults[0].Until != sec(120) {
		t.Errorf("plan %+v", slow)
	}
}

func sec(n float64) plan.Duration { return plan.Duration(n * float64(time.Second)) }

func at(n float64) history.Time { return history.Time(sec(n)) }

// TestPlanTakesOverWhatWasMeasured checks every number that the bridge carries.
func TestPlanTakesOverWhatWasMeasured(t *testing.T) {
	t.Parallel()
	p := &plan.Plan{
		Name: "s", Seed: 3, Duration: sec(100), Controllers: 1, Expect: &scenarios.Expect{}, Live: &plan.Live{Speed: 1},
		Workspaces: []plan.Workspace{
			{Name: "a-1", Boots: []plan.Boot{{ImagePull: sec(1), AgentStart: sec(1), Preflight: sec(2), Refusals: 2}, {ImagePull: sec(9)}}},
			{Name: "b-1", CreateAt: sec(1), Boots: []plan.Boot{{ImagePull: sec(10), AgentStart: sec(10), Preflight: sec(20), Refusals: 1}}},
			{Name: "c-1", CreateAt: sec(1), Boots: []plan.Boot{{ImagePull: sec(10)}}},
			{Name: "d-1", Boots: []plan.Boot{{ImagePull: sec(10), Dies: "preflight"}}},
		},
		Acts: []plan.Act{{At: sec(50), Do: "restart", Workspace: 1}, {At: sec(60), Do: "wake", Workspace: 2}, {At: sec(70), Do: "wake", Workspace: 2}, {At: sec(80), Do: "pause", Workspace: 3}},
		Faults: []plan.Fault{
			{Kind: "partition", From: sec(10), Until: sec(20)},
			{Kind: "llm-slow", From: sec(1), Until: sec(2), Delay: sec(5)},
			{Kind: "crash", From: sec(30), Delay: sec(5)},
			{Kind: "store-slow", From: sec(40), Until: sec(50), Delay: sec(2)},
			{Kind: "clock", From: sec(90), Until: sec(95)},
		},
	}
	call := func(ws int, name string, sent, back float64, code int) history.Event {
		return history.Event{Kind: history.Call, Actor: history.ActorOperator, WS: ws, Call: name, Sent: at(sent), At: at(back), Code: code}
	}
	h := &history.History{Events: []history.Event{
		call(1, "create", 0.5, 0.6, 201),
		call(2, "create", 1.5, 1.6, 201),
		{At: at(2), Kind: history.Machine, WS: 1, Inc: 1, Phase: history.Launched},
		{At: at(5), Kind: history.Boot, WS: 1, Inc: 1, Phase: history.ImagePulled},
		{At: at(6.5), Kind: history.Boot, WS: 1, Inc: 1, Phase: history.AgentStarted},
		{At: at(16.5), Kind: history.Boot, WS: 1, Inc: 1, Phase: history.PreflightDone},
		{At: at(11), Kind: history.Fault, Fault: 1, Phase: history.Started},
		{At: at(22), Kind: history.Fault, Fault: 1, Phase: history.Ended},
		{At: at(31), Kind: history.Fault, Fault: 3, Phase: history.Started},
		{At: at(31), Kind: history.Process, Replica: 1, Phase: history.Ended},
		{At: at(38), Kind: history.Process, Replica: 1, Phase: history.Started},
		{At: at(41), Kind: history.Fault, Fault: 4, Phase: history.Started},
		{At: at(41.6), Kind: history.Agent, WS: 2, Inc: 1, Phase: history.Started},
		call(1, "restart", 52, 53, 0),
		{At: at(53), Kind: history.Fault, Fault: 4, Phase: history.Ended},
		call(1, "restart", 58, 59, 200),
		{At: at(60), Kind: history.Machine, WS: 1, Inc: 2, Phase: history.Launched},
		call(2, "resume", 61, 61.1, 409),
		{At: at(63), Kind: history.Boot, WS: 1, Inc: 2, Phase: history.ImagePulled},
		{At: at(65), Kind: history.Boot, WS: 1, Inc: 2, Phase: history.BootDied},
		call(2, "resume", 73, 73.1, 200),
		{At: at(120), Kind: history.End},
	}}
	want := &plan.Plan{
		Name: "s", Seed: 3, Duration: sec(95 + 600 + 360), Controllers: 1, // the last fault, the budget of the boot that dies, and time to settle
		Workspaces: []plan.Workspace{
			{Name: "a-1", CreateAt: sec(0.5), Boots: []plan.Boot{
				{ImagePull: sec(3), AgentStart: sec(1.5), Preflight: sec(10)},
				{ImagePull: sec(3), AgentStart: sec(2), Dies: "agent_start"},
			}},
			{Name: "b-1", CreateAt: sec(1.5), Boots: []plan.Boot{{ImagePull: sec(10), AgentStart: sec(10), Preflight: sec(20)}}},
			{Name: "c-1", CreateAt: sec(1), Boots: []plan.Boot{{ImagePull: sec(10)}}},
			{Name: "d-1", Boots: []plan.Boot{{ImagePull: sec(10), Dies: "preflight"}}},
		},
		Acts: []plan.Act{{At: sec(52), Do: "restart", Workspace: 1}, {At: sec(61), Do: "wake", Workspace: 2}, {At: sec(73), Do: "wake", Workspace: 2}, {At: sec(80), Do: "pause", Workspace: 3}},
		Faults: []plan.Fault{
			{Kind: "partition", From: sec(11), Until: sec(22)},
			{Kind: "crash", From: sec(31), Delay: sec(7)},
			{Kind: "store-slow", From: sec(41), Until: sec(51), Delay: sec(2)},
			{Kind: "clock", From: sec(90), Until: sec(95)},
		},
	}
	if diff := cmp.Diff(want, bridge.Plan(p, h)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if p.Live == nil || p.Workspaces[0].CreateAt != 0 {
		t.Error("the live plan was changed")
	}
}
