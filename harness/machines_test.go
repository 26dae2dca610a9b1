package harness_test

import (
	"slices"
	"testing"
	"time"

	"github.com/bootrace/bootrace/harness/history"
	"github.com/bootrace/bootrace/harness/plan"
	"github.com/bootrace/bootrace/harness/stores"
	"github.com/bootrace/bootrace/scenarios"
)

// What befalls a machine that goes on to be one befalls what runs on it, and nothing else: it is the same machine of the
// same incarnation afterwards, and pulls nothing again that it had.
func TestMachinesThatGoOn(t *testing.T) {
	t.Parallel()
	s, err := scenarios.Find("restarted-machines")
	if err != nil {
		t.Fatal(err)
	}
	p := resolve(t, s, 3)
	o := play(t, p, stores.Memory(), nil)
	of := func(ws int, kind history.Kind, phase string) (at []time.Duration) {
		for _, e := range o.History.Events {
			if e.WS == ws && e.Kind == kind && e.Phase == phase {
				at = append(at, e.At.D())
			}
		}
		return at
	}
	for i, w := range p.Workspaces {
		ws, boot := i+1, w.Boot(1)
		again := of(ws, history.Machine, history.Restarted)
		agents := of(ws, history.Agent, history.Started)
		if launched := of(ws, history.Machine, history.Launched); len(launched) != 1 {
			t.Errorf("%s had machines launched at %v", w.Name, launched)
		}
		switch w.Group {
		case "rebooted-early", "rebooted", "hungry":
			if len(again) != 1 {
				t.Errorf("%s booted again at %v", w.Name, again)
				continue
			}
			if want := again[0] + boot.Again().Total(); agents[len(agents)-1] != want {
				t.Errorf("%s was up at %v, want %v", w.Name, agents, want)
			}
			f := p.Faults[slices.IndexFunc(p.Faults, func(f plan.Fault) bool { return slices.Contains(f.Workspaces, ws) })]
			if want := f.End(); again[0] != want {
				t.Errorf("%s booted again at %s, want %s", w.Name, again[0], want)
			}
		case "paused-early":
			if len(again) != 0 || len(agents) != 1 || agents[0] < 12*time.Minute {
				t.Errorf("%s booted again at %v, and was up at %v", w.Name, again, agents)
			}
		}
	}
	for _, e := range o.History.Events {
		if e.Kind != history.Call || e.Actor != history.ActorAgent || e.WS == 0 {
			continue
		}
		if g := p.Workspaces[e.WS-1].Group; (g == "hungry" || g == "paused") && e.Sent.D() > 6*time.Minute && e.Sent.D() < 12*time.Minute {
			t.Errorf("an agent of %s called at %s", g, e.Sent.D())
		}
	}
}

// Whatever comes upon a machine at a time, there is one agent on it at the end.
func TestMachineFaultsOverlap(t *testing.T) {
	t.Parallel()
	at := func(m float64) scenarios.Duration { return scenarios.Duration(m * float64(time.Minute)) }
	s := &scenarios.Scenario{
		Name: "overlapping", About: "a",
		Fleet: []scenarios.Group{{Provider: "kimi", Count: 3, Boot: &scenarios.Boot{Total: at(2)}}},
		Faults: []scenarios.Fault{
			{Kind: "agent-oom", From: 0, Until: at(4)}, {Kind: "agent-oom", From: at(3), Until: at(6)},
			{Kind: "machine-restart", From: at(5)}, {Kind: "machine-restart", From: at(7)}, {Kind: "machine-restart", From: at(7)},
			{Kind: "machine-pause", From: at(6.5), Until: at(10)}, {Kind: "agent-stall", From: at(9), Until: at(11)},
			{Kind: "machine-death", From: at(14), First: 1}, {Kind: "machine-restart", From: at(15)},
		},
		Acts: []scenarios.Act{{At: at(20), Do: "restart", First: 1}},
	}
	o := play(t, resolve(t, s, 1), stores.Memory(), nil)
	for _, v := range o.Judgement.Violations() {
		t.Errorf("%s: %s", v.Invariant, v.What)
	}
	if len(o.Judgement.Doubts) > 0 {
		t.Error(o.Judgement.Doubts)
	}
	last := map[int]string{}
	for _, e := range o.History.Events {
		if e.Kind == history.Machine || e.Kind == history.Agent {
			last[e.WS] = e.Kind.String() + " " + e.Phase
		}
	}
	for ws, what := range last {
		if what != "agent started" {
			t.Errorf("the last of workspace %d is %s", ws, what)
		}
	}
}
